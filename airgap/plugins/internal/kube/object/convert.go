// Package object turns Pulumi property maps into Kubernetes objects and back, the way the
// official plugin stores them in a stack's state.
package object

import (
	"fmt"
	"math"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Object is a Kubernetes object in plain JSON form; unknown values are resource.Computed.
type Object = map[string]any

// Pulumi's SDKs cannot name a field with dashes, so the official plugin writes these with
// underscores in outputs.
var dashed = map[string]string{
	"x_kubernetes_embedded_resource":       "x-kubernetes-embedded-resource",
	"x_kubernetes_int_or_string":           "x-kubernetes-int-or-string",
	"x_kubernetes_list_map_keys":           "x-kubernetes-list-map-keys",
	"x_kubernetes_list_type":               "x-kubernetes-list-type",
	"x_kubernetes_map_type":                "x-kubernetes-map-type",
	"x_kubernetes_preserve_unknown_fields": "x-kubernetes-preserve-unknown-fields",
	"x_kubernetes_validations":             "x-kubernetes-validations",
}

var underscored = func() map[string]string {
	out := make(map[string]string, len(dashed))
	for k, v := range dashed {
		out[v] = k
	}
	return out
}()

// OutputName is how a field of the inputs is called in outputs.
func OutputName(field string) string {
	if u, ok := underscored[field]; ok {
		return u
	}
	return field
}

// FromProperties gives the plain form of a property map: secrets are unwrapped, unknowns stay
// resource.Computed, whole numbers become int64.
func FromProperties(pm resource.PropertyMap) (Object, error) {
	out := make(Object, len(pm))
	for k, v := range pm {
		plain, err := fromValue(string(k), v)
		if err != nil {
			return nil, err
		}
		out[dashedKey(string(k))] = plain
	}
	return out, nil
}

func dashedKey(k string) string {
	if d, ok := dashed[k]; ok {
		return d
	}
	return k
}

func fromValue(path string, v resource.PropertyValue) (any, error) {
	switch {
	case v.IsNull():
		return nil, nil
	case v.IsBool():
		return v.BoolValue(), nil
	case v.IsNumber():
		return number(v.NumberValue()), nil
	case v.IsString():
		return v.StringValue(), nil
	case v.IsSecret():
		return fromValue(path, v.SecretValue().Element)
	case v.IsComputed():
		return v.V, nil
	case v.IsOutput():
		if !v.OutputValue().Known {
			return resource.Computed{Element: resource.NewProperty("")}, nil
		}
		return fromValue(path, v.OutputValue().Element)
	case v.IsArray():
		out := make([]any, len(v.ArrayValue()))
		for i, e := range v.ArrayValue() {
			plain, err := fromValue(fmt.Sprintf("%s[%d]", path, i), e)
			if err != nil {
				return nil, err
			}
			out[i] = plain
		}
		return out, nil
	case v.IsObject():
		out := make(Object, len(v.ObjectValue()))
		for k, e := range v.ObjectValue() {
			plain, err := fromValue(path+"."+string(k), e)
			if err != nil {
				return nil, err
			}
			out[dashedKey(string(k))] = plain
		}
		return out, nil
	}
	return nil, fmt.Errorf("%s: a %s cannot be a field of a Kubernetes object; give its text instead",
		path, v.TypeString())
}

func number(n float64) any {
	if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
		return int64(n)
	}
	return n
}

// ToProperties is the inverse of FromProperties; keys are kept as they are.
func ToProperties(o Object) resource.PropertyMap {
	return toMap(o, func(k string) string { return k })
}

// toOutputs is ToProperties with the underscored names that the SDKs' output types use.
func toOutputs(o Object) resource.PropertyMap {
	return toMap(o, OutputName)
}

func toMap(o Object, rename func(string) string) resource.PropertyMap {
	out := make(resource.PropertyMap, len(o))
	for k, v := range o {
		out[resource.PropertyKey(rename(k))] = toValue(v, rename)
	}
	return out
}

func toValue(a any, rename func(string) string) resource.PropertyValue {
	switch t := a.(type) {
	case map[string]any:
		return resource.NewProperty(toMap(t, rename))
	case []any:
		out := make([]resource.PropertyValue, len(t))
		for i, e := range t {
			out[i] = toValue(e, rename)
		}
		return resource.NewProperty(out)
	case int64:
		return resource.NewProperty(float64(t))
	case int:
		return resource.NewProperty(float64(t))
	case resource.Computed:
		return resource.MakeComputed(resource.NewProperty(""))
	}
	return resource.NewPropertyValue(a)
}

// HasUnknown says whether a value is, or holds, something that is not known yet.
func HasUnknown(a any) bool {
	switch t := a.(type) {
	case resource.Computed:
		return true
	case map[string]any:
		for _, e := range t {
			if HasUnknown(e) {
				return true
			}
		}
	case []any:
		for _, e := range t {
			if HasUnknown(e) {
				return true
			}
		}
	}
	return false
}

// Copy is a deep copy that, unlike DeepCopyJSON, takes unknowns.
func Copy(o Object) Object {
	return copyValue(o).(Object)
}

func copyValue(a any) any {
	switch t := a.(type) {
	case map[string]any:
		out := make(Object, len(t))
		for k, v := range t {
			out[k] = copyValue(v)
		}
		return out
	case []any:
		out := make([]any, len(t))
		for i, v := range t {
			out[i] = copyValue(v)
		}
		return out
	}
	return a
}
