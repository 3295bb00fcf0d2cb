// Package render writes objects as YAML files in the layout of the official plugin's
// renderYamlToDirectory.
package render

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const (
	// Definitions sort before what they define, so that `kubectl apply -R` works.
	crds      = "0-crd"
	manifests = "1-manifest"
)

var clean = strings.NewReplacer("/", "_", ":", "_")

// Path is where an object's file lies.
func Path(dir string, u *unstructured.Unstructured) string {
	namespace := u.GetNamespace()
	if namespace == "" {
		namespace = "default"
	}
	name := fmt.Sprintf("%s-%s-%s-%s.yaml",
		clean.Replace(u.GetAPIVersion()), strings.ToLower(u.GetKind()), namespace, u.GetName())
	if u.GetKind() == "CustomResourceDefinition" && u.GroupVersionKind().Group == "apiextensions.k8s.io" {
		return filepath.Join(dir, crds, name)
	}
	return filepath.Join(dir, manifests, name)
}

// Write writes an object's file, readable by its owner only: it may hold secrets.
func Write(dir string, u *unstructured.Unstructured) (string, error) {
	path := Path(dir, u)
	text, err := yaml.Marshal(u.Object)
	if err != nil {
		return "", fmt.Errorf("%s cannot be written as YAML: %w", u.GetName(), err)
	}
	for _, d := range []string{crds, manifests} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return "", fmt.Errorf("renderYamlToDirectory: %w", err)
		}
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return "", fmt.Errorf("renderYamlToDirectory: %w", err)
	}
	return path, nil
}

// Remove removes an object's file; one that is gone already is fine.
func Remove(dir string, u *unstructured.Unstructured) error {
	if err := os.Remove(Path(dir, u)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("renderYamlToDirectory: %w", err)
	}
	return nil
}
