package provider

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"bankmesh/airgap/plugins/internal/kube/object"
)

// autonamed marks an object whose name this plugin chose.
const autonamed = "pulumi.com/autonamed"

// gvkOf gives group, version and kind from a resource's type, as in kubernetes:apps/v1:Deployment.
func gvkOf(urn resource.URN) (schema.GroupVersionKind, error) {
	module := string(urn.Type().Module().Name())
	group, version, ok := strings.Cut(module, "/")
	if !ok {
		return schema.GroupVersionKind{}, fmt.Errorf("the resource type %s does not name a group and a version", urn.Type())
	}
	if group == "core" {
		group = ""
	}
	kind := string(urn.Type().Name())
	if isPatch(urn) {
		kind = strings.TrimSuffix(kind, "Patch")
	}
	return schema.GroupVersionKind{Group: group, Version: version, Kind: kind}, nil
}

// isPatch says whether the resource is a few fields of somebody else's object: they are applied to
// what is there, and given up at the end, when the object stays. Of these types one is offered.
func isPatch(urn resource.URN) bool { return urn.Type() == "kubernetes:core/v1:NamespacePatch" }

// idOf is "namespace/name", or the name of a cluster-wide object.
func idOf(u *unstructured.Unstructured) string {
	if u.GetNamespace() == "" {
		return u.GetName()
	}
	return u.GetNamespace() + "/" + u.GetName()
}

func parseID(id string) (namespace, name string) {
	if ns, n, ok := strings.Cut(id, "/"); ok {
		return ns, n
	}
	return "", id
}

func wrap(o object.Object) *unstructured.Unstructured { return &unstructured.Unstructured{Object: o} }

// metadataOf gives the metadata of inputs, made where it is missing; nil while it is not known.
func metadataOf(o object.Object) map[string]any {
	if o["metadata"] == nil {
		o["metadata"] = object.Object{}
	}
	m, _ := o["metadata"].(map[string]any)
	return m
}

func annotation(o object.Object, key string) string {
	m, _ := o["metadata"].(map[string]any)
	a, _ := m["annotations"].(map[string]any)
	s, _ := a[key].(string)
	return s
}

func annotations(o object.Object) map[string]string {
	out := map[string]string{}
	m, _ := o["metadata"].(map[string]any)
	a, _ := m["annotations"].(map[string]any)
	for k, v := range a {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

func setName(o object.Object, name string) {
	m := metadataOf(o)
	m["name"] = name
	if m["annotations"] == nil {
		m["annotations"] = object.Object{}
	}
	if a, ok := m["annotations"].(map[string]any); ok {
		a[autonamed] = "true"
	}
}

// ensureName gives an object that the program did not name the name it had, or a new one.
func ensureName(r *pulumirpc.CheckRequest, olds, news object.Object) error {
	m := metadataOf(news)
	if m == nil || m["name"] != nil {
		return nil
	}
	if m["generateName"] != nil {
		return errors.New("metadata.generateName is not supported in server-side apply mode; give metadata.name")
	}
	if len(olds) > 0 {
		if was, _ := metadataOf(olds)["name"].(string); was != "" && annotation(olds, autonamed) == "true" {
			setName(news, was)
			return nil
		}
	}
	urn := resource.URN(r.GetUrn())
	if a := r.GetAutonaming(); a != nil {
		switch a.GetMode() {
		case pulumirpc.CheckRequest_AutonamingOptions_DISABLE:
			return errors.New("metadata.name must be given, because automatic names are disabled")
		case pulumirpc.CheckRequest_AutonamingOptions_ENFORCE, pulumirpc.CheckRequest_AutonamingOptions_PROPOSE:
			if a.GetProposedName() != "" {
				setName(news, a.GetProposedName())
				return nil
			}
		}
	}
	name, err := resource.NewUniqueName(r.GetRandomSeed(), urn.Name()+"-", 8, 0, nil)
	if err != nil {
		return err
	}
	setName(news, name)
	return nil
}
