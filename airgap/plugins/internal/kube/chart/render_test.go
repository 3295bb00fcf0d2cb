package chart

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
)

// sample is a chart with what a renderer must treat in different ways.
func sample(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "sample")
	for name, text := range map[string]string{
		"Chart.yaml":  "apiVersion: v2\nname: sample\nversion: 1.0.0\ndependencies: []\n",
		"values.yaml": "replicas: 1\ncolour: blue\n",
		"crds/things.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n" +
			"metadata: {name: things.test.io}\nspec: {group: test.io, scope: Namespaced, names: {kind: Thing}}\n",
		"templates/_helpers.tpl": `{{- define "sample.name" -}}{{ .Release.Name }}-app{{- end -}}`,
		"templates/NOTES.txt":    "Installed {{ .Release.Name }}",
		"templates/all.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ include "sample.name" . }}, labels: {ns: {{ .Release.Namespace }}, colour: {{ .Values.colour }}}}
spec: {replicas: {{ .Values.replicas }}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: account}
---
# nothing here
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: one}}
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: two}}
`,
		"templates/hook.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {helm.sh/hook: pre-install}}\n",
		"templates/test.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: check, annotations: {helm.sh/hook: test}}\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func parse(t *testing.T, in map[string]any) *Inputs {
	t.Helper()
	out, err := ParseInputs("mesh", resource.NewPropertyMapFromMap(in))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func rendered(t *testing.T, in *Inputs) string {
	t.Helper()
	r, err := Render(in, Server{})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, u := range r.Objects {
		out = append(out, u.GetKind()+"/"+u.GetName())
	}
	return strings.Join(out, " ")
}

func TestRenderOrdersAndLeavesOutHooksAndNotes(t *testing.T) {
	in := parse(t, map[string]any{"chart": sample(t)})
	want := "CustomResourceDefinition/things.test.io ServiceAccount/account Deployment/mesh-app ConfigMap/one ConfigMap/two"
	if got := rendered(t, in); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	in.SkipCRDs, in.IncludeHooks = true, true
	want = "ServiceAccount/account Deployment/mesh-app ConfigMap/one ConfigMap/two Job/migrate"
	if got := rendered(t, in); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func TestRenderMergesValues(t *testing.T) {
	in, err := ParseInputs("mesh", resource.PropertyMap{
		"chart": resource.NewProperty(sample(t)), "name": resource.NewProperty("rel"), "namespace": resource.NewProperty("here"),
		"values": resource.NewProperty(resource.PropertyMap{"replicas": resource.MakeSecret(resource.NewProperty(3.0))}),
		"valueYamlFiles": resource.NewProperty([]resource.PropertyValue{
			resource.NewProperty(&asset.Asset{Text: "replicas: 5\ncolour: red"}),
			resource.NewProperty(&asset.Asset{Text: "colour: green"}),
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Render(in, Server{})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range r.Objects {
		if u.GetKind() != "Deployment" {
			continue
		}
		spec := u.Object["spec"].(map[string]any)
		if u.GetName() != "rel-app" || u.GetLabels()["ns"] != "here" || u.GetLabels()["colour"] != "green" || spec["replicas"] != 3.0 {
			t.Fatalf("rendered %v", u.Object)
		}
	}
}

func TestInputsThatAreRefused(t *testing.T) {
	chart := sample(t)
	for name, in := range map[string]map[string]any{
		"is required":           {},
		"repositoryOpts":        {"chart": chart, "repositoryOpts": map[string]any{"repo": "https://example.com"}},
		"dependencyUpdate":      {"chart": chart, "dependencyUpdate": true},
		"not an input":          {"chart": chart, "colour": "red"},
		"must be an object":     {"chart": chart, "values": "x"},
		"must be true or false": {"chart": chart, "skipCrds": "yes"},
	} {
		if _, err := ParseInputs("mesh", resource.NewPropertyMapFromMap(in)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, ref := range []string{"oci://example.com/chart", "stable/nginx"} {
		_, err := Render(&Inputs{Chart: ref}, Server{})
		if err == nil || !strings.Contains(err.Error(), "no network") {
			t.Errorf("%s: got %v", ref, err)
		}
	}
}

func TestUnknownInputIsNoError(t *testing.T) {
	in := resource.PropertyMap{"chart": resource.MakeSecret(resource.MakeComputed(resource.NewProperty("")))}
	if _, err := ParseInputs("mesh", in); !errors.Is(err, ErrUnknown) {
		t.Fatalf("got %v", err)
	}
}
