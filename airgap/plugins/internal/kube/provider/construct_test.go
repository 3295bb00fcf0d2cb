package provider

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"bankmesh/airgap/plugins/internal/host"
)

// monitor plays the engine for components: it notes what is registered and what is said.
type monitor struct {
	pulumirpc.UnimplementedResourceMonitorServer
	pulumirpc.UnimplementedEngineServer

	mu         sync.Mutex
	registered []*pulumirpc.RegisterResourceRequest
	warnings   []string
}

func (m *monitor) SupportsFeature(context.Context, *pulumirpc.SupportsFeatureRequest) (*pulumirpc.SupportsFeatureResponse, error) {
	return &pulumirpc.SupportsFeatureResponse{HasSupport: true}, nil
}

func (m *monitor) RegisterResource(_ context.Context, r *pulumirpc.RegisterResourceRequest) (*pulumirpc.RegisterResourceResponse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.registered = append(m.registered, r)
	return &pulumirpc.RegisterResourceResponse{
		Urn: "urn:pulumi:test::bankmesh::" + r.GetType() + "::" + r.GetName(), Id: r.GetName(), Object: r.GetObject(),
	}, nil
}

func (m *monitor) RegisterResourceOutputs(context.Context, *pulumirpc.RegisterResourceOutputsRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (m *monitor) Log(_ context.Context, r *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.GetSeverity() == pulumirpc.LogSeverity_WARNING {
		m.warnings = append(m.warnings, r.GetMessage())
	}
	return &emptypb.Empty{}, nil
}

func (m *monitor) named() []string {
	var out []string
	for _, r := range m.registered {
		out = append(out, r.GetType()+" "+r.GetName())
	}
	slices.Sort(out)
	return out
}

func (m *monitor) get(name string) *pulumirpc.RegisterResourceRequest {
	for _, r := range m.registered {
		if r.GetName() == name {
			return r
		}
	}
	return nil
}

// construct makes a chart component called mesh and returns what was registered.
func construct(t *testing.T, config map[string]any, inputs resource.PropertyMap) (*monitor, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m, srv := &monitor{}, grpc.NewServer()
	pulumirpc.RegisterResourceMonitorServer(srv, m)
	pulumirpc.RegisterEngineServer(srv, m)
	go srv.Serve(l) //nolint:errcheck // stopped below
	t.Cleanup(srv.Stop)
	s := configured(t, config)
	if s.engine, err = host.Dial(l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err = s.Construct(ctx, &pulumirpc.ConstructRequest{
		Project: "bankmesh", Stack: "test", Type: chartType, Name: "mesh", Inputs: rpc(t, inputs), DryRun: true,
		Parallel: 16, MonitorEndpoint: l.Addr().String(),
	})
	if ctx.Err() != nil {
		t.Fatal("Construct hangs")
	}
	return m, err
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "chart")
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func meshChart(t *testing.T) string {
	return write(t, map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: mesh\nversion: 1.0.0\n",
		"crds/peers.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n" +
			"metadata: {name: peers.test.io, annotations: {helm.sh/resource-policy: keep}}\n" +
			"spec: {group: test.io, scope: Namespaced, names: {kind: Peer, plural: peers}}\n",
		"templates/all.yaml": `apiVersion: v1
kind: Service
metadata: {name: front}
spec: {ports: [{port: 80}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
---
apiVersion: test.io/v1
kind: Peer
metadata: {name: default}
---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: elsewhere}
stringData: {password: {{ .Values.password }}}
`,
	})
}

func TestConstructRegistersChildrenAsTheOfficialPluginDoes(t *testing.T) {
	m, err := construct(t, map[string]any{"renderYamlToDirectory": t.TempDir()}, resource.PropertyMap{
		"chart": resource.NewProperty(meshChart(t)), "namespace": resource.NewProperty("istio-system"),
		"values": resource.NewProperty(resource.PropertyMap{"password": resource.MakeSecret(resource.NewProperty("hunter2"))}),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition mesh:peers.test.io",
		"kubernetes:core/v1:Secret mesh:elsewhere/keys",
		"kubernetes:core/v1:Service mesh:istio-system/front",
		"kubernetes:helm.sh/v4:Chart mesh",
		"kubernetes:rbac.authorization.k8s.io/v1:ClusterRole mesh:reader",
		"kubernetes:test.io/v1:Peer mesh:istio-system/default",
	}
	if got := m.named(); !slices.Equal(got, want) {
		t.Fatalf("registered\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	crd := m.get("mesh:peers.test.io")
	if !crd.GetRetainOnDelete() {
		t.Error("helm.sh/resource-policy: keep does not retain")
	}
	peer := m.get("mesh:istio-system/default")
	if !slices.ContainsFunc(peer.GetDependencies(), func(u string) bool { return strings.HasSuffix(u, "::mesh:peers.test.io") }) {
		t.Errorf("the custom resource does not depend on its definition: %v", peer.GetDependencies())
	}
	if service := m.get("mesh:istio-system/front"); len(service.GetDependencies()) > 0 || service.GetParent() == "" {
		t.Errorf("the service has parent %q and dependencies %v", service.GetParent(), service.GetDependencies())
	}
	if secret := fromRPC(t, m.get("mesh:elsewhere/keys").GetObject()); !secret["stringData"].IsSecret() {
		t.Errorf("the Secret's data is not secret: %v", secret)
	}
}

func TestConstructWithUnknownInputWarnsAndDoesNotHang(t *testing.T) {
	m, err := construct(t, map[string]any{"renderYamlToDirectory": t.TempDir()}, resource.PropertyMap{
		"chart":  resource.NewProperty(meshChart(t)),
		"values": resource.NewProperty(resource.PropertyMap{"password": resource.MakeComputed(resource.NewProperty(""))}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.named(); len(got) != 1 || got[0] != chartType+" mesh" {
		t.Errorf("registered %v, want only the component", got)
	}
	if !slices.Contains(m.warnings, "Input properties have unknown values. Preview is incomplete.") {
		t.Errorf("warnings: %v", m.warnings)
	}
}

func TestConstructSkipAwait(t *testing.T) {
	m, err := construct(t, map[string]any{"renderYamlToDirectory": t.TempDir()}, resource.PropertyMap{
		"chart": resource.NewProperty(meshChart(t)), "skipAwait": resource.NewProperty(true),
		"resourcePrefix": resource.NewProperty("x"),
	})
	if err != nil {
		t.Fatal(err)
	}
	service := fromRPC(t, m.get("x:default/front").GetObject())
	got := service["metadata"].ObjectValue()["annotations"].ObjectValue()["pulumi.com/skipAwait"]
	if !got.IsString() || got.StringValue() != "true" {
		t.Errorf("skipAwait is not handed down: %v", service)
	}
}

func TestConstructPreviewsWithoutACluster(t *testing.T) {
	m, err := construct(t, map[string]any{"kubeconfig": nowhere(t)}, resource.PropertyMap{
		"chart": resource.NewProperty(meshChart(t)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.named()) != 6 || len(m.warnings) == 0 || !strings.Contains(m.warnings[0], "unreachable") {
		t.Errorf("registered %v, warned %v", m.named(), m.warnings)
	}
}

func TestConstructOffersNothingElse(t *testing.T) {
	s := configured(t, map[string]any{"renderYamlToDirectory": t.TempDir()})
	_, err := s.Construct(t.Context(), &pulumirpc.ConstructRequest{Type: "kubernetes:yaml/v2:ConfigGroup"})
	contains(t, err, "not offered")
}
