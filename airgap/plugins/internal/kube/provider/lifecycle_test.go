package provider

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"bankmesh/airgap/plugins/internal/kube/kubetest"
)

func echo(namespace string, replicas int) map[string]any {
	labels := map[string]any{"app": "echo"}
	return map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "echo", "namespace": namespace, "annotations": map[string]any{}},
		"spec": map[string]any{
			"replicas": replicas, "selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec": map[string]any{"containers": []any{map[string]any{
					"name": "echo", "image": "bankmesh.local/echo:1", "env": []any{},
					"resources": map[string]any{"requests": map[string]any{"cpu": "0.005"}},
				}}},
			},
		},
	}
}

func serviceFor(namespace string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": "echo", "namespace": namespace},
		"spec": map[string]any{"selector": map[string]any{"app": "echo"}, "ports": []any{map[string]any{"port": 80, "targetPort": 8080}}},
	}
}

// initFailed gives the reasons and the ID of an object that exists but did not become ready.
func initFailed(t *testing.T, err error) *pulumirpc.ErrorResourceInitFailed {
	t.Helper()
	var rpcErr *rpcerror.Error
	if !errors.As(rpcerror.Convert(err), &rpcErr) || err == nil {
		t.Fatalf("got %v", err)
	}
	for _, d := range rpcerror.Convert(err).Details() {
		if f, ok := d.(*pulumirpc.ErrorResourceInitFailed); ok {
			return f
		}
	}
	t.Fatalf("the error carries no partial state: %v", err)
	return nil
}

func TestWorkloadLifecycle(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	c.RunPods(t, ns)
	d, svc := on(t, s, "kubernetes:apps/v1:Deployment", "echo"), on(t, s, "kubernetes:core/v1:Service", "echo")
	d.create(props(echo(ns, 2)))
	svc.create(props(serviceFor(ns)))
	if d.id != ns+"/echo" {
		t.Errorf("ID %q", d.id)
	}
	now, err := c.Client.AppsV1().Deployments(ns).Get(t.Context(), "echo", metav1.GetOptions{})
	if err != nil || now.Status.AvailableReplicas != 2 {
		t.Errorf("create returned before the Pods were available: %v, %v", now.Status, err)
	}
	for _, b := range []*bench{d, svc} {
		b.refresh()
	}
	d.unchanged(props(echo(ns, 2))) // neither defaults nor status are drift
	svc.unchanged(props(serviceFor(ns)))

	d.update(props(echo(ns, 3)))
	again := props(echo(ns, 3))
	again["spec"].ObjectValue()["selector"].ObjectValue()["matchLabels"].ObjectValue()["x"] = resource.NewProperty("y")
	diff := d.diff(again)
	if len(diff.GetReplaces()) != 1 || diff.GetReplaces()[0] != "spec.selector.matchLabels.x" || !diff.GetDeleteBeforeReplace() {
		t.Errorf("a changed selector gives %v, delete before replace %v", diff.GetReplaces(), diff.GetDeleteBeforeReplace())
	}
	svc.delete()
	d.delete()
	if _, err := c.Client.AppsV1().Deployments(ns).Get(t.Context(), "echo", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("delete returned before the Deployment was gone: %v", err)
	}
}

func TestReadinessIsWaitedForAndReasonsAreTold(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	in := echo(ns, 1)
	in["metadata"].(map[string]any)["annotations"] = map[string]any{"pulumi.com/timeoutSeconds": "3"}
	b := on(t, s, "kubernetes:apps/v1:Deployment", "echo")
	go failPulls(t, c, ns)
	failure := initFailed(t, b.tryCreate(t.Context(), props(in)))
	text := strings.Join(failure.GetReasons(), "\n")
	for _, part := range []string{"timed out after 3s", "0/1", "ImagePullBackOff", "no such image"} {
		if !strings.Contains(text, part) {
			t.Errorf("the reasons lack %q:\n%s", part, text)
		}
	}
	if failure.GetId() != ns+"/echo" || fromRPC(t, failure.GetProperties())["status"].IsNull() {
		t.Errorf("partial state: %v", failure.GetId())
	}
	// A refresh says so too, and keeps the state.
	b.id, b.inputs, b.outputs = failure.GetId(), b.check(props(in)), fromRPC(t, failure.GetProperties())
	_, err := s.Read(t.Context(), &pulumirpc.ReadRequest{
		Urn: b.urn, Id: b.id, Properties: rpc(t, b.outputs), Inputs: rpc(t, b.inputs),
	})
	if f := initFailed(t, err); f.GetInputs() == nil {
		t.Error("a refresh of an unready Deployment loses its inputs")
	}
}

func failPulls(t *testing.T, c *kubetest.Cluster, ns string) {
	patch := []byte(`{"status":{"containerStatuses":[{"name":"echo","image":"x","imageID":"","ready":false,` +
		`"restartCount":0,"state":{"waiting":{"reason":"ImagePullBackOff","message":"no such image"}}}]}}`)
	for range 50 {
		pods, err := c.Client.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
		if err == nil && len(pods.Items) > 0 {
			_, _ = c.Client.CoreV1().Pods(ns).Patch(t.Context(), pods.Items[0].Name, types.MergePatchType, patch,
				metav1.PatchOptions{}, "status")
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestCancelReturnsPartialStateAtOnce(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	b := on(t, s, "kubernetes:apps/v1:Deployment", "echo")
	time.AfterFunc(1500*time.Millisecond, func() { _, _ = s.Cancel(context.Background(), &emptypb.Empty{}) })
	began := time.Now()
	failure := initFailed(t, b.tryCreate(t.Context(), props(echo(ns, 1))))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("cancelling took %s", took)
	}
	if failure.GetId() != ns+"/echo" || !strings.Contains(failure.GetReasons()[0], "cancelled") {
		t.Errorf("%v", failure.GetReasons())
	}
}

func TestServiceWaitsForEndpointsUnlessToldNotTo(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	in := serviceFor(ns)
	in["metadata"].(map[string]any)["annotations"] = map[string]any{"pulumi.com/timeoutSeconds": "5"}
	b := on(t, s, "kubernetes:core/v1:Service", "echo")
	failure := initFailed(t, b.tryCreate(t.Context(), props(in)))
	if text := strings.Join(failure.GetReasons(), "\n"); !strings.Contains(text, "does not target any Pods") {
		t.Error(text)
	}
	if err := c.Client.CoreV1().Services(ns).Delete(t.Context(), "echo", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	in["metadata"].(map[string]any)["annotations"] = map[string]any{"pulumi.com/skipAwait": "true"}
	b.create(props(in))
	headless := serviceFor(ns)
	headless["metadata"].(map[string]any)["name"] = "headless"
	headless["spec"].(map[string]any)["clusterIP"] = "None"
	on(t, s, "kubernetes:core/v1:Service", "headless").create(props(headless))
}

func TestWaitForCABundle(t *testing.T) {
	c := kubetest.Shared(t)
	s := live(t, c)
	hook := func(name string) map[string]any {
		return map[string]any{
			"name": name + ".test.io", "sideEffects": "None", "admissionReviewVersions": []any{"v1"}, "failurePolicy": "Fail",
			"clientConfig": map[string]any{"service": map[string]any{"name": "istiod", "namespace": "none"}, "caBundle": ""},
			"rules": []any{map[string]any{
				"operations": []any{"CREATE"}, "apiGroups": []any{"none.test.io"}, "apiVersions": []any{"v1"}, "resources": []any{"nones"},
			}},
		}
	}
	in := props(map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
		"metadata": map[string]any{"name": "injector", "annotations": map[string]any{
			"pulumi.com/waitFor": "jsonpath={.webhooks[*].clientConfig.caBundle}", "pulumi.com/timeoutSeconds": "20",
		}},
		"webhooks": []any{hook("a"), hook("b")},
	})
	hooks := c.Client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	injected := make(chan time.Time, 1)
	time.AfterFunc(1500*time.Millisecond, func() {
		patch := []byte(`[{"op":"add","path":"/webhooks/0/clientConfig/caBundle","value":"Y2E="},` +
			`{"op":"add","path":"/webhooks/1/clientConfig/caBundle","value":"Y2E="}]`)
		injected <- time.Now()
		_, _ = hooks.Patch(context.Background(), "injector", types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: "pilot-discovery"})
	})
	b := on(t, s, "kubernetes:admissionregistration.k8s.io/v1:MutatingWebhookConfiguration", "injector")
	t.Cleanup(func() { _ = hooks.Delete(context.Background(), "injector", metav1.DeleteOptions{}) })
	b.create(in)
	if took := time.Since(<-injected); took < 0 || took > 3*time.Second {
		t.Errorf("create returned %s after the bundle was there", took)
	}
	b.refresh()
	b.unchanged(in) // what istiod writes is no drift
	b.update(in)
	now, err := hooks.Get(t.Context(), "injector", metav1.GetOptions{})
	if err != nil || string(now.Webhooks[0].ClientConfig.CABundle) != "ca" {
		t.Errorf("an update takes the bundle away: %v %v", now.Webhooks[0].ClientConfig, err)
	}
}

func TestSecretStaysSecretAndIsRotatedInPlace(t *testing.T) {
	c := kubetest.Shared(t)
	s, ns := live(t, c), c.Namespace(t)
	secret := func(key string) resource.PropertyMap {
		m := props(map[string]any{
			"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
			"metadata": map[string]any{"name": "edge-tls", "namespace": ns},
		})
		m["stringData"] = resource.NewProperty(resource.PropertyMap{
			"tls.key": resource.MakeSecret(resource.NewProperty(key)), "tls.crt": resource.NewProperty("cert"),
		})
		return m
	}
	b := on(t, s, "kubernetes:core/v1:Secret", "edge-tls")
	b.create(secret("one"))
	for name, m := range map[string]resource.PropertyMap{"inputs": b.inputs, "outputs": b.outputs} {
		if !m["data"].IsSecret() || m["stringData"].HasValue() {
			t.Errorf("%s: %v", name, m)
		}
	}
	b.refresh()
	if !b.inputs["data"].IsSecret() || !b.outputs["data"].IsSecret() {
		t.Error("a refresh makes the data plain")
	}
	b.unchanged(secret("one"))
	d := b.diff(secret("two"))
	if len(d.GetReplaces()) > 0 || d.GetDetailedDiff()[`data["tls.key"]`] == nil {
		t.Errorf("diff %v", d)
	}
	b.update(secret("two"))
	now, err := c.Client.CoreV1().Secrets(ns).Get(t.Context(), "edge-tls", metav1.GetOptions{})
	if err != nil || string(now.Data["tls.key"]) != "two" {
		t.Errorf("%s %v", base64.StdEncoding.EncodeToString(now.Data["tls.key"]), err)
	}
	frozen := on(t, live(t, c, map[string]any{"enableSecretMutable": "false"}), "kubernetes:core/v1:Secret", "edge-tls")
	frozen.id, frozen.inputs, frozen.outputs = b.id, b.inputs, b.outputs
	if d := frozen.diff(secret("three")); len(d.GetReplaces()) == 0 || !d.GetDeleteBeforeReplace() {
		t.Errorf("without enableSecretMutable: %v", d)
	}
}
