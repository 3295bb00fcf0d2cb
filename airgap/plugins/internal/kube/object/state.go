package object

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Keys that the official plugin keeps beside the live object in a resource's outputs. They are
// the same here, so that one can take over a stack from the other.
const (
	inputsKey            = "__inputs"
	initialAPIVersionKey = "__initialApiVersion"
	fieldManagerKey      = "__fieldManager"
)

// State is what a resource's outputs hold.
type State struct {
	// Inputs are the inputs of the last operation, normalized.
	Inputs Object
	// Live is the object as the API server last showed it.
	Live Object
	// InitialAPIVersion is the apiVersion that the object was created with.
	InitialAPIVersion string
	// FieldManager is the name under which the object's fields are applied.
	FieldManager string
}

// Outputs writes the state as output properties. What is secret in the inputs is secret there
// too, and so is the data of every Secret.
func (s State) Outputs(inputs resource.PropertyMap) resource.PropertyMap {
	out, in := toOutputs(s.Live), toOutputs(s.Inputs)
	AnnotateSecrets(out, inputs)
	AnnotateSecrets(in, inputs)
	out[inputsKey] = resource.NewProperty(in)
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
	s.Inputs, _ = live[inputsKey].(map[string]any)
	s.InitialAPIVersion, _ = live[initialAPIVersionKey].(string)
	s.FieldManager, _ = live[fieldManagerKey].(string)
	for _, k := range []string{inputsKey, initialAPIVersionKey, fieldManagerKey} {
		delete(live, k)
	}
	if s.Inputs == nil {
		s.Inputs = Object{}
	}
	return s, nil
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
