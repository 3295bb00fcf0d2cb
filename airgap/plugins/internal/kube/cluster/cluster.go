// Package cluster talks to one Kubernetes API server: which resource serves a kind, whether it
// is namespaced, and whether the server answers at all.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

const (
	// probeTimeout bounds how long an operation waits to learn that nothing answers.
	probeTimeout = 15 * time.Second
	// probeAgain is how long a failed probe is believed.
	probeAgain = 30 * time.Second
)

// Cluster is one API server. The zero value is a cluster that cannot be reached.
type Cluster struct {
	// Reason says why there is no client, as when the kubeconfig cannot be parsed.
	Reason error

	config  *rest.Config
	dynamic dynamic.Interface
	cached  discovery.CachedDiscoveryInterface
	mapper  *restmapper.DeferredDiscoveryRESTMapper

	mu       sync.Mutex
	answered bool
	failed   error
	failedAt time.Time
}

// New prepares the clients; it sends nothing.
func New(cfg *rest.Config) (*Cluster, error) {
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, err
	}
	return newWithClient(cfg, client)
}

func newWithClient(cfg *rest.Config, client *http.Client) (*Cluster, error) {
	dyn, err := dynamic.NewForConfigAndClient(cfg, client)
	if err != nil {
		return nil, err
	}
	disco, err := discovery.NewDiscoveryClientForConfigAndClient(cfg, client)
	if err != nil {
		return nil, err
	}
	cached := memory.NewMemCacheClient(disco)
	return &Cluster{
		config: cfg, dynamic: dyn, cached: cached,
		mapper: restmapper.NewDeferredDiscoveryRESTMapper(cached),
	}, nil
}

// Unreachable is a cluster without clients, for the given reason.
func Unreachable(reason error) *Cluster { return &Cluster{Reason: reason} }

// UnreachableError says that no API server answers.
type UnreachableError struct{ Reason error }

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("configured Kubernetes cluster is unreachable: %v", e.Reason)
}

func (e *UnreachableError) Unwrap() error { return e.Reason }

// IsUnreachable says whether an error came from a cluster that does not answer.
func IsUnreachable(err error) bool {
	var u *UnreachableError
	return errors.As(err, &u)
}

// Check returns an UnreachableError unless the API server answers. The answer is remembered; a
// failure only for a while, because the server may be coming up.
func (c *Cluster) Check(ctx context.Context) error {
	if c.Reason != nil {
		return &UnreachableError{c.Reason}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answered {
		return nil
	}
	if c.failed != nil && time.Since(c.failedAt) < probeAgain {
		return &UnreachableError{c.failed}
	}
	bounded, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if err := c.cached.RESTClient().Get().AbsPath("/version").Do(bounded).Error(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err() // says nothing about the server
		}
		c.failed, c.failedAt = err, time.Now()
		return &UnreachableError{err}
	}
	c.answered = true
	return nil
}

// Config is nil when there is no client.
func (c *Cluster) Config() *rest.Config { return c.config }

// Discovery is nil when there is no client.
func (c *Cluster) Discovery() discovery.CachedDiscoveryInterface {
	if c.cached == nil {
		return nil
	}
	return c.cached
}

// Reset forgets what kinds the server knows, as after a CRD came or went.
func (c *Cluster) Reset() {
	if c.mapper != nil {
		c.mapper.Reset()
	}
}

// Mapping finds the resource that serves a kind. An unknown kind is looked up afresh once.
func (c *Cluster) Mapping(gvk schema.GroupVersionKind) (*meta.RESTMapping, error) {
	if c.mapper == nil {
		return nil, &UnreachableError{c.Reason}
	}
	m, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		c.mapper.Reset()
		m, err = c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	return m, err
}

// Client gives the interface for one object. Namespaced objects without a namespace are in
// "default"; a namespace on a cluster-wide object is dropped.
func (c *Cluster) Client(u *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	m, err := c.Mapping(u.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	if m.Scope.Name() != meta.RESTScopeNameNamespace {
		if u.GetNamespace() != "" {
			u.SetNamespace("")
		}
		return c.dynamic.Resource(m.Resource), nil
	}
	if u.GetNamespace() == "" {
		u.SetNamespace("default")
	}
	return c.dynamic.Resource(m.Resource).Namespace(u.GetNamespace()), nil
}

// Resource gives the interface for a built-in resource in a namespace ("" for cluster-wide ones).
func (c *Cluster) Resource(group, version, resource, namespace string) dynamic.ResourceInterface {
	r := c.dynamic.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: resource})
	if namespace == "" {
		return r
	}
	return r.Namespace(namespace)
}
