package object

import (
	"reflect"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func TestNormalizeDropsWhatMeansNothing(t *testing.T) {
	got := Normalize(Object{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": Object{"name": "users", "annotations": Object{}, "creationTimestamp": nil, "uid": "x"},
		"spec": Object{"replicas": int64(1), "template": Object{"spec": Object{
			"initContainers": []any{},
			"containers": []any{Object{
				"name": "echo", "env": []any{}, "securityContext": Object{},
				"resources": Object{"requests": Object{"cpu": "0.1", "memory": "64Mi"}},
			}},
		}}},
	})
	want := Object{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": Object{"name": "users"},
		"spec": Object{"replicas": int64(1), "template": Object{"spec": Object{
			"containers": []any{Object{
				"name": "echo", "securityContext": Object{},
				"resources": Object{"requests": Object{"cpu": "100m", "memory": "64Mi"}},
			}},
		}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
}

func TestNormalizeDropsEmptyCABundle(t *testing.T) {
	got := Normalize(Object{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
		"metadata": Object{"name": "injector"},
		"webhooks": []any{Object{"name": "a.b.c", "clientConfig": Object{"caBundle": "", "url": "https://x"}}},
	})
	client := got["webhooks"].([]any)[0].(Object)["clientConfig"].(Object)
	if _, ok := client["caBundle"]; ok {
		t.Fatal("an empty caBundle stays, and what istiod writes there would be drift")
	}
}

func TestNormalizeLeavesCustomResourcesAndUnknownsAlone(t *testing.T) {
	custom := Object{"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "spec": Object{}}
	if got := Normalize(custom); !reflect.DeepEqual(got, custom) {
		t.Errorf("got %v", got)
	}
	unknown := Object{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": Object{"annotations": Object{}},
		"data": Object{"a": resource.Computed{Element: resource.NewProperty("")}},
	}
	if got := Normalize(unknown); !reflect.DeepEqual(got, unknown) {
		t.Errorf("got %v", got)
	}
}

func TestNormalizeSecret(t *testing.T) {
	got := Normalize(Object{
		"apiVersion": "v1", "kind": "Secret",
		"data":       Object{"a": "b2xk", "b": "aGVs\nbG8="},
		"stringData": Object{"a": "new"},
	})
	want := Object{"apiVersion": "v1", "kind": "Secret", "data": Object{"a": "bmV3", "b": "aGVs\nbG8="}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if got = Normalize(want); got["data"].(Object)["b"] != "aGVsbG8=" {
		t.Errorf("got %v", got)
	}
}

func TestPruneKeepsTheShapeOfTheInputs(t *testing.T) {
	live := Object{
		"a": int64(2), "status": Object{},
		"ports": []any{Object{"port": int64(80), "nodePort": int64(31000)}, Object{"port": int64(81)}},
		"spec":  Object{"clusterIP": "10.0.0.1", "type": "NodePort"},
	}
	inputs := Object{
		"a": int64(1), "gone": "x",
		"ports": []any{Object{"port": int64(80)}},
		"spec":  Object{"type": "ClusterIP"},
	}
	want := Object{"a": int64(2), "ports": []any{Object{"port": int64(80)}}, "spec": Object{"type": "NodePort"}}
	if got := Prune(live, inputs); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v", got)
	}
}

func TestSecretsAndUnknownsSurvive(t *testing.T) {
	in := resource.PropertyMap{
		"kind": resource.NewProperty("Thing"),
		"spec": resource.NewProperty(resource.PropertyMap{
			"key":   resource.MakeSecret(resource.NewProperty("k")),
			"plain": resource.NewProperty("p"),
			"list":  resource.NewProperty([]resource.PropertyValue{resource.MakeSecret(resource.NewProperty("l"))}),
			"later": resource.MakeComputed(resource.NewProperty("")),
		}),
	}
	plain, err := FromProperties(in)
	if err != nil {
		t.Fatal(err)
	}
	if !HasUnknown(plain) {
		t.Error("the unknown is lost")
	}
	back := ToProperties(plain)
	AnnotateSecrets(back, in)
	spec := back["spec"].ObjectValue()
	if !spec["key"].IsSecret() || !spec["list"].IsSecret() || spec["plain"].IsSecret() || !spec["later"].IsComputed() {
		t.Errorf("got %v", back)
	}
}

func TestDataOfSecretsIsAlwaysSecret(t *testing.T) {
	s := State{
		Live: Object{"apiVersion": "v1", "kind": "Secret", "data": Object{"a": "YQ=="}},
	}
	out := s.Outputs(resource.PropertyMap{})
	if !out["data"].IsSecret() {
		t.Errorf("got %v", out)
	}
}

func TestStateRoundTrip(t *testing.T) {
	s := State{
		Live:              Object{"kind": "CustomResourceDefinition", "x-kubernetes-map-type": "atomic", "n": int64(3)},
		InitialAPIVersion: "v1", FieldManager: "pulumi-kubernetes-1",
	}
	out := s.Outputs(nil)
	if _, ok := out["x_kubernetes_map_type"]; !ok {
		t.Errorf("outputs keep dashes: %v", out)
	}
	got, err := ParseState(out)
	if err != nil || !reflect.DeepEqual(got, s) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestSpecOfADefinitionIsKeptOnce(t *testing.T) {
	asked := func(scope string) Object {
		return Object{"kind": "CustomResourceDefinition", "spec": Object{
			"scope": scope, "x-kubernetes-list-type": "map", "versions": []any{Object{"name": "v1"}},
		}}
	}
	live := asked("Namespaced")
	live["spec"].(Object)["conversion"] = Object{"strategy": "None"} // the API server's own
	out := State{Live: live}.Outputs(ToProperties(asked("Namespaced")))
	if out.HasValue("spec") {
		t.Error("the spec is in the outputs too")
	}
	got, err := ParseState(out)
	if err != nil {
		t.Fatal(err)
	}
	FillIn(got.Live, asked("Namespaced"))
	if !reflect.DeepEqual(got.Live, asked("Namespaced")) {
		t.Errorf("got %v", got.Live)
	}
	if out := (State{Live: live}).Outputs(ToProperties(asked("Cluster"))); !out.HasValue("spec") {
		t.Error("a spec that nobody asked for is lost")
	}
	config := Object{"kind": "ConfigMap", "data": Object{"a": "b"}}
	if out := (State{Live: config}).Outputs(ToProperties(config)); out.HasValue("data") {
		t.Error("a ConfigMap's data is in the outputs too")
	}
	more := Object{"kind": "ConfigMap", "data": Object{"a": "b", "c": "by hand"}}
	if out := (State{Live: more}).Outputs(ToProperties(config)); !out.HasValue("data") {
		t.Error("data that nobody asked for is lost")
	}
	hidden := ToProperties(config)
	hidden["data"] = resource.MakeSecret(hidden["data"])
	if out := (State{Live: config}).Outputs(hidden); !out["data"].ContainsSecrets() {
		t.Error("secret data lost its mark")
	}
	if out := (State{Live: Object{"kind": "Thing", "spec": Object{}}}).Outputs(
		ToProperties(Object{"kind": "Thing", "spec": Object{}})); !out.HasValue("spec") {
		t.Error("other kinds keep theirs")
	}
}

func TestStateHoldsNothingTwice(t *testing.T) {
	live := Object{"kind": "Thing", "metadata": Object{"name": "a", "managedFields": []any{Object{"manager": "m"}}}}
	out := State{Live: live}.Outputs(nil)
	if m := out["metadata"].ObjectValue(); m.HasValue("managedFields") || m["name"].StringValue() != "a" {
		t.Errorf("got %v", m)
	}
	// a state with the inputs in the outputs too, as the official plugin writes it
	out[inputsKey] = resource.NewProperty(resource.PropertyMap{"kind": resource.NewProperty("Thing")})
	got, err := ParseState(out)
	if err != nil || len(got.Live) != 2 {
		t.Errorf("got %v, %v", got.Live, err)
	}
}

func TestAssetsAreRefused(t *testing.T) {
	_, err := FromProperties(resource.PropertyMap{"data": resource.NewProperty(resource.PropertyMap{
		"file": resource.NewProperty(resource.ResourceReference{}),
	})})
	if err == nil {
		t.Error("a resource as a field is accepted")
	}
}
