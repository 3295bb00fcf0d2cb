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

	"bankmesh/airgap/plugins/internal/kube/await"
	"bankmesh/airgap/plugins/internal/kube/object"
)

// gone tells the engine that the object is no more.
var gone = &pulumirpc.ReadResponse{}

// Read gives the live object, and as inputs what of it the program had set: so a refresh shows
// what someone else changed, and nothing that the cluster adds by itself.
func (s *Server) Read(ctx context.Context, r *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	urn := resource.URN(r.GetUrn())
	if err := offered(urn); err != nil {
		return nil, err
	}
	ctx, done := s.operation(s.withWarnings(ctx, r.GetUrn()))
	defer done()
	if s.config.renderTo != "" {
		return &pulumirpc.ReadResponse{Id: r.GetId(), Properties: r.GetProperties(), Inputs: r.GetInputs()}, nil
	}
	if err := s.cluster.Check(ctx); err != nil {
		return s.readUnreachable(r, err)
	}
	olds, err := unmarshal("old state", r.GetProperties())
	if err != nil {
		return nil, err
	}
	oldInputs, err := unmarshal("old inputs", r.GetInputs())
	if err != nil {
		return nil, err
	}
	state, err := object.ParseState(olds)
	if err != nil {
		return nil, err
	}
	plain, err := object.FromProperties(oldInputs)
	if err != nil {
		return nil, err
	}
	wanted, imported, err := identify(urn, r.GetId(), plain, state)
	if err != nil {
		return nil, err
	}
	client, err := s.cluster.Client(wanted)
	if meta.IsNoMatchError(err) {
		return gone, nil
	} else if err != nil {
		return nil, err
	}
	live, err := client.Get(ctx, wanted.GetName(), getOptions)
	if apierrors.IsNotFound(err) {
		return gone, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s %s cannot be read: %w", wanted.GetKind(), idOf(wanted), err)
	}
	shape := object.Normalize(plain)
	if imported {
		shape = importable(live)
	}
	var notReady error
	if !imported {
		notReady = s.readyNow(ctx, urn, shape, client, live)
	}
	return s.readResponse(r.GetId(), live, object.Prune(live.Object, shape), oldInputs, state, notReady)
}

func (s *Server) readResponse(
	id string, live *unstructured.Unstructured, inputs object.Object, oldInputs resource.PropertyMap,
	state object.State, notReady error,
) (*pulumirpc.ReadResponse, error) {
	known := state.FieldManager
	if known == "" && len(oldInputs) > 0 {
		// a create that was interrupted; under another name the next update would meet a conflict with it
		known = managerOf(live)
	}
	manager, err := fieldManager(inputs, known)
	if err != nil {
		return nil, err
	}
	next := object.State{
		Live: live.Object, InitialAPIVersion: state.InitialAPIVersion, FieldManager: manager,
	}
	if next.InitialAPIVersion == "" {
		next.InitialAPIVersion = live.GetAPIVersion()
	}
	out, err := marshal("state", next.Outputs(oldInputs))
	if err != nil {
		return nil, err
	}
	props := object.ToProperties(inputs)
	object.AnnotateSecrets(props, oldInputs)
	in, err := marshal("inputs", props)
	if err != nil {
		return nil, err
	}
	if id == "" {
		id = idOf(live)
	}
	if notReady != nil {
		var reasons *await.NotReadyError
		errors.As(notReady, &reasons)
		return nil, partial(id, notReady.Error(), notReady, out, in)
	}
	return &pulumirpc.ReadResponse{Id: id, Properties: out, Inputs: in}, nil
}

// identify says which object to read. Without inputs and state (an import, or a .get) the ID and
// the resource's type do.
func identify(
	urn resource.URN, id string, inputs object.Object, state object.State,
) (u *unstructured.Unstructured, imported bool, err error) {
	namespace, name := parseID(id)
	if name == "" {
		return nil, false, fmt.Errorf("the ID %q does not name an object; give namespace/name, "+
			"or the name of a cluster-wide object", id)
	}
	gvk, err := gvkOf(urn)
	if err != nil {
		return nil, false, err
	}
	imported = len(inputs) == 0 && len(state.Live) == 0
	if k := wrap(inputs).GroupVersionKind(); k.Kind != "" {
		gvk = k
	} else if k := wrap(state.Live).GroupVersionKind(); k.Kind != "" {
		gvk = k
	}
	u = &unstructured.Unstructured{}
	u.SetGroupVersionKind(gvk)
	u.SetName(name)
	u.SetNamespace(namespace)
	return u, imported, nil
}

// importable is all of an object that can be an input.
func importable(live *unstructured.Unstructured) object.Object {
	out := object.Normalize(live.Object)
	delete(out, "status")
	if m := metadataOf(out); m != nil {
		delete(m, "selfLink")
		if a, ok := m["annotations"].(map[string]any); ok {
			delete(a, "deployment.kubernetes.io/revision")
			delete(a, "kubectl.kubernetes.io/last-applied-configuration")
		}
	}
	return out
}

func (s *Server) readUnreachable(r *pulumirpc.ReadRequest, err error) (*pulumirpc.ReadResponse, error) {
	switch {
	case s.config.deleteUnreachable:
		s.engine.Warn(r.GetUrn(), err.Error()+"; the option `deleteUnreachable` is on, so the resource "+
			"is deleted from the Pulumi state")
		return gone, nil
	case s.config.skipUpdateUnreachable:
		s.engine.Warn(r.GetUrn(), err.Error()+"; the option `skipUpdateUnreachable` is on, so the last "+
			"known state is kept")
		return &pulumirpc.ReadResponse{Id: r.GetId(), Properties: r.GetProperties(), Inputs: r.GetInputs()}, nil
	}
	return nil, fmt.Errorf("failed to read resource state due to unreachable cluster. If the cluster was "+
		"deleted, you can remove this resource from Pulumi state by rerunning the operation with the "+
		"PULUMI_K8S_DELETE_UNREACHABLE environment variable set to \"true\": %w", err)
}
