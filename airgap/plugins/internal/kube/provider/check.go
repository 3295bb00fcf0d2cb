package provider

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"bankmesh/airgap/plugins/internal/kube/cluster"
	"bankmesh/airgap/plugins/internal/kube/object"
)

// Check gives the inputs their normal form, a name and a namespace.
func (s *Server) Check(ctx context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	ctx, done := s.operation(ctx)
	defer done()
	urn := resource.URN(r.GetUrn())
	if err := offered(urn); err != nil {
		return nil, err
	}
	if s.config.skipUpdateUnreachable && s.config.renderTo == "" {
		if err := s.cluster.Check(ctx); err != nil {
			s.engine.Warn(r.GetUrn(), "Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping...")
			return &pulumirpc.CheckResponse{Inputs: r.GetOlds()}, nil
		}
	}
	if sameAsBefore(r) {
		s.scopes.AddCRD(definition(r.GetNews()))
		return &pulumirpc.CheckResponse{Inputs: r.GetNews()}, nil
	}
	olds, err := unmarshal("old inputs", r.GetOlds())
	if err != nil {
		return nil, err
	}
	news, err := unmarshal("inputs", r.GetNews())
	if err != nil {
		return nil, err
	}
	oldInputs, err := object.FromProperties(olds)
	if err != nil {
		return nil, err
	}
	plain, err := object.FromProperties(news)
	if err != nil {
		return failed(r, err), nil
	}
	gvk, err := gvkOf(urn)
	if err != nil {
		return nil, err
	}
	if err := sameKind(plain, gvk); err != nil {
		return failed(r, err), nil
	}
	inputs := object.Normalize(plain)
	if err := ensureName(r, oldInputs, inputs); err != nil {
		return failed(r, err), nil
	}
	s.ensureNamespace(ctx, r.GetUrn(), gvk, inputs)
	s.scopes.AddCRD(inputs)
	checked := object.ToProperties(inputs)
	object.AnnotateSecrets(checked, news)
	if s.config.renderTo != "" && checked.ContainsSecrets() {
		s.engine.Warn(r.GetUrn(), "rendered YAML will contain a secret value in plaintext")
	}
	out, err := marshal("checked inputs", checked)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.CheckResponse{Inputs: out}, nil
}

func failed(r *pulumirpc.CheckRequest, err error) *pulumirpc.CheckResponse {
	return &pulumirpc.CheckResponse{
		Inputs:   r.GetNews(),
		Failures: []*pulumirpc.CheckFailure{{Reason: err.Error()}},
	}
}

// sameKind fills in apiVersion and kind from the resource's type and refuses others.
func sameKind(o object.Object, gvk schema.GroupVersionKind) error {
	for field, want := range map[string]string{"apiVersion": gvk.GroupVersion().String(), "kind": gvk.Kind} {
		switch have := o[field].(type) {
		case nil:
			o[field] = want
		case string:
			if field == "apiVersion" && have == "core/"+gvk.Version && gvk.Group == "" {
				o[field] = want
			} else if have != want {
				return fmt.Errorf("%s is %q, but the resource's type says %q", field, have, want)
			}
		}
	}
	return nil
}

// ensureNamespace puts a namespaced object that names no namespace into the provider's.
func (s *Server) ensureNamespace(ctx context.Context, urn string, gvk schema.GroupVersionKind, o object.Object) {
	m := metadataOf(o)
	if m == nil || s.config.defaultNamespace == "" {
		return
	}
	if ns, given := m["namespace"]; given && ns != "" {
		return
	}
	switch s.scopes.Of(ctx, s.reader(), gvk) {
	case cluster.ScopeNamespace:
		m["namespace"] = s.config.defaultNamespace
	case cluster.ScopeUnknown:
		if s.config.renderTo != "" {
			s.engine.Warn(urn, fmt.Sprintf("no CustomResourceDefinition in this program says whether %s is namespaced; "+
				"it is rendered without a namespace", gvk.GroupKind()))
			return
		}
		// Most likely the CRD is yet to come; corrected on creation if it is cluster-wide.
		m["namespace"] = s.config.defaultNamespace
	}
}

// reader is the cluster to ask about kinds, nil when none is to be contacted.
func (s *Server) reader() *cluster.Cluster {
	if s.config.renderTo != "" {
		return nil
	}
	return s.cluster
}
