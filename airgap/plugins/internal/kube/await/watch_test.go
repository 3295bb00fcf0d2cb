package await

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

const pod1 = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","uid":"1","resourceVersion":"%d"},"status":{"phase":%q}}`

// server answers lists with phase Pending, and watches by the given function.
func server(t *testing.T, lists *atomic.Int32, watch func(http.ResponseWriter)) dynamic.ResourceInterface {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("watch") == "true" {
			watch(w)
			return
		}
		lists.Add(1)
		_, _ = fmt.Fprintf(w, `{"apiVersion":"v1","kind":"PodList","metadata":{"resourceVersion":"5"},"items":[`+pod1+`]}`, 5, "Pending")
	}))
	t.Cleanup(s.Close)
	return clientFor(t, s.URL)
}

func clientFor(t *testing.T, url string) dynamic.ResourceInterface {
	t.Helper()
	d, err := dynamic.NewForConfig(&rest.Config{Host: url})
	if err != nil {
		t.Fatal(err)
	}
	return d.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Namespace("default")
}

func until(phase string) func(*unstructured.Unstructured) (bool, error) {
	return func(u *unstructured.Unstructured) (bool, error) {
		return u != nil && text(u, "status", "phase") == phase, nil
	}
}

func TestWatchBeginsAnewWhenItBreaks(t *testing.T) {
	var lists atomic.Int32
	client := server(t, &lists, func(w http.ResponseWriter) {
		if lists.Load() < 3 {
			return // closed at once
		}
		_, _ = fmt.Fprintf(w, `{"type":"MODIFIED","object":`+pod1+`}`, 9, "Running")
	})
	if err := watchOne(t.Context(), client, "x", until("Running")); err != nil || lists.Load() != 3 {
		t.Fatalf("%v after %d lists", err, lists.Load())
	}
}

func TestWatchSeesDeletionAndVerdicts(t *testing.T) {
	var lists atomic.Int32
	client := server(t, &lists, func(w http.ResponseWriter) {
		_, _ = fmt.Fprintf(w, `{"type":"DELETED","object":`+pod1+`}`, 9, "Pending")
	})
	err := watchOne(t.Context(), client, "x", func(u *unstructured.Unstructured) (bool, error) { return u == nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err = watchOne(t.Context(), client, "x", func(*unstructured.Unstructured) (bool, error) { return false, broken })
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
}

func TestWatchEndsWithItsContextAndWithADeadServer(t *testing.T) {
	var lists atomic.Int32
	client := server(t, &lists, func(w http.ResponseWriter) {
		w.(http.Flusher).Flush()
		time.Sleep(500 * time.Millisecond)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := watchOne(ctx, client, "x", until("Running")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	before := giveUpAfter
	giveUpAfter = 100 * time.Millisecond
	t.Cleanup(func() { giveUpAfter = before })
	err := watchOne(t.Context(), clientFor(t, "http://127.0.0.1:1"), "x", until("Running"))
	if err == nil || !strings.Contains(err.Error(), "has not answered") {
		t.Fatal(err)
	}
}
