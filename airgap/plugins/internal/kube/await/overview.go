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

// look is what a namespace's Pods and warnings were at one moment.
type look struct {
	begun    time.Time
	pods     []unstructured.Unstructured
	warnings []unstructured.Unstructured
}

// overview is the last look at a namespace. All workloads of a namespace share it: events are not
// cached by the API server, which would read each of them for each workload that waits; fifty that
// start together make hundreds.
type overview struct {
	// turn is held by the one who looks.
	turn chan struct{}
	last *look
}

type overviewKey struct {
	cluster   *cluster.Cluster
	namespace string
}

var overviews sync.Map // of overviewKey to *overview

// overviewOf looks at a namespace, unless a look will do that began at most maxAge ago, or since
// this was called. It is nil when the API server does not answer or ctx ends.
func overviewOf(ctx context.Context, c *cluster.Cluster, namespace string, maxAge time.Duration) *look {
	asked := time.Now()
	shared, _ := overviews.LoadOrStore(overviewKey{c, namespace}, &overview{turn: make(chan struct{}, 1)})
	o := shared.(*overview)
	select {
	case o.turn <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	defer func() { <-o.turn }()
	if o.last != nil && asked.Sub(o.last.begun) <= maxAge {
		return o.last
	}
	l := &look{begun: time.Now()}
	pods, err := c.Resource("", "v1", "pods", namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	l.pods = pods.Items
	warnings, err := c.Resource("", "v1", "events", namespace).
		List(ctx, metav1.ListOptions{FieldSelector: "type=Warning"})
	if err != nil {
		return l // half a look is for the one who took it
	}
	l.warnings = warnings.Items
	o.last = l
	return l
}

// podsOf picks the Pods that a workload selects.
func (o *look) podsOf(u *unstructured.Unstructured) []unstructured.Unstructured {
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
