package cluster

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// Built-in kinds that live outside namespaces; the other built-in ones live in one.
var clusterWide = map[string]bool{
	"APIService.apiregistration.k8s.io":                           true,
	"CertificateSigningRequest.certificates.k8s.io":               true,
	"ClusterRole.rbac.authorization.k8s.io":                       true,
	"ClusterRoleBinding.rbac.authorization.k8s.io":                true,
	"ClusterTrustBundle.certificates.k8s.io":                      true,
	"ComponentStatus":                                             true,
	"CSIDriver.storage.k8s.io":                                    true,
	"CSINode.storage.k8s.io":                                      true,
	"CustomResourceDefinition.apiextensions.k8s.io":               true,
	"DeviceClass.resource.k8s.io":                                 true,
	"DeviceTaintRule.resource.k8s.io":                             true,
	"FlowSchema.flowcontrol.apiserver.k8s.io":                     true,
	"IPAddress.networking.k8s.io":                                 true,
	"IngressClass.networking.k8s.io":                              true,
	"MutatingAdmissionPolicy.admissionregistration.k8s.io":        true,
	"MutatingAdmissionPolicyBinding.admissionregistration.k8s.io": true,
	"MutatingWebhookConfiguration.admissionregistration.k8s.io":   true,
	"Namespace":                       true,
	"Node":                            true,
	"PersistentVolume":                true,
	"PriorityClass.scheduling.k8s.io": true,
	"PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io":       true,
	"ResourceSlice.resource.k8s.io":                                 true,
	"RuntimeClass.node.k8s.io":                                      true,
	"SelfSubjectAccessReview.authorization.k8s.io":                  true,
	"SelfSubjectReview.authentication.k8s.io":                       true,
	"SelfSubjectRulesReview.authorization.k8s.io":                   true,
	"ServiceCIDR.networking.k8s.io":                                 true,
	"StorageClass.storage.k8s.io":                                   true,
	"StorageVersion.internal.apiserver.k8s.io":                      true,
	"StorageVersionMigration.storagemigration.k8s.io":               true,
	"SubjectAccessReview.authorization.k8s.io":                      true,
	"TokenReview.authentication.k8s.io":                             true,
	"ValidatingAdmissionPolicy.admissionregistration.k8s.io":        true,
	"ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io": true,
	"ValidatingWebhookConfiguration.admissionregistration.k8s.io":   true,
	"VolumeAttachment.storage.k8s.io":                               true,
	"VolumeAttributesClass.storage.k8s.io":                          true,
}

// Scope is where objects of a kind live.
type Scope int

// A kind's scope is unknown when neither the program's own CRDs nor the server name it.
const (
	ScopeUnknown Scope = iota
	ScopeNamespace
	ScopeCluster
)

// Scopes remembers the scope of kinds; CRDs of the program count before the server has them.
type Scopes struct {
	mu   sync.Mutex
	crds map[schema.GroupKind]Scope
}

// AddCRD remembers the kind that a CustomResourceDefinition defines; other objects define none.
func (s *Scopes) AddCRD(crd map[string]any) {
	if crd["kind"] != "CustomResourceDefinition" {
		return
	}
	spec, _ := crd["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	group, _ := spec["group"].(string)
	kind, _ := names["kind"].(string)
	if group == "" || kind == "" {
		return
	}
	scope := ScopeNamespace
	if spec["scope"] == "Cluster" {
		scope = ScopeCluster
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.crds == nil {
		s.crds = map[schema.GroupKind]Scope{}
	}
	s.crds[schema.GroupKind{Group: group, Kind: kind}] = scope
}

// Of finds the scope of a kind, without the server where that is possible. c may be nil.
func (s *Scopes) Of(ctx context.Context, c *Cluster, gvk schema.GroupVersionKind) Scope {
	if clusterWide[gvk.GroupKind().String()] {
		return ScopeCluster
	}
	if scheme.Scheme.Recognizes(gvk) {
		return ScopeNamespace
	}
	s.mu.Lock()
	scope, ok := s.crds[gvk.GroupKind()]
	s.mu.Unlock()
	if ok {
		return scope
	}
	if c == nil || c.Check(ctx) != nil {
		return ScopeUnknown
	}
	// Not looked up afresh: in a preview before the definitions are there, every object would ask.
	m, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return ScopeUnknown
	}
	if m.Scope.Name() == meta.RESTScopeNameNamespace {
		return ScopeNamespace
	}
	return ScopeCluster
}
