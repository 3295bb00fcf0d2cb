// Package await waits until the cluster has done what an operation asked for: a workload is
// ready, a condition holds, an object is gone. It watches; it does not poll.
package await

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// retryPause is waited after the API server refused a list or watch, as while it restarts.
const retryPause = 500 * time.Millisecond

// giveUpAfter is how long an API server may answer nothing before waiting ends: a restart takes
// less, and a cluster that was deleted never comes back.
var giveUpAfter = 30 * time.Second

type objects = map[string]*unstructured.Unstructured

// watchAll calls see with every state of the selected objects until see is done, fails, or ctx
// ends. A watch that breaks is begun anew from a fresh list.
func watchAll(
	ctx context.Context, client dynamic.ResourceInterface, opts metav1.ListOptions,
	see func(objects) (bool, error),
) error {
	answered := time.Now()
	for {
		done, err := watchOnce(ctx, client, opts, func(all objects) (bool, error) {
			answered = time.Now()
			return see(all)
		})
		switch {
		case done || (err != nil && !transient(err)):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			continue
		case time.Since(answered) > giveUpAfter:
			return fmt.Errorf("the API server has not answered for %s: %w", giveUpAfter, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryPause):
		}
	}
}

func watchOnce(
	ctx context.Context, client dynamic.ResourceInterface, opts metav1.ListOptions,
	see func(objects) (bool, error),
) (bool, error) {
	list, err := client.List(ctx, opts)
	if err != nil {
		return false, &requestError{err}
	}
	seen := objects{}
	for i := range list.Items {
		seen[list.Items[i].GetName()] = &list.Items[i]
	}
	if done, err := see(seen); done || err != nil {
		return done, err
	}
	opts.ResourceVersion = list.GetResourceVersion()
	w, err := client.Watch(ctx, opts)
	if err != nil {
		return false, &requestError{err}
	}
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case e, open := <-w.ResultChan():
			if !open {
				return false, nil
			}
			u, ok := e.Object.(*unstructured.Unstructured)
			if e.Type == watch.Error || !ok {
				return false, &requestError{apierrors.FromObject(e.Object)}
			}
			switch e.Type {
			case watch.Added, watch.Modified:
				seen[u.GetName()] = u
			case watch.Deleted:
				delete(seen, u.GetName())
			default:
				continue
			}
			if done, err := see(seen); done || err != nil {
				return done, err
			}
		}
	}
}

// watchOne is watchAll for a single object, which is nil while it does not exist.
func watchOne(
	ctx context.Context, client dynamic.ResourceInterface, name string,
	see func(*unstructured.Unstructured) (bool, error),
) error {
	opts := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", name).String()}
	return watchAll(ctx, client, opts, func(all objects) (bool, error) { return see(all[name]) })
}

// requestError is an answer of the API server to a list or watch, not a verdict of see.
type requestError struct{ error }

func (e *requestError) Unwrap() error { return e.error }

// transient says whether asking again may help.
func transient(err error) bool {
	var r *requestError
	if !errors.As(err, &r) {
		return false
	}
	return !apierrors.IsForbidden(r.error) && !apierrors.IsUnauthorized(r.error) &&
		!apierrors.IsNotFound(r.error) && !apierrors.IsMethodNotSupported(r.error)
}
