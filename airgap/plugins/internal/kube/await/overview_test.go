package await

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"bankmesh/airgap/plugins/internal/kube/cluster"
)

// A namespace with a Pod of each of two apps, and a warning about one.
const (
	podsAnswer = `{"apiVersion":"v1","kind":"PodList","metadata":{},"items":[%s,%s]}`
	podOf      = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"%[1]s-1","labels":{"app":"%[1]s"}},` +
		`"status":{"containerStatuses":[{"name":"app","state":{"waiting":{"reason":"ImagePullBackOff"}}}]}}`
	warning = `{"apiVersion":"v1","kind":"EventList","metadata":{},"items":[{"apiVersion":"v1","kind":"Event",` +
		`"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"users-1"},"reason":"Failed","message":"no such image"}]}`
)

func namespaceServer(t *testing.T, requests *atomic.Int32) *cluster.Cluster {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/events") {
			_, _ = fmt.Fprint(w, warning)
			return
		}
		_, _ = fmt.Fprintf(w, podsAnswer, fmt.Sprintf(podOf, "users"), fmt.Sprintf(podOf, "orders"))
	}))
	t.Cleanup(s.Close)
	c, err := cluster.New(&rest.Config{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func deploymentOf(app string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": app, "namespace": "bank"},
		"spec":     map[string]any{"selector": map[string]any{"matchLabels": map[string]any{"app": app}}},
	}}
}

func TestWorkloadsOfANamespaceShareOneLook(t *testing.T) {
	var requests atomic.Int32
	c := namespaceServer(t, &requests)
	for _, app := range []string{"users", "orders", "users"} {
		reasons := strings.Join(diagnose(t.Context(), c, deploymentOf(app), time.Minute), "\n")
		other := map[string]string{"users": "orders", "orders": "users"}[app]
		if !strings.Contains(reasons, "Pod "+app+"-1, container app: ImagePullBackOff") || strings.Contains(reasons, other) {
			t.Errorf("reasons of %s: %s", app, reasons)
		}
		if strings.Contains(reasons, "no such image") != (app == "users") {
			t.Errorf("warnings of %s: %s", app, reasons)
		}
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("%d requests for three looks, not 2", n)
	}
}

func TestTheLastLookIsAFreshOne(t *testing.T) {
	var requests atomic.Int32
	c := namespaceServer(t, &requests)
	diagnose(t.Context(), c, deploymentOf("users"), time.Minute)
	diagnose(t.Context(), c, deploymentOf("users"), 0)
	if n := requests.Load(); n != 4 {
		t.Errorf("%d requests for two looks, not 4", n)
	}
}

func TestManyLastLooksAtOnceShareThoseThatBeganSince(t *testing.T) {
	var requests atomic.Int32
	c := namespaceServer(t, &requests)
	const workloads = 20
	reasons := make(chan []string, workloads)
	for range workloads {
		go func() { reasons <- diagnose(context.Background(), c, deploymentOf("users"), 0) }()
	}
	for range workloads {
		if len(<-reasons) == 0 {
			t.Error("a workload got no reasons")
		}
	}
	if n := requests.Load(); n >= 2*workloads {
		t.Errorf("%d requests for %d looks at once", n, workloads)
	}
}

func TestALookEndsWithTheWait(t *testing.T) {
	var requests atomic.Int32
	c := namespaceServer(t, &requests)
	diagnose(t.Context(), c, deploymentOf("users"), 0)
	shared, _ := overviews.Load(overviewKey{c, "bank"})
	shared.(*overview).turn <- struct{}{} // somebody else looks, and does not come back
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got := diagnose(ctx, c, deploymentOf("users"), 0); got != nil {
		t.Errorf("got %v", got)
	}
}
