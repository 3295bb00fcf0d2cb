package object

import (
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Keys that the official plugin keeps beside the live object in a resource's outputs.
const (
	initialAPIVersionKey = "__initialApiVersion"
	fieldManagerKey      = "__fieldManager"
	// inputsKey holds the official plugin's own copy of the inputs. It is not written here: the engine keeps them too
	// and hands them over, and it writes the whole state before and after each step.
	inputsKey = "__inputs"
)

// State is what a resource's outputs hold.
type State struct {
	// Live is the object as the API server last showed it, without its managedFields, which are read from the cluster.
	Live Object
	// InitialAPIVersion is the apiVersion that the object was created with.
	InitialAPIVersion string
	// FieldManager is the name under which the object's fields are applied.
	FieldManager string
}

// Outputs writes the state as output properties. What is secret in the inputs is secret there
// too, and so is the data of every Secret.
func (s State) Outputs(inputs resource.PropertyMap) resource.PropertyMap {
	out := toOutputs(s.Live)
	if m, ok := out["metadata"]; ok && m.IsObject() {
		delete(m.ObjectValue(), "managedFields")
	}
	AnnotateSecrets(out, inputs)
	if field, ok := toldByInputs(s.Live, inputs); ok {
		delete(out, resource.PropertyKey(field))
	}
	out[initialAPIVersionKey] = resource.NewProperty(s.InitialAPIVersion)
	out[fieldManagerKey] = resource.NewProperty(s.FieldManager)
	return out
}

// ParseState reads the output properties back.
func ParseState(outputs resource.PropertyMap) (State, error) {
	live, err := FromProperties(outputs)
	if err != nil {
		return State{}, err
	}
	s := State{Live: live}
	s.InitialAPIVersion, _ = live[initialAPIVersionKey].(string)
	s.FieldManager, _ = live[fieldManagerKey].(string)
	for _, k := range []string{inputsKey, initialAPIVersionKey, fieldManagerKey} {
		delete(live, k)
	}
	return s, nil
}

// keptOnce names the field of a kind that stands in the inputs alone while the API server shows it as asked. Istio's
// CustomResourceDefinitions and ConfigMaps are half of a stack's state; Node.js's SDK shows inputs where outputs lack a
// property.
var keptOnce = map[string]string{"CustomResourceDefinition": "spec", "ConfigMap": "data"}

// KeptOnce returns that field of a kind.
func KeptOnce(kind string) (field string, ok bool) {
	field, ok = keptOnce[kind]
	return field, ok
}

// toldByInputs returns the field of a live object that the inputs tell to the last value.
func toldByInputs(live Object, inputs resource.PropertyMap) (string, bool) {
	kind, _ := live["kind"].(string)
	field, ok := KeptOnce(kind)
	if !ok || inputs[resource.PropertyKey(field)].ContainsSecrets() {
		return "", false
	}
	asked, err := FromProperties(inputs)
	if err != nil || asked[field] == nil {
		return "", false
	}
	asked = Normalize(asked)
	if kind == "CustomResourceDefinition" {
		live = Prune(live, asked) // the API server fills in defaults
	}
	return field, reflect.DeepEqual(live[field], asked[field])
}

// FillIn gives a live object, as the state has it, the field that Outputs left to the inputs.
func FillIn(live, inputs Object) {
	kind, _ := live["kind"].(string)
	if field, ok := KeptOnce(kind); ok && live[field] == nil && inputs[field] != nil {
		live[field] = inputs[field]
	}
}

// AnnotateSecrets marks in outs what is secret in ins. Maps are walked, so that one secret value
// does not hide a whole object; a list with a secret in it becomes secret as a whole.
func AnnotateSecrets(outs, ins resource.PropertyMap) {
	if outs == nil {
		return
	}
	if kind, ok := outs["kind"]; ok && kind.IsString() && kind.StringValue() == "Secret" {
		for _, k := range []resource.PropertyKey{"data", "stringData"} {
			if v, ok := outs[k]; ok {
				outs[k] = resource.MakeSecret(v)
			}
		}
		return
	}
	for k, in := range ins {
		out, ok := outs[k]
		if !ok {
			continue
		}
		switch {
		case out.IsObject() && in.IsObject():
			AnnotateSecrets(out.ObjectValue(), in.ObjectValue())
		case !out.IsSecret() && in.ContainsSecrets():
			outs[k] = resource.MakeSecret(out)
		}
	}
}
