package chart

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func obj(apiVersion, kind, namespace, name string, annotations map[string]any) *unstructured.Unstructured {
	m := map[string]any{"name": name}
	if namespace != "" {
		m["namespace"] = namespace
	}
	if annotations != nil {
		m["annotations"] = annotations
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": m}}
}

func names(nodes []Node) string {
	var out []string
	for _, n := range nodes {
		out = append(out, n.Object.GetName())
	}
	return strings.Join(out, " ")
}

func TestOrderPutsNamespaceAndDefinitionFirst(t *testing.T) {
	crd := obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "gateways.test.io", nil)
	crd.Object["spec"] = map[string]any{"group": "test.io", "names": map[string]any{"kind": "Gateway"}}
	nodes, err := Order([]*unstructured.Unstructured{
		obj("test.io/v1", "Gateway", "mesh", "gateway", nil),
		obj("v1", "Service", "mesh", "service", nil),
		obj("v1", "Service", "other", "elsewhere", nil),
		obj("v1", "Namespace", "", "mesh", nil),
		crd,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(nodes), "elsewhere mesh gateways.test.io gateway service"; got != want {
		t.Fatalf("order %q, want %q", got, want)
	}
	if n := len(nodes[3].Before); n != 2 {
		t.Fatalf("the custom resource waits for %d objects, want its namespace and its definition", n)
	}
	if n := len(nodes[0].Before); n != 0 {
		t.Fatalf("an object without needs waits for %d others", n)
	}
}

func TestOrderFollowsAnnotation(t *testing.T) {
	after := func(ref string) map[string]any { return map[string]any{dependsOn: ref} }
	nodes, err := Order([]*unstructured.Unstructured{
		obj("apps/v1", "Deployment", "a", "app", after("/namespaces/a/ConfigMap/settings, apps/namespaces/a/Deployment/db")),
		obj("apps/v1", "Deployment", "a", "db", nil),
		obj("v1", "ConfigMap", "a", "settings", nil),
	})
	if err != nil || names(nodes) != "db settings app" {
		t.Fatalf("order %q, %v", names(nodes), err)
	}
	_, err = Order([]*unstructured.Unstructured{
		obj("v1", "ConfigMap", "a", "x", after("/namespaces/a/ConfigMap/y")),
		obj("v1", "ConfigMap", "a", "y", after("/namespaces/a/ConfigMap/x")),
	})
	if err == nil || !strings.Contains(err.Error(), "wait for each other") {
		t.Fatalf("a circle gives %v", err)
	}
	_, err = Order([]*unstructured.Unstructured{obj("v1", "ConfigMap", "a", "x", after("y"))})
	if err == nil || !strings.Contains(err.Error(), "group/kind/name") {
		t.Fatalf("a bad reference gives %v", err)
	}
}

func TestOrderRefusesTwice(t *testing.T) {
	twice := []*unstructured.Unstructured{obj("v1", "Secret", "a", "x", nil), obj("v1", "Secret", "a", "x", nil)}
	if _, err := Order(twice); err == nil {
		t.Fatal("the same object twice is accepted")
	}
}
