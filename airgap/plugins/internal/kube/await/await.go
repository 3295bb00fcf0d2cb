package await

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"bankmesh/airgap/plugins/internal/kube/cluster"
)

// Annotations that steer waiting.
const (
	SkipAwait      = "pulumi.com/skipAwait"
	WaitFor        = "pulumi.com/waitFor"
	TimeoutSeconds = "pulumi.com/timeoutSeconds"
)

const (
	defaultTimeout = 10 * time.Minute
	// diagnoseEvery is how often a workload that is not ready is asked for reasons.
	diagnoseEvery = 10 * time.Second
	// lastLook bounds the requests made after an operation was cancelled or timed out.
	lastLook = 5 * time.Second
)

// Target is an object to wait for.
type Target struct {
	Cluster *cluster.Cluster
	Client  dynamic.ResourceInterface
	// Object is what the API server answered when it was applied.
	Object *unstructured.Unstructured
	// Annotations are those of the program's inputs.
	Annotations map[string]string
	// Timeout is the resource option customTimeouts, or 0.
	Timeout time.Duration
	// Status shows progress beside the resource; "" clears it.
	Status func(message string)
	// Warn shows a line that stays.
	Warn func(message string)

	// once: look at the present state, do not wait.
	once bool
}

// NotReadyError says that an object exists but did not become ready.
type NotReadyError struct {
	Live    *unstructured.Unstructured
	Reasons []string
}

func (e *NotReadyError) Error() string { return strings.Join(e.Reasons, "; ") }

func (t *Target) timeout() time.Duration {
	if t.Timeout > 0 {
		return t.Timeout
	}
	if s, err := strconv.Atoi(t.Annotations[TimeoutSeconds]); err == nil && s > 0 {
		return time.Duration(s) * time.Second
	}
	if r, ok := rules[t.Object.GroupVersionKind().GroupKind().String()]; ok && r.timeout > 0 {
		return r.timeout
	}
	return defaultTimeout
}

// Ready waits until the object is ready by the rules of its kind, or by its waitFor annotation,
// and returns its live state. When it does not become ready, the error is a NotReadyError.
func Ready(ctx context.Context, t *Target) (*unstructured.Unstructured, error) {
	check, err := t.check()
	if err != nil {
		return t.Object, &NotReadyError{t.Object, []string{err.Error()}}
	}
	if check == nil {
		return t.Object, nil
	}
	limit := t.timeout()
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	if t.readyAlready(bounded, check) {
		t.Status("")
		return t.Object, nil
	}
	stop := t.diagnoseWhileWaiting(bounded)
	live, said := t.Object, ""
	err = watchOne(bounded, t.Client, t.Object.GetName(), func(u *unstructured.Unstructured) (bool, error) {
		if u == nil || u.GetUID() != t.Object.GetUID() {
			return false, errors.New("it was deleted while it was being waited for")
		}
		live = u
		v := check(bounded, u)
		if v.message != "" && v.message != said {
			said = v.message
			t.Status(said)
		}
		return v.ready, v.failure
	})
	stop()
	t.Status("")
	if err == nil {
		return live, nil
	}
	return live, t.notReady(ctx, live, err, said, limit)
}

// readyAlready takes one look, which saves a watch for what is ready at once.
func (t *Target) readyAlready(ctx context.Context, check checkFunc) bool {
	t.once = true
	defer func() { t.once = false }()
	return check(ctx, t.Object).ready
}

// notReady gathers the reasons why waiting ended without success.
func (t *Target) notReady(
	ctx context.Context, live *unstructured.Unstructured, err error, said string, limit time.Duration,
) error {
	name := live.GetKind() + " " + fullName(live)
	var first string
	switch {
	case ctx.Err() != nil:
		first = fmt.Sprintf("the operation was cancelled while waiting for %s", name)
	case errors.Is(err, context.DeadlineExceeded):
		first = fmt.Sprintf("timed out after %s waiting for %s to be ready", limit, name)
	default:
		first = fmt.Sprintf("%s is not ready: %v", name, err)
	}
	if said != "" {
		first += " (" + strings.TrimSpace(said) + ")"
	}
	look, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	return &NotReadyError{live, append([]string{first}, diagnose(look, t.Cluster, live, 0)...)}
}

// ReadyNow says whether a live object is ready at this moment; it does not wait. Only kinds whose
// readiness the official plugin looks at on a read are judged.
func ReadyNow(ctx context.Context, t *Target) error {
	r, ok := rules[t.Object.GroupVersionKind().GroupKind().String()]
	if !ok || !r.onRead || t.Annotations[SkipAwait] == "true" {
		return nil
	}
	t.once = true
	if v := r.check(t)(ctx, t.Object); !v.ready {
		return t.notReady(ctx, t.Object, errors.New("it was not when its state was read"), v.message, 0)
	}
	return nil
}

// check picks what to wait for; nil means nothing.
func (t *Target) check() (checkFunc, error) {
	if t.Annotations[SkipAwait] == "true" {
		return nil, nil
	}
	if expr := t.Annotations[WaitFor]; expr != "" {
		return parseWaitFor(expr)
	}
	if r, ok := rules[t.Object.GroupVersionKind().GroupKind().String()]; ok {
		return r.check(t), nil
	}
	if os.Getenv("PULUMI_K8S_AWAIT_ALL") == "true" {
		return generic, nil
	}
	return nil, nil
}

// diagnoseWhileWaiting shows every few seconds why a workload's pods are not ready.
func (t *Target) diagnoseWhileWaiting(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(diagnoseEvery)
		defer tick.Stop()
		shown := map[string]bool{}
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				for _, reason := range diagnose(ctx, t.Cluster, t.Object, diagnoseEvery/2) {
					if !shown[reason] {
						shown[reason] = true
						t.Warn(reason)
					}
				}
			}
		}
	}()
	return func() { cancel(); <-done }
}

// Deleted waits until the object with this UID is gone.
func Deleted(ctx context.Context, t *Target) error {
	limit := t.timeout()
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	live := t.Object
	err := watchOne(bounded, t.Client, t.Object.GetName(), func(u *unstructured.Unstructured) (bool, error) {
		if u == nil || u.GetUID() != t.Object.GetUID() {
			return true, nil
		}
		live = u
		t.Status(stillThere(u))
		return false, nil
	})
	t.Status("")
	if err == nil || apierrors.IsNotFound(err) {
		return nil
	}
	look, stop := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer stop()
	if now, getErr := t.Client.Get(look, live.GetName(), metav1.GetOptions{}); getErr == nil {
		live = now
	} else if apierrors.IsNotFound(getErr) {
		return nil
	}
	name := live.GetKind() + " " + fullName(live)
	reasons := []string{fmt.Sprintf("deletion of %s did not finish: %v", name, err)}
	switch {
	case ctx.Err() != nil:
		reasons[0] = fmt.Sprintf("the operation was cancelled while %s was being deleted", name)
	case errors.Is(err, context.DeadlineExceeded):
		reasons[0] = fmt.Sprintf("timed out after %s waiting for %s to be deleted", limit, name)
	}
	if f := live.GetFinalizers(); len(f) > 0 {
		reasons = append(reasons, fmt.Sprintf("finalizers may be holding it back: %s", strings.Join(f, ", ")))
	}
	return &NotReadyError{live, reasons}
}

func stillThere(u *unstructured.Unstructured) string {
	if u.GetKind() == "Namespace" {
		if m := conditionMessage(u, "NamespaceContentRemaining"); m != "" {
			return "Waiting for deletion: " + m
		}
	}
	return "Waiting for deletion"
}

func fullName(u *unstructured.Unstructured) string {
	if u.GetNamespace() == "" {
		return u.GetName()
	}
	return u.GetNamespace() + "/" + u.GetName()
}
