package bridged

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// Provider makes a provider of resource types. It has no configuration and no functions.
func Provider(name string, types map[string]Resource) provider.Provider {
	s := server{name: name, types: types}
	return provider.Provider{
		Check: s.check, Diff: s.diff, Create: s.create, Read: s.read, Update: s.update,
		Delete: func(context.Context, provider.DeleteRequest) error { return nil },
		Cancel: func(context.Context) error { return nil },
		Configure: func(_ context.Context, req provider.ConfigureRequest) error {
			for key := range req.Args.AllStable {
				if key != "version" && !strings.HasPrefix(key, "__") {
					return fmt.Errorf("provider option %q is not implemented by %s", key, s.who())
				}
			}
			return nil
		},
		Invoke: func(_ context.Context, req provider.InvokeRequest) (provider.InvokeResponse, error) {
			return provider.InvokeResponse{}, fmt.Errorf("function %s is not implemented by %s", req.Token, s.who())
		},
	}
}

type server struct {
	name  string
	types map[string]Resource
}

func (s server) who() string { return "the " + s.name + " plugin of the air-gapped route" }

func (s server) find(urn resource.URN) (Resource, error) {
	if r, ok := s.types[string(urn.Type())]; ok {
		return r, nil
	}
	known := make([]string, 0, len(s.types))
	for t := range s.types {
		known = append(known, t)
	}
	sort.Strings(known)
	return Resource{}, fmt.Errorf("%s is not implemented by %s, which has %s",
		urn.Type(), s.who(), strings.Join(known, ", "))
}

func (s server) check(_ context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
	r, err := s.find(req.Urn)
	if err != nil {
		return provider.CheckResponse{}, err
	}
	failures := checkAll("", r.Inputs, req.Inputs)
	if len(failures) == 0 && r.Check != nil && !hasComputed(property.New(req.Inputs)) {
		failures = r.Check(Values{plainMap(req.Inputs)})
	}
	inputs := req.Inputs
	for name, in := range r.Inputs {
		if v, ok := inputs.GetOk(name); ok && in.Secret && !v.IsNull() {
			inputs = inputs.Set(name, v.WithSecret(true))
		}
	}
	return provider.CheckResponse{Inputs: inputs, Failures: failures}, nil
}

// plan is what the inputs make of the outputs that are inputs too: defaults filled in.
func (r Resource) plan(inputs property.Map) property.Map {
	out := map[string]property.Value{}
	for name, in := range r.Inputs {
		v, ok := inputs.GetOk(name)
		switch {
		case ok && !v.IsNull():
			out[name] = v.WithDependencies(nil)
		case in.Default != nil:
			d, err := property.Any(in.Default)
			if err != nil {
				panic(fmt.Sprintf("default of %s: %v", name, err))
			}
			out[name] = d
		default:
			continue
		}
		if in.Secret {
			out[name] = out[name].WithSecret(true)
		}
	}
	if r.Plan != nil {
		return r.Plan(inputs, property.NewMap(out))
	}
	return property.NewMap(out)
}

func (s server) diff(_ context.Context, req provider.DiffRequest) (provider.DiffResponse, error) {
	r, err := s.find(req.Urn)
	if err != nil {
		return provider.DiffResponse{}, err
	}
	old := map[string]property.Value{}
	for name := range r.Inputs {
		if v, ok := req.State.GetOk(name); ok && !v.IsNull() {
			old[name] = v
		}
	}
	was := resource.ToResourcePropertyMap(plainMap(property.NewMap(old)))
	will := resource.ToResourcePropertyMap(plainMap(r.plan(req.Inputs)))
	changes := map[string]provider.PropertyDiff{}
	for path, d := range plugin.NewDetailedDiffFromObjectDiff(was.Diff(will), true) {
		name := root(path)
		kind := d.Kind
		if !r.Inputs[name].InPlace && !emptied(was, will, name) {
			kind = kind.AsReplace()
		}
		changes[path] = provider.PropertyDiff{Kind: kinds[kind], InputDiff: true}
	}
	if r.Expired != nil {
		state := Values{plainMap(r.planned(req.State, req.Inputs))}
		if output := r.Expired(state); output != "" {
			changes[output] = provider.PropertyDiff{Kind: provider.UpdateReplace}
		}
	}
	return provider.DiffResponse{HasChanges: len(changes) > 0, DetailedDiff: changes}, nil
}

// planned is the state with the outputs that are inputs too as the inputs plan them.
func (r Resource) planned(state, inputs property.Map) property.Map {
	for name := range r.Inputs {
		state = state.Delete(name)
	}
	for name, v := range r.plan(inputs).All {
		state = state.Set(name, v)
	}
	return state
}

var kinds = map[plugin.DiffKind]provider.DiffKind{
	plugin.DiffAdd: provider.Add, plugin.DiffAddReplace: provider.AddReplace,
	plugin.DiffDelete: provider.Delete, plugin.DiffDeleteReplace: provider.DeleteReplace,
	plugin.DiffUpdate: provider.Update, plugin.DiffUpdateReplace: provider.UpdateReplace,
}

func root(path string) string {
	if i := strings.IndexAny(path, ".["); i > 0 {
		return path[:i]
	}
	return path
}

// emptied says whether an empty map came or went, which is a change but no reason to replace.
func emptied(was, will resource.PropertyMap, name string) bool {
	empty := func(m resource.PropertyMap) bool {
		v, ok := m[resource.PropertyKey(name)]
		return !ok || (v.IsObject() && len(v.ObjectValue()) == 0)
	}
	return empty(was) && empty(will)
}

func (s server) create(ctx context.Context, req provider.CreateRequest) (provider.CreateResponse, error) {
	r, err := s.find(req.Urn)
	if err != nil {
		return provider.CreateResponse{}, err
	}
	out := r.plan(req.Properties)
	computed := map[string]property.Value{}
	id := ""
	if req.DryRun {
		for name := range r.Outputs {
			computed[name] = property.New(property.Computed)
		}
		computed["id"] = property.New(property.Computed)
	} else {
		if hasComputed(property.New(out)) {
			return provider.CreateResponse{}, errors.New("an input is not known")
		}
		if id, computed, err = r.Create(ctx, Values{plainMap(out)}); err != nil {
			return provider.CreateResponse{}, err
		}
		computed["id"] = property.New(id)
	}
	for name, v := range computed {
		out = out.Set(name, v.WithSecret(r.Outputs[name]))
	}
	return provider.CreateResponse{ID: id, Properties: out}, nil
}

func (s server) update(_ context.Context, req provider.UpdateRequest) (provider.UpdateResponse, error) {
	r, err := s.find(req.Urn)
	if err != nil {
		return provider.UpdateResponse{}, err
	}
	out := r.planned(req.State, req.Inputs)
	if r.Update != nil && !hasComputed(property.New(out)) {
		for name, v := range r.Update(Values{plainMap(out)}) {
			out = out.Set(name, v.WithSecret(r.Outputs[name]))
		}
	}
	return provider.UpdateResponse{Properties: out}, nil
}

func (s server) read(_ context.Context, req provider.ReadRequest) (provider.ReadResponse, error) {
	r, err := s.find(req.Urn)
	if err != nil {
		return provider.ReadResponse{}, err
	}
	if req.Properties.Len() == 0 {
		return provider.ReadResponse{}, fmt.Errorf("%s %q cannot be imported: %s keeps no record of it",
			req.Urn.Type(), req.ID, s.who())
	}
	out := req.Properties
	if r.Refresh != nil {
		for name, v := range r.Refresh(Values{plainMap(out)}) {
			out = out.Set(name, v.WithSecret(r.Outputs[name]))
		}
	}
	return provider.ReadResponse{ID: req.ID, Properties: out, Inputs: req.Inputs}, nil
}

// hasComputed says whether a value or anything in it is unknown.
func hasComputed(v property.Value) bool {
	switch {
	case v.IsComputed():
		return true
	case v.IsArray():
		for _, item := range v.AsArray().All {
			if hasComputed(item) {
				return true
			}
		}
	case v.IsMap():
		for _, item := range v.AsMap().All {
			if hasComputed(item) {
				return true
			}
		}
	}
	return false
}

// plainMap is a map without secrets and dependencies, to compare and to compute with.
func plainMap(m property.Map) property.Map { return plain(property.New(m)).AsMap() }

func plain(v property.Value) property.Value {
	v = v.WithSecret(false).WithDependencies(nil)
	switch {
	case v.IsArray():
		var items []property.Value
		for _, item := range v.AsArray().All {
			items = append(items, plain(item))
		}
		return property.New(property.NewArray(items))
	case v.IsMap():
		items := map[string]property.Value{}
		for key, item := range v.AsMap().All {
			if !item.IsNull() {
				items[key] = plain(item)
			}
		}
		return property.New(property.NewMap(items))
	}
	return v
}
