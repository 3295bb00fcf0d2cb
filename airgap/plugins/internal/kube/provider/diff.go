package provider

import (
	"context"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"bankmesh/airgap/plugins/internal/kube/cluster"
	"bankmesh/airgap/plugins/internal/kube/diff"
	"bankmesh/airgap/plugins/internal/kube/object"
)

// Diff compares the inputs with the live object as last read, in the shape of the last inputs: so
// what the cluster adds does not count, and what someone else changed does.
func (s *Server) Diff(ctx context.Context, r *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	ctx, done := s.operation(ctx)
	defer done()
	if asLastRead(r) {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE, HasDetailedDiff: true}, nil
	}
	olds, err := unmarshal("old state", r.GetOlds())
	if err != nil {
		return nil, err
	}
	news, err := unmarshal("inputs", r.GetNews())
	if err != nil {
		return nil, err
	}
	state, err := object.ParseState(olds)
	if err != nil {
		return nil, err
	}
	before, err := plainInputs("old inputs", r.GetOldInputs())
	if err != nil {
		return nil, err
	}
	object.FillIn(state.Live, before)
	plain, err := object.FromProperties(news)
	if err != nil {
		return nil, err
	}
	inputs := object.Normalize(plain)
	old := object.Prune(state.Live, object.Normalize(before))
	gvk := wrap(inputs).GroupVersionKind()
	s.alignIdentity(ctx, gvk, old, inputs, wrap(state.Live))

	changes, err := diff.DropIgnored(diff.Compare(old, inputs), r.GetIgnoreChanges())
	if err != nil {
		return nil, err
	}
	out := &pulumirpc.DiffResponse{
		Changes: pulumirpc.DiffResponse_DIFF_NONE, HasDetailedDiff: true,
		DetailedDiff: map[string]*pulumirpc.PropertyDiff{},
	}
	mutable := diff.Mutability{Secrets: s.config.secretMutable, ConfigMaps: s.config.configMapMutable}
	for _, c := range changes {
		path := c.Path.String()
		d := &pulumirpc.PropertyDiff{Kind: c.Kind, InputDiff: c.Kind == pulumirpc.PropertyDiff_DELETE}
		if diff.Immutable(gvk, inputs, mutable, c) || (path == "apiVersion" && otherGroup(state.Live, gvk)) {
			d.Kind = diff.Replacing(c.Kind)
			out.Replaces = append(out.Replaces, path)
		}
		out.DetailedDiff[path] = d
		out.Changes = pulumirpc.DiffResponse_DIFF_SOME
	}
	if s.replaceUnready(ctx, inputs, state) {
		out.Changes = pulumirpc.DiffResponse_DIFF_SOME
		out.Replaces = append(out.Replaces, `metadata.annotations["pulumi.com/replaceUnready"]`)
	}
	out.DeleteBeforeReplace = len(out.Replaces) > 0 && sameObject(inputs, state.Live)
	return out, nil
}

func otherGroup(live object.Object, gvk schema.GroupVersionKind) bool {
	return wrap(live).GroupVersionKind().Group != gvk.Group
}

// alignIdentity makes a namespace that means the same look the same.
func (s *Server) alignIdentity(
	ctx context.Context, gvk schema.GroupVersionKind, old, inputs object.Object, live *unstructured.Unstructured,
) {
	mOld, mNew := metadataOf(old), metadataOf(inputs)
	if mOld == nil || mNew == nil {
		return
	}
	if mNew["name"] != nil && live.GetName() != "" {
		mOld["name"] = live.GetName()
	}
	delete(mOld, "resourceVersion")
	scope := s.scopes.Of(ctx, s.reader(), gvk)
	if scope == cluster.ScopeUnknown {
		// The live object tells: only a namespaced one has a namespace.
		scope = cluster.ScopeNamespace
		if live.GetNamespace() == "" {
			scope = cluster.ScopeCluster
		}
	}
	for _, m := range []map[string]any{mOld, mNew} {
		ns, given := m["namespace"]
		switch {
		case scope == cluster.ScopeCluster:
			delete(m, "namespace")
		case !given || ns == "":
			m["namespace"] = "default"
		}
	}
	if scope != cluster.ScopeCluster && live.GetNamespace() != "" {
		mOld["namespace"] = live.GetNamespace()
	}
}

// sameObject says whether inputs name the object that is there, so that it must go before its
// replacement can come.
func sameObject(inputs, live object.Object) bool {
	if object.HasUnknown(inputs["metadata"]) || annotation(inputs, autonamed) == "true" {
		return false
	}
	a, b := wrap(inputs), wrap(live)
	return a.GetName() != "" && a.GetName() == b.GetName() && a.GetNamespace() == b.GetNamespace()
}

// replaceUnready says whether a Job asks to be replaced because it did not complete.
func (s *Server) replaceUnready(ctx context.Context, inputs object.Object, state object.State) bool {
	if annotation(inputs, "pulumi.com/replaceUnready") != "true" || inputs["kind"] != "Job" {
		return false
	}
	live := wrap(object.Copy(state.Live))
	client, err := s.cluster.Client(live)
	if err != nil || s.cluster.Check(ctx) != nil {
		return false
	}
	now, err := client.Get(ctx, live.GetName(), getOptions)
	if err != nil {
		return false
	}
	return s.readyNow(ctx, resource.URN(""), inputs, client, now) != nil
}
