package object

import (
	"encoding/base64"
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// Fields of metadata that only the API server writes.
var readOnlyMetadata = []string{
	"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation",
	"managedFields", "resourceVersion", "uid",
}

// Normalize gives inputs that mean the same the same form: what the typed object of that kind
// drops (empty maps, quantities in another unit) is dropped, and a Secret's stringData becomes
// data. Objects with unknowns and custom resources only lose read-only metadata.
func Normalize(in Object) Object {
	out := Copy(in)
	if !HasUnknown(out) {
		out = normalizeTyped(out)
	}
	if m, ok := out["metadata"].(map[string]any); ok {
		for _, f := range readOnlyMetadata {
			delete(m, f)
		}
	}
	return out
}

func normalizeTyped(o Object) Object {
	u := &unstructured.Unstructured{Object: o}
	gvk := u.GroupVersionKind()
	switch {
	case gvk.Group == "apiextensions.k8s.io" && gvk.Kind == "CustomResourceDefinition":
		// The API server drops the field when it is false, and takes no status from us.
		if spec, ok := o["spec"].(map[string]any); ok && spec["preserveUnknownFields"] == false {
			delete(spec, "preserveUnknownFields")
		}
		delete(o, "status")
		return o
	case gvk == (schema.GroupVersionKind{Version: "v1", Kind: "Secret"}):
		normalizeSecret(o)
		return o
	}
	typed, err := scheme.Scheme.New(gvk)
	if err != nil {
		return o // a custom resource
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o, typed); err != nil {
		return o // the API server will say what is wrong with it
	}
	back, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return o
	}
	return Prune(back, o)
}

// normalizeSecret does what the API server does: stringData wins over data and is written into
// it, and data is encoded anew (line breaks in base64 go).
func normalizeSecret(o Object) {
	data, _ := o["data"].(map[string]any)
	if text, ok := o["stringData"].(map[string]any); ok && len(text) > 0 {
		if data == nil {
			data = Object{}
		}
		for k, v := range text {
			s, ok := v.(string)
			if !ok {
				return // not a valid Secret; left to the API server to refuse
			}
			data[k] = base64.StdEncoding.EncodeToString([]byte(s))
		}
		o["data"] = data
		delete(o, "stringData")
		return
	}
	for k, v := range data {
		s, ok := v.(string)
		if !ok {
			continue
		}
		if raw, err := base64.StdEncoding.DecodeString(s); err == nil {
			data[k] = base64.StdEncoding.EncodeToString(raw)
		}
	}
}

// Prune keeps of source what target has too: the live object in the shape of the inputs.
func Prune(source, target Object) Object {
	if source == nil || target == nil {
		return nil
	}
	out := Object{}
	for k, v := range source {
		want, ok := target[k]
		if !ok {
			continue
		}
		out[k] = pruneValue(v, want)
	}
	return out
}

func pruneValue(v, want any) any {
	switch t := v.(type) {
	case map[string]any:
		if w, ok := want.(map[string]any); ok {
			return Prune(t, w)
		}
	case []any:
		if w, ok := want.([]any); ok {
			return pruneList(t, w)
		}
	}
	return v
}

// pruneList compares by position and leaves out what lies beyond the inputs' length, so that
// items which the cluster appends do not count.
func pruneList(source, target []any) []any {
	out := make([]any, 0, len(target))
	if len(source) == 0 || len(target) == 0 {
		return out
	}
	if reflect.TypeOf(source[0]) != reflect.TypeOf(target[0]) {
		return copyValue(source).([]any)
	}
	for i := range target {
		if i >= len(source) {
			break
		}
		out = append(out, pruneValue(source[i], target[i]))
	}
	return out
}
