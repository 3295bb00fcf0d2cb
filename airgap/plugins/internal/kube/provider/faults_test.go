package provider

import (
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"bankmesh/airgap/plugins/internal/kube/kubetest"
)

// The faults of the plugin's prototype, each against a real API server.

var peers = schema.GroupVersionResource{Group: "security.test.io", Version: "v1", Resource: "peerauthentications"}

// definePeers makes a kind like Istio's PeerAuthentication.
func definePeers(t *testing.T, s *Server) {
	t.Helper()
	crd := on(t, s, "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "peers")
	crd.create(props(map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "peerauthentications.security.test.io"},
		"spec": map[string]any{
			"group": "security.test.io", "scope": "Namespaced",
			"names": map[string]any{"kind": "PeerAuthentication", "plural": "peerauthentications", "singular": "peerauthentication"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{
					"type": "object",
					"properties": map[string]any{"spec": map[string]any{
						"type": "object",
						"properties": map[string]any{
							"mtls": map[string]any{"type": "object", "properties": map[string]any{"mode": map[string]any{"type": "string"}}},
							"portLevelMtls": map[string]any{"type": "object", "additionalProperties": map[string]any{
								"type": "object", "properties": map[string]any{"mode": map[string]any{"type": "string"}},
							}},
						},
					}},
				}},
			}},
		},
	}))
	t.Cleanup(crd.delete)
}

func peer(namespace, mode string, ports map[string]any) map[string]any {
	spec := map[string]any{"mtls": map[string]any{"mode": mode}}
	if ports != nil {
		spec["portLevelMtls"] = ports
	}
	return map[string]any{
		"apiVersion": "security.test.io/v1", "kind": "PeerAuthentication",
		"metadata": map[string]any{"name": "default", "namespace": namespace}, "spec": spec,
	}
}

func getPeer(t *testing.T, c *kubetest.Cluster, namespace string) *unstructured.Unstructured {
	t.Helper()
	d, err := dynamic.NewForConfig(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	u, err := d.Resource(peers).Namespace(namespace).Get(t.Context(), "default", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func patchPeer(t *testing.T, c *kubetest.Cluster, namespace, manager, patch string) {
	t.Helper()
	d, err := dynamic.NewForConfig(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Resource(peers).Namespace(namespace).Patch(t.Context(), "default", types.MergePatchType,
		[]byte(patch), metav1.PatchOptions{FieldManager: manager})
	if err != nil {
		t.Fatal(err)
	}
}

func mode(u *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(u.Object, append([]string{"spec"}, path...)...)
	return s
}

func TestDroppedFieldDisappearsLive(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	definePeers(t, s)
	b := on(t, s, "kubernetes:security.test.io/v1:PeerAuthentication", "strict")
	b.create(props(peer(ns, "STRICT", map[string]any{"8080": map[string]any{"mode": "DISABLE"}})))
	if got := mode(getPeer(t, c, ns), "portLevelMtls", "8080", "mode"); got != "DISABLE" {
		t.Fatalf("port mode is %q", got)
	}
	after := props(peer(ns, "STRICT", nil))
	if d := b.diff(after); d.GetDetailedDiff()["spec.portLevelMtls"].GetKind() != pulumirpc.PropertyDiff_DELETE {
		t.Fatalf("diff: %v", d.GetDetailedDiff())
	}
	b.update(after)
	if got := mode(getPeer(t, c, ns), "portLevelMtls", "8080", "mode"); got != "" {
		t.Fatalf("the port's mode was dropped from the program but is still %q in the cluster", got)
	}
	if n := len(getPeer(t, c, ns).GetManagedFields()); n != 1 {
		t.Fatalf("%d managers own the object's fields, want one", n)
	}
	b.unchanged(after)
}

func TestWeakeningByHandShowsOnReadAndIsHealed(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	definePeers(t, s)
	b := on(t, s, "kubernetes:security.test.io/v1:PeerAuthentication", "strict")
	want := props(peer(ns, "STRICT", nil))
	b.create(want)
	b.refresh()
	b.unchanged(want)

	patchPeer(t, c, ns, "kubectl-patch", `{"spec":{"mtls":{"mode":"PERMISSIVE"}}}`)
	if !b.refresh() {
		t.Fatal("the object is reported as gone")
	}
	if got := b.inputs["spec"].ObjectValue()["mtls"].ObjectValue()["mode"].StringValue(); got != "PERMISSIVE" {
		t.Fatalf("refresh shows %q, but the live mode is PERMISSIVE", got)
	}
	d := b.diff(want)
	if d.GetDetailedDiff()["spec.mtls.mode"].GetKind() != pulumirpc.PropertyDiff_UPDATE || len(d.GetReplaces()) > 0 {
		t.Fatalf("diff: %v", d)
	}
	b.update(want)
	if got := mode(getPeer(t, c, ns), "mtls", "mode"); got != "STRICT" {
		t.Fatalf("after the update the live mode is %q", got)
	}
}

func TestChangeByAControllerIsAConflict(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	definePeers(t, s)
	b := on(t, s, "kubernetes:security.test.io/v1:PeerAuthentication", "strict")
	want := peer(ns, "STRICT", nil)
	b.create(props(want))
	patchPeer(t, c, ns, "mesh-controller", `{"spec":{"mtls":{"mode":"PERMISSIVE"}}}`)
	b.refresh()
	err := b.tryUpdate(props(want))
	for _, part := range []string{"conflict", "spec.mtls.mode", "mesh-controller", "pulumi.com/patchForce"} {
		contains(t, err, part)
	}
	want["metadata"].(map[string]any)["annotations"] = map[string]any{"pulumi.com/patchForce": "true"}
	b.update(props(want))
	if got := mode(getPeer(t, c, ns), "mtls", "mode"); got != "STRICT" {
		t.Fatalf("with patchForce the live mode is %q", got)
	}
}

func TestDeletedByHandIsGoneOnRead(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	b := on(t, s, "kubernetes:core/v1:ConfigMap", "settings")
	b.create(props(configMap(ns, "settings", map[string]any{"a": "1"})))
	if err := c.Client.CoreV1().ConfigMaps(ns).Delete(t.Context(), "settings", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if b.refresh() {
		t.Fatal("the object was deleted by hand, but a refresh still finds it")
	}
	contains(t, b.tryUpdate(props(configMap(ns, "settings", map[string]any{"a": "2"}))), "pulumi refresh")
	b.delete() // deleting what is gone is fine
}
