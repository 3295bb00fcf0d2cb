// Package bridged makes providers whose resources behave like those of a bridged Terraform
// provider: defaults are outputs and not inputs, differences are those between the state and what
// the inputs plan, and most inputs replace the resource.
package bridged

import (
	"context"
	"fmt"
	"math"
	"strings"

	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// Type is the type of an input.
type Type int

// The types of inputs.
const (
	String Type = iota
	Integer
	Bool
	StringList
	StringMap
	Object
)

func (t Type) String() string {
	return [...]string{"a string", "a whole number", "true or false", "a list of strings",
		"a map of strings", "an object"}[t]
}

// Input describes one input.
type Input struct {
	Type     Type
	Required bool
	// Secret values stay secret in inputs and outputs.
	Secret bool
	// Default is the output's value where the input is missing.
	Default any
	// InPlace inputs change without a replacement.
	InPlace bool
	// Refused says why the plugin does not take this input.
	Refused string
	// Valid returns what is wrong with a known value, or nothing.
	Valid func(property.Value) string
	// Fields are the inputs inside an Object.
	Fields map[string]Input
}

// Resource describes a resource type.
type Resource struct {
	Inputs map[string]Input
	// Outputs are the computed outputs; true for secret ones. Every resource also has an id.
	Outputs map[string]bool
	// Check looks at several inputs together. It is called with known values only.
	Check func(Values) []provider.CheckFailure
	// Plan corrects what the inputs and defaults make of the outputs that are inputs too.
	Plan func(inputs, planned property.Map) property.Map
	// Create makes the computed outputs.
	Create func(context.Context, Values) (id string, outputs map[string]property.Value, err error)
	// Expired names the output by which an unchanged resource has to be replaced, or nothing.
	Expired func(state Values) string
	// Update changes the outputs that follow from inputs that change in place.
	Update func(planned Values) map[string]property.Value
	// Refresh changes the outputs that time changes.
	Refresh func(state Values) map[string]property.Value
}

// Values are known inputs or outputs. Missing ones read as empty.
type Values struct{ property.Map }

// Str reads a string.
func (v Values) Str(name string) string {
	if s := v.Get(name); s.IsString() {
		return s.AsString()
	}
	return ""
}

// Int reads a whole number.
func (v Values) Int(name string) int {
	if n := v.Get(name); n.IsNumber() {
		return int(n.AsNumber())
	}
	return 0
}

// Bool reads a truth value.
func (v Values) Bool(name string) bool {
	b := v.Get(name)
	return b.IsBool() && b.AsBool()
}

// Strings reads a list of strings.
func (v Values) Strings(name string) []string {
	list := v.Get(name)
	if !list.IsArray() {
		return nil
	}
	var out []string
	for _, s := range list.AsArray().All {
		if s.IsString() {
			out = append(out, s.AsString())
		}
	}
	return out
}

// Object reads an object.
func (v Values) Object(name string) Values {
	if o := v.Get(name); o.IsMap() {
		return Values{o.AsMap()}
	}
	return Values{}
}

// OneOf makes a Valid function for a closed set.
func OneOf(allowed ...string) func(property.Value) string {
	return func(v property.Value) string {
		if v.IsArray() {
			for _, item := range v.AsArray().All {
				if problem := OneOf(allowed...)(item); problem != "" {
					return problem
				}
			}
			return ""
		}
		if !v.IsString() {
			return ""
		}
		for _, a := range allowed {
			if v.AsString() == a {
				return ""
			}
		}
		return fmt.Sprintf("value must be one of: %s; got %q", strings.Join(allowed, ", "), v.AsString())
	}
}

// AtLeast makes a Valid function for a lower bound.
func AtLeast(least int) func(property.Value) string {
	return func(v property.Value) string {
		if v.IsNumber() && v.AsNumber() < float64(least) {
			return fmt.Sprintf("value must be at least %d; got %v", least, v.AsNumber())
		}
		return ""
	}
}

// problem returns what is wrong with a value, or nothing. Unknown values are right.
func (in Input) problem(v property.Value) string {
	if v.IsComputed() || v.IsNull() {
		return ""
	}
	ok := false
	switch in.Type {
	case String:
		ok = v.IsString()
	case Integer:
		ok = v.IsNumber() && v.AsNumber() == math.Trunc(v.AsNumber())
	case Bool:
		ok = v.IsBool()
	case StringList:
		ok = v.IsArray()
		if ok {
			for _, item := range v.AsArray().All {
				ok = ok && (item.IsString() || item.IsComputed())
			}
		}
	case StringMap:
		ok = v.IsMap()
		if ok {
			for _, item := range v.AsMap().All {
				ok = ok && (item.IsString() || item.IsComputed())
			}
		}
	case Object:
		ok = v.IsMap()
	}
	if !ok {
		return "must be " + in.Type.String()
	}
	if in.Valid != nil {
		return in.Valid(v)
	}
	return ""
}

// checkAll checks a map against its schema. Paths start with prefix.
func checkAll(prefix string, schema map[string]Input, values property.Map) []provider.CheckFailure {
	var failures []provider.CheckFailure
	fail := func(name, reason string) {
		failures = append(failures, provider.CheckFailure{Property: prefix + name, Reason: reason})
	}
	for name, v := range values.AllStable {
		in, known := schema[name]
		switch {
		case strings.HasPrefix(name, "__") || v.IsNull():
		case !known:
			fail(name, fmt.Sprintf("%q is no input of this resource", prefix+name))
		case in.Refused != "":
			fail(name, fmt.Sprintf("%q: %s", prefix+name, in.Refused))
		default:
			if problem := in.problem(v); problem != "" {
				fail(name, fmt.Sprintf("%q: %s", prefix+name, problem))
			} else if in.Type == Object && v.IsMap() {
				failures = append(failures, checkAll(prefix+name+".", in.Fields, v.AsMap())...)
			}
		}
	}
	for name, in := range schema {
		if v, ok := values.GetOk(name); in.Required && (!ok || v.IsNull()) {
			fail(name, fmt.Sprintf("missing required property %q", prefix+name))
		}
	}
	return failures
}
