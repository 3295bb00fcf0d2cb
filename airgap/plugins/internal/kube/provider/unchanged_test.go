package provider

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

func message(t *testing.T, fields map[string]any) *structpb.Struct {
	t.Helper()
	m, err := structpb.NewStruct(fields)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// with gives an object of this kind with one field of its spec set.
func with(kind string, value any) map[string]any {
	return map[string]any{"kind": kind, "spec": map[string]any{"field": value, "x-kubernetes-list-type": "map"}}
}

var secret = map[string]any{resource.SigKey: resource.SecretSig, "value": "hidden"}

// Each differs from the wanted inputs, `with(kind, []any{"a", 1.0, true})`, in one thing.
var different = map[string]map[string]any{
	"another value":  with("Thing", []any{"a", 2.0, true}),
	"another type":   with("Thing", []any{"a", "1", true}),
	"a list's end":   with("Thing", []any{"a", 1.0}),
	"no list":        with("Thing", "a"),
	"a missing part": {"kind": "Thing"},
	"nothing":        {},
}

func TestSameAsBefore(t *testing.T) {
	wanted := with("Thing", []any{"a", 1.0, true})
	same := func(olds, news map[string]any) bool {
		return sameAsBefore(&pulumirpc.CheckRequest{Olds: message(t, olds), News: message(t, news)})
	}
	if !same(wanted, with("Thing", []any{"a", 1.0, true})) {
		t.Error("equal inputs are not recognised")
	}
	for what, olds := range different {
		if same(olds, wanted) {
			t.Errorf("%s passes for the same", what)
		}
	}
	more := with("Thing", []any{"a", 1.0, true})
	more["more"] = "field"
	for what, both := range map[string]map[string]any{
		"a field that is gone": more, "a Secret": with("Secret", "a"), "a secret value": with("Thing", secret),
		"null": with("Thing", nil),
	} {
		news := both
		if what == "a field that is gone" {
			news = wanted
		}
		if same(both, news) {
			t.Errorf("%s is not for a quick look", what)
		}
	}
}

func TestAsLastRead(t *testing.T) {
	wanted := with("Thing", []any{"a", 1.0, true})
	// as outputs have it: underscores, and what the cluster added
	live := func(kind string, value any) map[string]any {
		return map[string]any{
			"kind": kind, "status": map[string]any{"ready": true},
			"spec": map[string]any{"field": value, "x_kubernetes_list_type": "map", "defaulted": 1.0},
		}
	}
	asRead := func(olds, oldInputs, news map[string]any) bool {
		return asLastRead(&pulumirpc.DiffRequest{
			Olds: message(t, olds), OldInputs: message(t, oldInputs), News: message(t, news),
		})
	}
	asWanted := live("Thing", []any{"a", 1.0, true})
	if !asRead(asWanted, wanted, wanted) {
		t.Error("an object that is as it was is not recognised")
	}
	if asRead(live("Thing", []any{"a", 2.0, true}), wanted, wanted) {
		t.Error("drift passes for no change")
	}
	if asRead(asWanted, with("Thing", []any{"a", 2.0, true}), wanted) {
		t.Error("other inputs than last time pass for no change")
	}
	if job := with("Job", "a"); asRead(live("Job", "a"), job, job) {
		t.Error("a Job is not for a quick look")
	}
	if hidden := with("Thing", secret); asRead(live("Thing", secret), hidden, hidden) {
		t.Error("a secret is not for a quick look")
	}
	definition := with("CustomResourceDefinition", "a")
	bare := map[string]any{"kind": "CustomResourceDefinition"}
	if !asRead(bare, definition, definition) {
		t.Error("a definition whose spec the inputs tell is not recognised")
	}
	if asRead(bare, with("CustomResourceDefinition", "b"), definition) {
		t.Error("another definition passes for no change")
	}
	if asRead(map[string]any{"kind": "Thing"}, wanted, wanted) {
		t.Error("an object without its spec passes for no change")
	}
	more := with("Thing", []any{"a", 1.0, true})
	more["gone"] = "since"
	if asRead(asWanted, more, wanted) {
		t.Error("a field that is gone from the inputs passes for no change")
	}
}
