package await

import (
	"context"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"bankmesh/airgap/plugins/internal/kube/cluster"
)

// overview is what a namespace's Pods and warnings were at one moment. All workloads of a namespace
// share it: events are not cached by the API server, which would read each of them for each
// workload that waits; fifty that start together make hundreds.
type overview struct {
	mutex    sync.Mutex
	at       time.Time
	pods     []unstructured.Unstructured
	warnings []unstructured.Unstructured
}

type overviewKey struct {
	cluster   *cluster.Cluster
	namespace string
}

var overviews sync.Map // of overviewKey to *overview

// overviewOf looks at a namespace, unless somebody did so within maxAge. It is nil when the API
// server does not answer.
func overviewOf(ctx context.Context, c *cluster.Cluster, namespace string, maxAge time.Duration) *overview {
	shared, _ := overviews.LoadOrStore(overviewKey{c, namespace}, &overview{})
	o := shared.(*overview)
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if maxAge > 0 && time.Since(o.at) < maxAge {
		return &overview{at: o.at, pods: o.pods, warnings: o.warnings}
	}
	pods, err := c.Resource("", "v1", "pods", namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	warnings, err := c.Resource("", "v1", "events", namespace).
		List(ctx, metav1.ListOptions{FieldSelector: "type=Warning"})
	if err != nil {
		warnings = &unstructured.UnstructuredList{}
	}
	o.at, o.pods, o.warnings = time.Now(), pods.Items, warnings.Items
	return &overview{at: o.at, pods: o.pods, warnings: o.warnings}
}

// podsOf picks the Pods that a workload selects.
func (o *overview) podsOf(u *unstructured.Unstructured) []unstructured.Unstructured {
	selector, err := selectorOf(u)
	if err != nil || selector.Empty() {
		return nil
	}
	var own []unstructured.Unstructured
	for i := range o.pods {
		if selector.Matches(labels.Set(o.pods[i].GetLabels())) {
			own = append(own, o.pods[i])
		}
	}
	return own
}
