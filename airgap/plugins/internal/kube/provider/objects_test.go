package provider

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"bankmesh/airgap/plugins/internal/kube/kubetest"
)

func TestCreateRefusesWhatExists(t *testing.T) {
	c := kubetest.Shared(t)
	ns := c.Namespace(t)
	own := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"b": "theirs"}}
	if _, err := c.Client.CoreV1().ConfigMaps(ns).Create(t.Context(), own, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	in := props(configMap(ns, "settings", map[string]any{"a": "1"}))
	err := on(t, live(t, c), "kubernetes:core/v1:ConfigMap", "settings").tryCreate(t.Context(), in)
	for _, part := range []string{"already exists", ns + "/settings", "upsertExistingObjects"} {
		contains(t, err, part)
	}
	b := on(t, live(t, c, map[string]any{"upsertExistingObjects": "true"}), "kubernetes:core/v1:ConfigMap", "settings")
	b.create(in)
	now, err := c.Client.CoreV1().ConfigMaps(ns).Get(t.Context(), "settings", metav1.GetOptions{})
	if err != nil || now.Data["a"] != "1" || now.Data["b"] != "theirs" {
		t.Errorf("%v %v", now.Data, err)
	}
}

func TestNamespaceIsDeletedWithItsContent(t *testing.T) {
	c := kubetest.Shared(t)
	s := live(t, c)
	name := "deleted-" + filepath.Base(t.TempDir())
	ns := on(t, s, "kubernetes:core/v1:Namespace", "ns")
	ns.create(props(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}}))
	if ns.id != name {
		t.Errorf("ID %q", ns.id)
	}
	b := on(t, s, "kubernetes:core/v1:ConfigMap", "settings")
	b.create(props(configMap(name, "settings", map[string]any{"a": "1"})))
	ns.delete()
	if _, err := c.Client.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("delete returned before the namespace was gone: %v", err)
	}
	b.delete()
}

func TestFinalizerIsNamedWhenDeletionTimesOut(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	in := configMap(ns, "held", map[string]any{"a": "1"})
	in["metadata"].(map[string]any)["finalizers"] = []any{"test.io/hold"}
	in["metadata"].(map[string]any)["annotations"] = map[string]any{"pulumi.com/timeoutSeconds": "1"}
	b := on(t, s, "kubernetes:core/v1:ConfigMap", "held")
	b.create(props(in))
	_, err := s.Delete(t.Context(), &pulumirpc.DeleteRequest{
		Urn: b.urn, Id: b.id, Properties: rpc(t, b.outputs), OldInputs: rpc(t, b.inputs),
	})
	if text := strings.Join(initFailed(t, err).GetReasons(), "\n"); !strings.Contains(text, "test.io/hold") {
		t.Error(text)
	}
	free := []byte(`{"metadata":{"finalizers":null}}`)
	if _, err := c.Client.CoreV1().ConfigMaps(ns).Patch(t.Context(), "held", types.MergePatchType, free, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	b.delete()
}

func TestCustomResourceWithoutItsKind(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	b := on(t, s, "kubernetes:security.test.io/v1:PeerAuthentication", "early")
	in := props(peer(ns, "STRICT", nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.tryCreate(ctx, in); err == nil {
		t.Fatal("an object of an unknown kind is created")
	}
	// The definition comes while the object is being created.
	done := make(chan error, 1)
	go func() { done <- b.tryCreate(context.Background(), in) }()
	definePeers(t, s)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.delete()
}

func TestServerRefusesWithTheFieldNamed(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	in := serviceFor(ns)
	in["spec"].(map[string]any)["type"] = "Sideways"
	err := on(t, s, "kubernetes:core/v1:Service", "echo").tryCreate(t.Context(), props(in))
	contains(t, err, "spec.type")
}

func TestIgnoredFieldKeepsItsLiveValue(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	b := on(t, s, "kubernetes:core/v1:ConfigMap", "settings")
	b.create(props(configMap(ns, "settings", map[string]any{"mine": "1", "theirs": "1"})))
	patch := []byte(`{"data":{"theirs":"2"}}`)
	_, err := c.Client.CoreV1().ConfigMaps(ns).Patch(t.Context(), "settings", types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "tuner"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.tryUpdate(props(configMap(ns, "settings", map[string]any{"mine": "2", "theirs": "1"})), "data.theirs"); err != nil {
		t.Fatal(err)
	}
	now, err := c.Client.CoreV1().ConfigMaps(ns).Get(t.Context(), "settings", metav1.GetOptions{})
	if err != nil || now.Data["mine"] != "2" || now.Data["theirs"] != "2" {
		t.Errorf("%v %v", now.Data, err)
	}
}

func TestImport(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	own := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"a": "1"}}
	if _, err := c.Client.CoreV1().ConfigMaps(ns).Create(t.Context(), own, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	b := on(t, s, "kubernetes:core/v1:ConfigMap", "settings")
	b.id = ns + "/settings"
	if !b.refresh() {
		t.Fatal("not found")
	}
	b.unchanged(props(configMap(ns, "settings", map[string]any{"a": "1"})))
	if b.inputs["metadata"].ObjectValue()["uid"].HasValue() || b.inputs["metadata"].ObjectValue()["managedFields"].HasValue() {
		t.Errorf("imported inputs: %v", b.inputs)
	}
	b.id = ns + "/absent"
	b.inputs, b.outputs = nil, nil
	if b.refresh() {
		t.Error("an absent object is found")
	}
}

func TestNamesAndNamespacesAreFilledIn(t *testing.T) {
	s := configured(t, map[string]any{"kubeconfig": nowhere(t)})
	b := on(t, s, "kubernetes:core/v1:ConfigMap", "settings")
	got := b.check(props(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"a": "1"}}))
	meta := got["metadata"].ObjectValue()
	if !strings.HasPrefix(meta["name"].StringValue(), "settings-") || len(meta["name"].StringValue()) != len("settings-")+8 ||
		meta["annotations"].ObjectValue()["pulumi.com/autonamed"].StringValue() != "true" ||
		meta["namespace"].StringValue() != "from-context" {
		t.Errorf("got %v", got)
	}
	b.inputs = got
	if again := b.check(props(map[string]any{"data": map[string]any{"a": "2"}})); !again["metadata"].ObjectValue()["name"].DeepEquals(meta["name"]) {
		t.Errorf("the chosen name is not kept: %v", again)
	}
	role := on(t, s, "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", "reader").
		check(props(map[string]any{"metadata": map[string]any{"name": "reader"}}))
	if role["metadata"].ObjectValue()["namespace"].HasValue() {
		t.Errorf("a cluster-wide object gets a namespace: %v", role)
	}
	unknown := resource.PropertyMap{"metadata": resource.MakeComputed(resource.NewProperty(""))}
	if got := on(t, s, "kubernetes:core/v1:ConfigMap", "later").check(unknown); !got["metadata"].IsComputed() {
		t.Errorf("got %v", got)
	}
}

func TestRefusedTypesAndInputs(t *testing.T) {
	s := configured(t, map[string]any{"renderYamlToDirectory": t.TempDir()})
	for typ, want := range map[string]string{
		"kubernetes:helm.sh/v3:Release":   "not offered",
		"kubernetes:core/v1:ServicePatch": "not offered",
		"kubernetes:yaml/v2:ConfigGroup":  "not offered",
		"kubernetes:core/v1:ServiceList":  "lists cannot be created",
	} {
		_, err := s.Check(t.Context(), &pulumirpc.CheckRequest{Urn: urnOf(typ, "x"), News: rpc(t, props(map[string]any{}))})
		contains(t, err, want)
	}
	_, err := s.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "kubernetes:yaml:decode"})
	contains(t, err, "kubernetes:yaml:decode is not offered")
	for want, in := range map[string]map[string]any{
		"kind is":      {"kind": "Service", "metadata": map[string]any{"name": "x"}},
		"generateName": {"metadata": map[string]any{"generateName": "x-"}},
	} {
		r, err := s.Check(t.Context(), &pulumirpc.CheckRequest{
			Urn: urnOf("kubernetes:core/v1:ConfigMap", "x"), News: rpc(t, props(in)), RandomSeed: make([]byte, 32),
		})
		if err != nil || len(r.GetFailures()) != 1 || !strings.Contains(r.GetFailures()[0].GetReason(), want) {
			t.Errorf("%s: %v %v", want, r.GetFailures(), err)
		}
	}
}

func TestRenderToDirectoryContactsNoCluster(t *testing.T) {
	dir := t.TempDir()
	s := configured(t, map[string]any{"renderYamlToDirectory": dir})
	b := on(t, s, "kubernetes:core/v1:ConfigMap", "settings")
	b.create(props(map[string]any{"metadata": map[string]any{"name": "settings"}, "data": map[string]any{"a": "1"}}))
	path := filepath.Join(dir, "1-manifest", "v1-configmap-default-settings.yaml")
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "a: \"1\"") || b.id != "default/settings" {
		t.Fatalf("%s %v %s", text, err, b.id)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if !b.refresh() {
		t.Error("a rendered object is gone on refresh")
	}
	after := props(map[string]any{"metadata": map[string]any{"name": "settings"}, "data": map[string]any{"a": "2"}})
	b.update(after)
	b.unchanged(after)
	b.delete()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file stays: %v", err)
	}
	crd := on(t, s, "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "peers")
	crd.create(props(map[string]any{"metadata": map[string]any{"name": "peers.test.io"}}))
	if _, err := os.Stat(filepath.Join(dir, "0-crd", "apiextensions.k8s.io_v1-customresourcedefinition-default-peers.test.io.yaml")); err != nil {
		t.Error(err)
	}
}

func TestInterruptedCreateKeepsItsFieldManager(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	asked := func(data map[string]any) resource.PropertyMap { return props(configMap(ns, "settings", data)) }
	b := on(t, s, "kubernetes:core/v1:ConfigMap", "settings")
	b.create(asked(map[string]any{"a": "1", "gone": "later"}))
	before := b.outputs["__fieldManager"].StringValue()
	b.outputs = resource.PropertyMap{} // as the engine knows it after a run that was killed
	b.refresh()
	if now := b.outputs["__fieldManager"].StringValue(); now != before {
		t.Errorf("the field manager is %s, was %s", now, before)
	}
	b.update(asked(map[string]any{"a": "2"}))
	got, err := c.Client.CoreV1().ConfigMaps(ns).Get(t.Context(), "settings", metav1.GetOptions{})
	if err != nil || got.Data["a"] != "2" || len(got.Data) != 1 {
		t.Errorf("got %v, %v", got.Data, err)
	}
	b.delete()
}

func TestDefinitionWithItsSpecKeptOnce(t *testing.T) {
	c := kubetest.Shared(t)
	s := live(t, c)
	asked := func(short string) resource.PropertyMap {
		return props(map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
			"metadata": map[string]any{"name": "oncers.kept.test.io"},
			"spec": map[string]any{
				"group": "kept.test.io", "scope": "Namespaced",
				"names": map[string]any{
					"kind": "Oncer", "listKind": "OncerList", "plural": "oncers", "singular": "oncer",
					"shortNames": []any{short},
				},
				"versions": []any{map[string]any{
					"name": "v1", "served": true, "storage": true,
					"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}},
				}},
			},
		})
	}
	b := on(t, s, "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "oncers")
	b.create(asked("one"))
	t.Cleanup(b.delete)
	if b.outputs.HasValue("spec") {
		t.Error("the spec is kept twice")
	}
	b.unchanged(asked("one"))
	patch := []byte(`{"spec":{"names":{"shortNames":["other"]}}}`)
	d, err := dynamic.NewForConfig(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	definitions := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	if _, err := d.Resource(definitions).Patch(t.Context(), "oncers.kept.test.io", types.MergePatchType, patch,
		metav1.PatchOptions{FieldManager: "kubectl-edit"}); err != nil {
		t.Fatal(err)
	}
	b.refresh()
	drift := b.diff(asked("one"))
	if _, shown := drift.GetDetailedDiff()["spec.names.shortNames[0]"]; !shown {
		t.Errorf("drift is not shown: %v", drift.GetDetailedDiff())
	}
	b.update(asked("one"))
	b.unchanged(asked("one"))
	if d := b.diff(asked("two")); d.GetChanges() != pulumirpc.DiffResponse_DIFF_SOME {
		t.Error("a change is not shown")
	}
}

func TestNamespacePatchGivesItsFieldsUpAndLeavesTheNamespace(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	patch := func(name string) resource.PropertyMap {
		return props(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{
			"name": name, "labels": map[string]any{"istio-injection": "enabled"},
		}})
	}
	label := func() string {
		got, err := c.Client.CoreV1().Namespaces().Get(t.Context(), ns, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return got.Labels["istio-injection"]
	}
	b := on(t, s, "kubernetes:core/v1:NamespacePatch", "adopted")
	b.create(patch(ns))
	if label() != "enabled" {
		t.Fatal("the label is not there")
	}
	b.refresh()
	b.unchanged(patch(ns))
	b.delete()
	if label() != "" {
		t.Fatal("the label was not given up")
	}
}
