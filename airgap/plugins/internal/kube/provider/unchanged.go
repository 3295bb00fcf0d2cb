package provider

import (
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"

	"bankmesh/airgap/plugins/internal/kube/object"
)

// Most resources of most runs are as they were. What says so here compares the messages as they came: reading
// Istio's CRDs into objects and back took half of the time of a preview.

// sameAsBefore says whether a Check would return what it is given: the inputs are the checked ones of last time. A
// Secret is looked at in full, because its data must come back marked as secret.
func sameAsBefore(r *pulumirpc.CheckRequest) bool {
	olds, news := r.GetOlds().GetFields(), r.GetNews().GetFields()
	return len(news) > 0 && news["kind"].GetStringValue() != "Secret" && checkedInputs.fields(olds, news)
}

// asLastRead says whether a Diff would find nothing: the inputs are those of last time, and the live object, as last
// read, holds each of their values. A Job is looked at in full, because it may ask to be replaced for its state.
func asLastRead(r *pulumirpc.DiffRequest) bool {
	live, news := r.GetOlds().GetFields(), r.GetNews().GetFields()
	before, kind := r.GetOldInputs().GetFields(), news["kind"].GetStringValue()
	if len(news) == 0 || kind == "Job" || !checkedInputs.fields(before, news) {
		return false
	}
	if field, ok := object.KeptOnce(kind); ok && live[field] == nil {
		news = maps.Clone(news)
		delete(news, field) // the inputs tell it, and they are as they were
	}
	return liveObject.fields(live, news)
}

// look compares values with the inputs that are wanted.
type look struct {
	// more allows fields that nobody asked for, as the cluster adds some.
	more bool
	// name is how a field of the inputs is called on the other side.
	name func(string) string
}

var (
	checkedInputs = look{name: func(k string) string { return k }}
	liveObject    = look{name: object.OutputName, more: true}
)

// fields is false for what is secret, at whatever depth: that is not for a quick look.
func (l look) fields(have, want map[string]*structpb.Value) bool {
	if _, special := want[resource.SigKey]; special || (!l.more && len(have) != len(want)) {
		return false
	}
	for k, v := range want {
		if other, ok := have[l.name(k)]; !ok || !l.value(other, v) {
			return false
		}
	}
	return true
}

func (l look) value(have, want *structpb.Value) bool {
	switch v := want.GetKind().(type) {
	case *structpb.Value_StructValue:
		s, ok := have.GetKind().(*structpb.Value_StructValue)
		return ok && l.fields(s.StructValue.GetFields(), v.StructValue.GetFields())
	case *structpb.Value_ListValue:
		list, ok := have.GetKind().(*structpb.Value_ListValue)
		return ok && slices.EqualFunc(list.ListValue.GetValues(), v.ListValue.GetValues(), l.value)
	}
	return sameScalar(have, want)
}

func sameScalar(a, b *structpb.Value) bool {
	switch v := b.GetKind().(type) {
	case *structpb.Value_StringValue:
		s, ok := a.GetKind().(*structpb.Value_StringValue)
		return ok && s.StringValue == v.StringValue
	case *structpb.Value_NumberValue:
		n, ok := a.GetKind().(*structpb.Value_NumberValue)
		return ok && n.NumberValue == v.NumberValue
	case *structpb.Value_BoolValue:
		t, ok := a.GetKind().(*structpb.Value_BoolValue)
		return ok && t.BoolValue == v.BoolValue
	}
	return false // null, which means different things in different places
}

// definition is what a CustomResourceDefinition says of its kind, without the schemas.
func definition(inputs *structpb.Struct) map[string]any {
	spec := inputs.GetFields()["spec"].GetStructValue().GetFields()
	return map[string]any{
		"kind": inputs.GetFields()["kind"].GetStringValue(),
		"spec": map[string]any{
			"group": spec["group"].GetStringValue(), "scope": spec["scope"].GetStringValue(),
			"names": map[string]any{"kind": spec["names"].GetStructValue().GetFields()["kind"].GetStringValue()},
		},
	}
}
