package provider

import (
	"context"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"

	"bankmesh/airgap/plugins/internal/kube/kubetest"
)

func TestMain(m *testing.M) { kubetest.Main(m) }

// bench drives a server as the engine does, for one resource.
type bench struct {
	t      *testing.T
	server *Server
	urn    string

	id              string
	inputs, outputs resource.PropertyMap
}

func props(m map[string]any) resource.PropertyMap { return resource.NewPropertyMapFromMap(m) }

func rpc(t *testing.T, m resource.PropertyMap) *structpb.Struct {
	t.Helper()
	out, err := plugin.MarshalProperties(m, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func fromRPC(t *testing.T, s *structpb.Struct) resource.PropertyMap {
	t.Helper()
	out, err := plugin.UnmarshalProperties(s, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// configured makes a server with the given provider inputs.
func configured(t *testing.T, config map[string]any) *Server {
	t.Helper()
	s := New(nil)
	t.Cleanup(s.cancel)
	if _, err := s.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: rpc(t, props(config))}); err != nil {
		t.Fatal(err)
	}
	return s
}

// live makes a server for the test's real API server.
func live(t *testing.T, c *kubetest.Cluster, more ...map[string]any) *Server {
	t.Helper()
	config := map[string]any{"kubeconfig": c.Kubeconfig, "enableSecretMutable": "true"}
	for _, m := range more {
		for k, v := range m {
			config[k] = v
		}
	}
	return configured(t, config)
}

func urnOf(typ, name string) string {
	return "urn:pulumi:test::bankmesh::" + typ + "::" + name
}

func on(t *testing.T, s *Server, typ, name string) *bench {
	return &bench{t: t, server: s, urn: urnOf(typ, name)}
}

func (b *bench) check(in resource.PropertyMap) resource.PropertyMap {
	b.t.Helper()
	r, err := b.server.Check(context.Background(), &pulumirpc.CheckRequest{
		Urn: b.urn, Olds: rpc(b.t, b.inputs), News: rpc(b.t, in), RandomSeed: make([]byte, 32),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if len(r.GetFailures()) > 0 {
		b.t.Fatalf("check: %v", r.GetFailures())
	}
	return fromRPC(b.t, r.GetInputs())
}

func (b *bench) diff(in resource.PropertyMap) *pulumirpc.DiffResponse {
	b.t.Helper()
	r, err := b.server.Diff(context.Background(), &pulumirpc.DiffRequest{
		Urn: b.urn, Id: b.id, Olds: rpc(b.t, b.outputs), OldInputs: rpc(b.t, b.inputs), News: rpc(b.t, b.check(in)),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) tryCreate(ctx context.Context, in resource.PropertyMap) error {
	b.t.Helper()
	checked := b.check(in)
	r, err := b.server.Create(ctx, &pulumirpc.CreateRequest{Urn: b.urn, Properties: rpc(b.t, checked)})
	if err != nil {
		return err
	}
	b.id, b.inputs, b.outputs = r.GetId(), checked, fromRPC(b.t, r.GetProperties())
	return nil
}

func (b *bench) create(in resource.PropertyMap) {
	b.t.Helper()
	if err := b.tryCreate(context.Background(), in); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) tryUpdate(in resource.PropertyMap, ignore ...string) error {
	b.t.Helper()
	checked := b.check(in)
	r, err := b.server.Update(context.Background(), &pulumirpc.UpdateRequest{
		Urn: b.urn, Id: b.id, Olds: rpc(b.t, b.outputs), OldInputs: rpc(b.t, b.inputs), News: rpc(b.t, checked),
		IgnoreChanges: ignore,
	})
	if err != nil {
		return err
	}
	b.inputs, b.outputs = checked, fromRPC(b.t, r.GetProperties())
	return nil
}

func (b *bench) update(in resource.PropertyMap) {
	b.t.Helper()
	if err := b.tryUpdate(in); err != nil {
		b.t.Fatal(err)
	}
}

// refresh reads the live state, as `pulumi refresh` does; it says whether the object is there.
func (b *bench) refresh() bool {
	b.t.Helper()
	r, err := b.server.Read(context.Background(), &pulumirpc.ReadRequest{
		Urn: b.urn, Id: b.id, Properties: rpc(b.t, b.outputs), Inputs: rpc(b.t, b.inputs),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if r.GetId() == "" {
		return false
	}
	b.inputs, b.outputs = fromRPC(b.t, r.GetInputs()), fromRPC(b.t, r.GetProperties())
	return true
}

func (b *bench) delete() {
	b.t.Helper()
	_, err := b.server.Delete(context.Background(), &pulumirpc.DeleteRequest{
		Urn: b.urn, Id: b.id, Properties: rpc(b.t, b.outputs), OldInputs: rpc(b.t, b.inputs),
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) unchanged(in resource.PropertyMap) {
	b.t.Helper()
	if d := b.diff(in); d.GetChanges() != pulumirpc.DiffResponse_DIFF_NONE {
		b.t.Fatalf("expected no changes, got %v", d.GetDetailedDiff())
	}
}
