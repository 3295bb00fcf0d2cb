// Package plugintest drives a provider in tests the way the engine does.
package plugintest

import (
	"context"
	"testing"

	"github.com/blang/semver"
	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/integration"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// Unknown is a value that a preview does not know.
var Unknown = property.New(property.Computed)

// Resource is one resource of a provider under test.
type Resource struct {
	T      *testing.T
	Server integration.Server
	URN    resource.URN
	ID     string
	Inputs property.Map
	State  property.Map
}

// New makes a server and a resource that is not created yet.
func New(t *testing.T, p provider.Provider, token string) *Resource {
	t.Helper()
	s, err := integration.NewServer(context.Background(), "test", semver.MustParse("1.0.0"), integration.WithProvider(p))
	if err != nil {
		t.Fatal(err)
	}
	return &Resource{T: t, Server: s, URN: resource.NewURN("dev", "test", "", tokens.Type(token), "name")}
}

// Map makes a property map of plain Go values.
func Map(t *testing.T, values map[string]any) property.Map {
	t.Helper()
	return value(t, values).AsMap()
}

func value(t *testing.T, v any) property.Value {
	t.Helper()
	switch v := v.(type) {
	case property.Value:
		return v
	case int:
		return property.New(float64(v))
	case []any:
		var items []property.Value
		for _, item := range v {
			items = append(items, value(t, item))
		}
		return property.New(property.NewArray(items))
	case map[string]any:
		items := map[string]property.Value{}
		for key, item := range v {
			items[key] = value(t, item)
		}
		return property.New(property.NewMap(items))
	}
	out, err := property.Any(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Check returns the checked inputs and what is wrong with them, as "property: reason".
func (r *Resource) Check(inputs property.Map) (property.Map, []string) {
	r.T.Helper()
	res, err := r.Server.Check(provider.CheckRequest{Urn: r.URN, State: r.Inputs, Inputs: inputs})
	if err != nil {
		return inputs, []string{err.Error()}
	}
	var failures []string
	for _, f := range res.Failures {
		failures = append(failures, f.Property+": "+f.Reason)
	}
	return res.Inputs, failures
}

// MustCheck fails the test when the inputs are wrong.
func (r *Resource) MustCheck(inputs property.Map) property.Map {
	r.T.Helper()
	checked, failures := r.Check(inputs)
	if len(failures) > 0 {
		r.T.Fatalf("inputs refused: %v", failures)
	}
	return checked
}

// Preview returns what a preview of the creation shows.
func (r *Resource) Preview(inputs property.Map) property.Map {
	r.T.Helper()
	res, err := r.Server.Create(provider.CreateRequest{Urn: r.URN, Properties: r.MustCheck(inputs), DryRun: true})
	if err != nil {
		r.T.Fatal(err)
	}
	return res.Properties
}

// TryCreate creates the resource.
func (r *Resource) TryCreate(inputs property.Map) error {
	r.T.Helper()
	checked := r.MustCheck(inputs)
	res, err := r.Server.Create(provider.CreateRequest{Urn: r.URN, Properties: checked})
	if err == nil {
		r.ID, r.Inputs, r.State = res.ID, checked, res.Properties
	}
	return err
}

// Create creates the resource or fails the test.
func (r *Resource) Create(inputs property.Map) *Resource {
	r.T.Helper()
	if err := r.TryCreate(inputs); err != nil {
		r.T.Fatal(err)
	}
	return r
}

// Diff returns the kind of each change.
func (r *Resource) Diff(inputs property.Map) map[string]provider.DiffKind {
	r.T.Helper()
	res, err := r.Server.Diff(provider.DiffRequest{
		ID: r.ID, Urn: r.URN, State: r.State, OldInputs: r.Inputs, Inputs: r.MustCheck(inputs),
	})
	if err != nil {
		r.T.Fatal(err)
	}
	kinds := map[string]provider.DiffKind{}
	for path, d := range res.DetailedDiff {
		kinds[path] = d.Kind
	}
	if res.HasChanges != (len(kinds) > 0) {
		r.T.Fatalf("HasChanges is %v, the changes are %v", res.HasChanges, kinds)
	}
	return kinds
}

// Update updates the resource; in a preview it only returns what it would become.
func (r *Resource) Update(inputs property.Map, preview bool) property.Map {
	r.T.Helper()
	checked := r.MustCheck(inputs)
	res, err := r.Server.Update(provider.UpdateRequest{
		ID: r.ID, Urn: r.URN, State: r.State, OldInputs: r.Inputs, Inputs: checked, DryRun: preview,
	})
	if err != nil {
		r.T.Fatal(err)
	}
	if !preview {
		r.Inputs, r.State = checked, res.Properties
	}
	return res.Properties
}

// Refresh reads the resource.
func (r *Resource) Refresh() property.Map {
	r.T.Helper()
	res, err := r.Server.Read(provider.ReadRequest{ID: r.ID, Urn: r.URN, Properties: r.State, Inputs: r.Inputs})
	if err != nil {
		r.T.Fatal(err)
	}
	r.State = res.Properties
	return res.Properties
}

// Delete deletes the resource.
func (r *Resource) Delete() error {
	return r.Server.Delete(provider.DeleteRequest{ID: r.ID, Urn: r.URN, Properties: r.State, OldInputs: r.Inputs})
}

// Str reads a string of the state.
func (r *Resource) Str(name string) string {
	r.T.Helper()
	v := r.State.Get(name)
	if !v.IsString() {
		r.T.Fatalf("%s is %#v and no string", name, v)
	}
	return v.AsString()
}
