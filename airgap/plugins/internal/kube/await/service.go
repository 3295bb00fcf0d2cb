package await

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

const noPods = "Service does not target any Pods. Selected Pods may not be ready, or field " +
	"'.spec.selector' may not match labels on any Pods"

// service is ready when it has a ready endpoint and, as a load balancer, an address. Services
// without a selector, headless and external ones get no endpoints from Kubernetes.
func service(t *Target) checkFunc {
	targeted := false
	return func(ctx context.Context, u *unstructured.Unstructured) verdict {
		if !targeted && targetsPods(u) {
			t.Status("[1/3] Finding Pods to direct traffic to")
			var err error
			if targeted, err = t.hasEndpoint(ctx, u); err != nil {
				return verdict{failure: err, message: "[1/3] " + noPods}
			}
			if !targeted {
				return verdict{message: noPods}
			}
		}
		if text(u, "spec", "type") == "LoadBalancer" {
			if v := loadBalanced(u); !v.ready {
				return verdict{message: "[2/3] Attempting to allocate IP address to Service"}
			}
		}
		return verdict{ready: true}
	}
}

func targetsPods(u *unstructured.Unstructured) bool {
	selector, _, _ := unstructured.NestedMap(u.Object, "spec", "selector")
	return len(selector) > 0 && text(u, "spec", "type") != "ExternalName" &&
		text(u, "spec", "clusterIP") != "None"
}

// hasEndpoint waits for a ready endpoint; on a read it only looks.
func (t *Target) hasEndpoint(ctx context.Context, svc *unstructured.Unstructured) (bool, error) {
	slices := t.Cluster.Resource("discovery.k8s.io", "v1", "endpointslices", svc.GetNamespace())
	opts := metav1.ListOptions{
		LabelSelector: labels.Set{"kubernetes.io/service-name": svc.GetName()}.String(),
	}
	found := false
	err := watchAll(ctx, slices, opts, func(all objects) (bool, error) {
		for _, s := range all {
			found = found || hasReadyEndpoint(s)
		}
		return found || t.once, nil
	})
	return found, err
}

func hasReadyEndpoint(slice *unstructured.Unstructured) bool {
	all, _, _ := unstructured.NestedSlice(slice.Object, "endpoints")
	for _, e := range all {
		m, _ := e.(map[string]any)
		addresses, _ := m["addresses"].([]any)
		conditions, _ := m["conditions"].(map[string]any)
		if ready, known := conditions["ready"].(bool); len(addresses) > 0 && (ready || !known) {
			return true
		}
	}
	return false
}
