package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"bankmesh/airgap/plugins/internal/kube/await"
	"bankmesh/airgap/plugins/internal/kube/object"
	"bankmesh/airgap/plugins/internal/kube/render"
)

// Kinds for which skipAwait also means not to wait for deletion, as with the official plugin.
var skipAwaitOnDelete = map[string]bool{
	"Namespace": true, "Pod": true, "ReplicationController": true, "DaemonSet.apps": true,
	"Deployment.apps": true, "StatefulSet.apps": true, "Job.batch": true,
}

// Delete deletes the object and what depends on it, and waits until it is gone.
func (s *Server) Delete(ctx context.Context, r *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	urn := resource.URN(r.GetUrn())
	ctx, done := s.operation(s.withWarnings(ctx, r.GetUrn()))
	defer done()
	props, err := unmarshal("state", r.GetProperties())
	if err != nil {
		return nil, err
	}
	state, err := object.ParseState(props)
	if err != nil {
		return nil, err
	}
	inputs, err := plainInputs("old inputs", r.GetOldInputs())
	if err != nil {
		return nil, err
	}
	wanted, _, err := identify(urn, r.GetId(), nil, state)
	if err != nil {
		return nil, err
	}
	if s.config.renderTo != "" {
		return &emptypb.Empty{}, render.Remove(s.config.renderTo, wrap(state.Live))
	}
	if err := s.cluster.Check(ctx); err != nil {
		return s.deleteUnreachable(r, err)
	}
	if isCRD(wanted) {
		defer s.cluster.Reset()
	}
	client, err := s.cluster.Client(wanted)
	if meta.IsNoMatchError(err) {
		return &emptypb.Empty{}, nil // its kind is gone, and so is it
	} else if err != nil {
		return nil, err
	}
	live, err := client.Get(ctx, wanted.GetName(), getOptions)
	if apierrors.IsNotFound(err) {
		return &emptypb.Empty{}, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s %s cannot be deleted: %w", wanted.GetKind(), idOf(wanted), err)
	}
	if isPatch(urn) {
		return &emptypb.Empty{}, relinquish(ctx, client, live, state.FieldManager)
	}
	return s.delete(ctx, urn, client, live, r, inputs, state)
}

func (s *Server) delete(
	ctx context.Context, urn resource.URN, client dynamic.ResourceInterface, live *unstructured.Unstructured,
	r *pulumirpc.DeleteRequest, inputs object.Object, state object.State,
) (*emptypb.Empty, error) {
	policy := propagation(inputs)
	err := client.Delete(ctx, live.GetName(), metav1.DeleteOptions{PropagationPolicy: &policy})
	switch {
	case apierrors.IsNotFound(err):
		return &emptypb.Empty{}, nil
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "may not be deleted"):
		// Kubernetes protects its own namespaces; what this stack applied to them goes.
		s.engine.Warn(string(urn), err.Error()+"; its fields are given up instead")
		return &emptypb.Empty{}, relinquish(ctx, client, live, state.FieldManager)
	case err != nil:
		return nil, fmt.Errorf("%s %s cannot be deleted: %w", live.GetKind(), idOf(live), err)
	}
	kind := live.GroupVersionKind().GroupKind().String()
	if annotation(inputs, await.SkipAwait) == "true" && skipAwaitOnDelete[kind] {
		return &emptypb.Empty{}, nil
	}
	waitErr := await.Deleted(ctx, s.target(urn, inputs, client, live, r.GetTimeout()))
	if waitErr == nil {
		return &emptypb.Empty{}, nil
	}
	// the engine keeps the state that it has; the reasons are what it shows
	return nil, partial(idOf(live), waitErr.Error(), waitErr, r.GetProperties(), nil)
}

func propagation(inputs object.Object) metav1.DeletionPropagation {
	switch strings.ToLower(annotation(inputs, "pulumi.com/deletionPropagationPolicy")) {
	case "orphan":
		return metav1.DeletePropagationOrphan
	case "background":
		return metav1.DeletePropagationBackground
	}
	return metav1.DeletePropagationForeground
}

func (s *Server) deleteUnreachable(r *pulumirpc.DeleteRequest, err error) (*emptypb.Empty, error) {
	if s.config.deleteUnreachable {
		s.engine.Warn(r.GetUrn(), err.Error()+"; the option `deleteUnreachable` is on, so the resource "+
			"is deleted from the Pulumi state")
		return &emptypb.Empty{}, nil
	}
	return nil, fmt.Errorf("%w. If the cluster was deleted, you can remove this resource from Pulumi state by "+
		"rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE environment variable set to \"true\"", err)
}
