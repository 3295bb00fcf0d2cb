package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"bankmesh/airgap/plugins/internal/kube/await"
	"bankmesh/airgap/plugins/internal/kube/object"
	"bankmesh/airgap/plugins/internal/kube/render"
)

// Update applies the new inputs to the object and waits until it is ready.
func (s *Server) Update(ctx context.Context, r *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	urn := resource.URN(r.GetUrn())
	ctx, done := s.operation(s.withWarnings(ctx, r.GetUrn()))
	defer done()
	olds, err := unmarshal("old state", r.GetOlds())
	if err != nil {
		return nil, err
	}
	news, err := unmarshal("inputs", r.GetNews())
	if err != nil {
		return nil, err
	}
	if r.GetPreview() {
		out, err := marshal("planned state", overlay(olds, news))
		if err != nil {
			return nil, err
		}
		return &pulumirpc.UpdateResponse{Properties: out}, nil
	}
	state, err := object.ParseState(olds)
	if err != nil {
		return nil, err
	}
	plain, err := object.FromProperties(news)
	if err != nil {
		return nil, err
	}
	inputs := wrap(object.Normalize(plain))
	if s.config.renderTo != "" {
		return s.updateFile(urn, inputs, news, state)
	}
	if err := s.cluster.Check(ctx); err != nil {
		return nil, err
	}
	return s.update(ctx, urn, r, inputs, news, state)
}

func (s *Server) update(
	ctx context.Context, urn resource.URN, r *pulumirpc.UpdateRequest,
	inputs *unstructured.Unstructured, news resource.PropertyMap, state object.State,
) (*pulumirpc.UpdateResponse, error) {
	manager, err := fieldManager(inputs.Object, state.FieldManager)
	if err != nil {
		return nil, err
	}
	client, err := s.cluster.Client(inputs)
	if meta.IsNoMatchError(err) {
		return nil, noSuchKind(urn, "update", inputs, err)
	} else if err != nil {
		return nil, err
	}
	live, err := client.Get(ctx, inputs.GetName(), getOptions)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("update of resource %q failed: %s %q is no longer in the cluster; "+
			"run `pulumi refresh` so that it is created again: %w", urn, inputs.GetKind(), idOf(inputs), err)
	} else if err != nil {
		return nil, fmt.Errorf("update of resource %q failed: %w", urn, err)
	}
	applied, failure := s.applyChanges(ctx, client, live, inputs, manager, state, r.GetIgnoreChanges())
	if failure == nil {
		if isCRD(inputs) {
			defer s.cluster.Reset()
		}
		live, failure = await.Ready(ctx, s.target(urn, inputs.Object, client, applied, r.GetTimeout()))
	}
	next := object.State{
		Live: live.Object, InitialAPIVersion: state.InitialAPIVersion, FieldManager: manager,
	}
	out, err := marshal("state", next.Outputs(news))
	if err != nil {
		return nil, err
	}
	if failure != nil {
		return nil, partial(idOf(live), updateFailed(urn, live, failure), failure, out, nil)
	}
	return &pulumirpc.UpdateResponse{Properties: out}, nil
}

func updateFailed(urn resource.URN, live *unstructured.Unstructured, failure error) string {
	var notReady *await.NotReadyError
	if errors.As(failure, &notReady) {
		return fmt.Sprintf("the Kubernetes API server reported that %q failed to fully initialize or become live: %v",
			idOf(live), failure)
	}
	return fmt.Sprintf("update of resource %q failed: %v", urn, failure)
}

func (s *Server) applyChanges(
	ctx context.Context, client dynamic.ResourceInterface, live, inputs *unstructured.Unstructured,
	manager string, state object.State, ignore []string,
) (*unstructured.Unstructured, error) {
	live, err := takeOver(ctx, client, live, manager)
	if err != nil {
		return nil, err
	}
	sent := wrap(object.Copy(inputs.Object))
	if err := keepIgnored(sent.Object, live, manager, ignore); err != nil {
		return nil, err
	}
	// The official plugin replaces definitions as a whole.
	applied, err := apply(ctx, client, sent, manager, s.forced(inputs.Object) || isCRD(inputs))
	if err != nil {
		return nil, err
	}
	if old := state.FieldManager; old != "" && old != manager {
		if err := relinquish(ctx, client, applied, old); err != nil {
			return nil, err
		}
	}
	return applied, nil
}

func (s *Server) updateFile(
	urn resource.URN, inputs *unstructured.Unstructured, news resource.PropertyMap, state object.State,
) (*pulumirpc.UpdateResponse, error) {
	if was := render.Path(s.config.renderTo, wrap(state.Live)); was != render.Path(s.config.renderTo, inputs) {
		if err := render.Remove(s.config.renderTo, wrap(state.Live)); err != nil {
			return nil, err
		}
	}
	next, err := s.writeFile(urn, inputs, news, state.FieldManager)
	if err != nil {
		return nil, err
	}
	out, err := marshal("state", next)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.UpdateResponse{Properties: out}, nil
}

// overlay lays the new inputs over the old state: what a preview can say of an update's outcome.
func overlay(base, top resource.PropertyMap) resource.PropertyMap {
	out := base.Copy()
	for k, v := range top {
		if b, ok := out[k]; ok && b.IsObject() && v.IsObject() {
			out[k] = resource.NewProperty(overlay(b.ObjectValue(), v.ObjectValue()))
			continue
		}
		out[k] = v
	}
	return out
}
