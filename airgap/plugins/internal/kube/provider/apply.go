package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"bankmesh/airgap/plugins/internal/kube/await"
	"bankmesh/airgap/plugins/internal/kube/object"
)

// managerPrefix begins the names under which the fields of each resource are applied.
const managerPrefix = "pulumi-kubernetes-"

// Annotations that steer how an object is applied.
const (
	patchForce        = "pulumi.com/patchForce"
	patchFieldManager = "pulumi.com/patchFieldManager"
)

var getOptions = metav1.GetOptions{}

// fieldManager is the name under which an object's fields are owned: the program's, the one it
// was created with, or a new one. One name for create and update is what makes a field that the
// program drops go from the cluster.
func fieldManager(inputs object.Object, old string) (string, error) {
	if m := annotation(inputs, patchFieldManager); m != "" {
		return m, nil
	}
	if old != "" {
		return old, nil
	}
	return resource.NewUniqueHex(managerPrefix, 8, 0)
}

// managerOf is the name under which a run that ended before it could say so applied the object; "" when none did.
func managerOf(live *unstructured.Unstructured) string {
	for _, e := range live.GetManagedFields() {
		if strings.HasPrefix(e.Manager, managerPrefix) && isOurs(e, e.Manager) {
			return e.Manager
		}
	}
	return ""
}

// forced says whether fields of other managers are taken over without asking.
func (s *Server) forced(inputs object.Object) bool {
	return annotation(inputs, patchForce) == "true" || s.config.patchForce ||
		os.Getenv("PULUMI_K8S_ENABLE_PATCH_FORCE") == "true"
}

// apply is one server-side apply.
func apply(
	ctx context.Context, client dynamic.ResourceInterface, inputs *unstructured.Unstructured,
	manager string, force bool,
) (*unstructured.Unstructured, error) {
	data, err := json.Marshal(inputs.Object)
	if err != nil {
		return nil, err
	}
	out, err := client.Patch(ctx, inputs.GetName(), types.ApplyPatchType, data, metav1.PatchOptions{
		FieldManager: manager, Force: &force, FieldValidation: metav1.FieldValidationWarn,
	})
	if apierrors.IsConflict(err) {
		return nil, conflict(inputs, manager, err)
	}
	return out, err
}

// conflict names the fields that someone else owns, and the ways out.
func conflict(inputs *unstructured.Unstructured, manager string, err error) error {
	var lines []string
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Details != nil {
		for _, c := range status.Status().Details.Causes {
			lines = append(lines, fmt.Sprintf("%s: %s", strings.TrimPrefix(c.Field, "."), c.Message))
		}
	}
	return fmt.Errorf("Server-Side Apply field conflict detected: %s %s, managed by %q, has fields that "+ //nolint:staticcheck // shown to users
		"another field manager owns with other values:\n  %s\nLeave them out of the program, list them in "+
		"ignoreChanges, or take them over with the annotation %s: \"true\": %w",
		inputs.GetKind(), idOf(inputs), manager, strings.Join(lines, "\n  "), patchForce, err)
}

// retried repeats a request whose object's kind or namespace is not there yet: those made in the
// same run may take a moment to be served.
func (s *Server) retried(ctx context.Context, urn string, try func() error) error {
	pause := 100 * time.Millisecond
	for {
		err := try()
		if err == nil || !maybeEarly(err) || pause > 8*time.Second {
			return err
		}
		s.engine.Status(urn, fmt.Sprintf("Retrying in %s: %v", pause, err))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause *= 2
	}
}

func maybeEarly(err error) bool {
	switch {
	case meta.IsNoMatchError(err), apierrors.IsNotFound(err):
		return true
	case apierrors.IsForbidden(err):
		// Admission of a Pod in a namespace whose default ServiceAccount is being made.
		return strings.Contains(err.Error(), "error looking up service account")
	}
	return false
}

// target is an object to wait for on behalf of a resource.
func (s *Server) target(
	urn resource.URN, inputs object.Object, client dynamic.ResourceInterface,
	live *unstructured.Unstructured, timeout float64,
) *await.Target {
	return &await.Target{
		Cluster: s.cluster, Client: client, Object: live, Annotations: annotations(inputs),
		Timeout: time.Duration(timeout * float64(time.Second)),
		Status:  func(m string) { s.engine.Status(string(urn), m) },
		Warn:    func(m string) { s.engine.Warn(string(urn), m) },
	}
}

func (s *Server) readyNow(
	ctx context.Context, urn resource.URN, inputs object.Object, client dynamic.ResourceInterface,
	live *unstructured.Unstructured,
) error {
	t := s.target(urn, inputs, client, live, 0)
	t.Status, t.Warn = func(string) {}, func(string) {}
	return await.ReadyNow(ctx, t)
}

// partial reports an object that exists, with its live state, but is not as it should be: nothing
// is lost from the stack's state, and the next run goes on from there.
func partial(id, text string, err error, state, inputs *structpb.Struct) error {
	reasons := []string{err.Error()}
	var notReady *await.NotReadyError
	if errors.As(err, &notReady) {
		reasons = notReady.Reasons
	}
	return rpcerror.WithDetails(rpcerror.New(codes.Unknown, text), &pulumirpc.ErrorResourceInitFailed{
		Id: id, Properties: state, Reasons: reasons, Inputs: inputs,
	})
}

func noSuchKind(urn resource.URN, what string, u *unstructured.Unstructured, err error) error {
	return fmt.Errorf("%s of resource %q with kind %s failed because the Kubernetes API server "+
		"reported that the apiVersion for this resource does not exist. "+
		"Verify that any required CRDs have been created: %w",
		what, urn, u.GetAPIVersion()+"/"+u.GetKind(), err)
}
