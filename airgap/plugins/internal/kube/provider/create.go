package provider

import (
	"context"
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

// Create applies an object that must not exist yet, and waits until it is ready.
func (s *Server) Create(ctx context.Context, r *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	urn := resource.URN(r.GetUrn())
	if err := offered(urn); err != nil {
		return nil, err
	}
	if r.GetPreview() {
		return &pulumirpc.CreateResponse{Properties: r.GetProperties()}, nil
	}
	ctx, done := s.operation(s.withWarnings(ctx, r.GetUrn()))
	defer done()
	props, err := unmarshal("inputs", r.GetProperties())
	if err != nil {
		return nil, err
	}
	plain, err := object.FromProperties(props)
	if err != nil {
		return nil, err
	}
	inputs := wrap(plain)
	if s.config.renderTo != "" {
		return s.createFile(urn, inputs, props)
	}
	if err := s.cluster.Check(ctx); err != nil {
		return nil, err
	}
	manager, err := fieldManager(plain, "")
	if err != nil {
		return nil, err
	}
	client, applied, err := s.applyNew(ctx, urn, inputs, manager)
	if err != nil {
		return nil, err
	}
	if isCRD(inputs) {
		defer s.cluster.Reset()
	}
	live, waitErr := await.Ready(ctx, s.target(urn, plain, client, applied, r.GetTimeout()))
	state := object.State{Live: live.Object, InitialAPIVersion: inputs.GetAPIVersion(), FieldManager: manager}
	out, err := marshal("state", state.Outputs(props))
	if err != nil {
		return nil, err
	}
	if waitErr != nil {
		return nil, partial(idOf(live), fmt.Sprintf("resource %q was successfully created, but the Kubernetes API "+
			"server reported that it failed to fully initialize or become live: %v", urn, waitErr), waitErr, out, nil)
	}
	return &pulumirpc.CreateResponse{Id: idOf(live), Properties: out}, nil
}

// applyNew makes sure that the object is new and applies it. An object that exists belongs to
// someone else: applying to it would hand it to this stack, whose destroy would then delete it.
func (s *Server) applyNew(
	ctx context.Context, urn resource.URN, inputs *unstructured.Unstructured, manager string,
) (client dynamic.ResourceInterface, applied *unstructured.Unstructured, err error) {
	force := s.forced(inputs.Object)
	err = s.retried(ctx, string(urn), func() error {
		if client, err = s.cluster.Client(inputs); err != nil {
			return err
		}
		if isPatch(urn) {
			if _, err := client.Get(ctx, inputs.GetName(), getOptions); err != nil {
				return fmt.Errorf("%s %q, whose fields are to be patched: %w", inputs.GetKind(), inputs.GetName(), err)
			}
		} else if !s.config.upsert {
			switch _, err := client.Get(ctx, inputs.GetName(), getOptions); {
			case err == nil:
				return exists(inputs)
			case !apierrors.IsNotFound(err):
				return err
			}
		}
		applied, err = apply(ctx, client, inputs, manager, force)
		return err
	})
	s.engine.Status(string(urn), "")
	switch {
	case meta.IsNoMatchError(err):
		return nil, nil, noSuchKind(urn, "creation", inputs, err)
	case err != nil:
		return nil, nil, fmt.Errorf("resource %q was not successfully created by the Kubernetes API server: %w", urn, err)
	}
	return client, applied, nil
}

func exists(u *unstructured.Unstructured) error {
	return fmt.Errorf("%s %q already exists in the cluster. Import it (pulumi import, id %q), delete it "+
		"(kubectl delete %s %s%s), or let the provider take over existing objects with the provider "+
		"option upsertExistingObjects: true", u.GetKind(), u.GetName(), idOf(u), u.GetKind(), u.GetName(), inNamespace(u))
}

func inNamespace(u *unstructured.Unstructured) string {
	if u.GetNamespace() == "" {
		return ""
	}
	return " --namespace " + u.GetNamespace()
}

func isCRD(u *unstructured.Unstructured) bool {
	gk := u.GroupVersionKind().GroupKind()
	return gk.Kind == "CustomResourceDefinition" && gk.Group == "apiextensions.k8s.io"
}

// createFile writes the object as YAML instead.
func (s *Server) createFile(
	urn resource.URN, inputs *unstructured.Unstructured, props resource.PropertyMap,
) (*pulumirpc.CreateResponse, error) {
	state, err := s.writeFile(urn, inputs, props, "")
	if err != nil {
		return nil, err
	}
	out, err := marshal("state", state)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.CreateResponse{Id: idOf(inputs), Properties: out}, nil
}

func (s *Server) writeFile(
	urn resource.URN, inputs *unstructured.Unstructured, props resource.PropertyMap, oldManager string,
) (resource.PropertyMap, error) {
	path, err := render.Write(s.config.renderTo, inputs)
	if err != nil {
		return nil, err
	}
	if props.ContainsSecrets() {
		s.engine.Warn(string(urn), fmt.Sprintf("rendered file %s contains a secret value in plaintext", path))
	}
	s.engine.Status(string(urn), "rendered "+path)
	manager, err := fieldManager(inputs.Object, oldManager)
	if err != nil {
		return nil, err
	}
	state := object.State{Live: inputs.Object, InitialAPIVersion: inputs.GetAPIVersion(), FieldManager: manager}
	return state.Outputs(props), nil
}
