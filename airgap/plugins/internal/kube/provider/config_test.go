package provider

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// nowhere is the kubeconfig of a server that does not answer.
func nowhere(*testing.T) string { return kubeconfigFor("https://127.0.0.1:1") }

func kubeconfigFor(server string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u, namespace: from-context}}, {name: d, context: {cluster: d, user: u}}]
clusters: [{name: c, cluster: {server: %q}}, {name: d, cluster: {server: "https://other.example"}}]
users: [{name: u, user: {token: t}}]
`, server)
}

func TestCheckConfigRefuses(t *testing.T) {
	for want, in := range map[string]map[string]any{
		"kubconfig: is not an input":                     {"kubconfig": "x"},
		"enableServerSideApply: client-side apply":       {"enableServerSideApply": "false"},
		"deleteUnreachable: must be true or false":       {"deleteUnreachable": "yes"},
		"clusterIdentifier: must be a text":              {"clusterIdentifier": 3},
		"helmReleaseSettings: kubernetes:helm.sh/v3":     {"helmReleaseSettings": `{"driver":"secret"}`},
		`kubeconfig: "kubeconfig" arg is not compatible`: {"kubeconfig": "x", "renderYamlToDirectory": "y"},
		"kubeClientSettings: must be an object":          {"kubeClientSettings": `{"qps":"fast"}`},
		"alwaysRender: rendering on every update is not": {"alwaysRender": "true"},
	} {
		var got []string
		for _, f := range checkConfig(props(in)) {
			got = append(got, f.property+": "+f.reason)
		}
		if len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%v: got %q, want %q", in, got, want)
		}
	}
	fine := map[string]any{
		"kubeconfig": "x", "context": "c", "cluster": "c", "namespace": "n", "clusterIdentifier": "i",
		"enableSecretMutable": "true", "enableConfigMapMutable": true, "enableServerSideApply": "true",
		"deleteUnreachable": "false", "skipUpdateUnreachable": "true", "suppressHelmHookWarnings": "true",
		"suppressDeprecationWarnings": "true", "enablePatchForce": "true", "upsertExistingObjects": "true",
		"kubeClientSettings": `{"qps":50,"burst":100}`, "version": "4.34.2", "helmReleaseSettings": nil,
	}
	if got := checkConfig(props(fine)); len(got) > 0 {
		t.Errorf("refused: %v", got)
	}
	unknown := resource.PropertyMap{"kubeconfig": resource.MakeComputed(resource.NewProperty(""))}
	if got := checkConfig(unknown); len(got) > 0 {
		t.Errorf("refused: %v", got)
	}
}

func TestDiffConfig(t *testing.T) {
	unknown := resource.MakeComputed(resource.NewProperty(""))
	text := func(s string) resource.PropertyValue { return resource.NewProperty(s) }
	a, b := text(kubeconfigFor("https://a.example")), text(kubeconfigFor("https://b.example"))
	type in = resource.PropertyMap
	for name, c := range map[string]struct {
		olds, news in
		replaces   []string
	}{
		"nothing":                          {in{"kubeconfig": a}, in{"kubeconfig": a}, nil},
		"identifier changes":               {in{"clusterIdentifier": text("x")}, in{"clusterIdentifier": text("y")}, []string{"clusterIdentifier"}},
		"identifier becomes unknown":       {in{"clusterIdentifier": text("x")}, in{"clusterIdentifier": unknown}, []string{"clusterIdentifier"}},
		"identifier is secret now":         {in{"clusterIdentifier": text("x")}, in{"clusterIdentifier": resource.MakeSecret(text("x"))}, nil},
		"identifier added":                 {in{"kubeconfig": a}, in{"kubeconfig": a, "clusterIdentifier": text("x")}, nil},
		"identifier kept, other server":    {in{"kubeconfig": a, "clusterIdentifier": text("x")}, in{"kubeconfig": b, "clusterIdentifier": text("x")}, nil},
		"identifier kept, unknown config":  {in{"kubeconfig": a, "clusterIdentifier": text("x")}, in{"kubeconfig": unknown, "clusterIdentifier": text("x")}, nil},
		"other identifier, unknown config": {in{"kubeconfig": a, "clusterIdentifier": text("x")}, in{"kubeconfig": unknown, "clusterIdentifier": text("y")}, []string{"clusterIdentifier", "kubeconfig"}},
		"other server":                     {in{"kubeconfig": a}, in{"kubeconfig": b}, []string{"kubeconfig"}},
		"unknown config":                   {in{"kubeconfig": a}, in{"kubeconfig": unknown}, []string{"kubeconfig"}},
		"other context":                    {in{"kubeconfig": a}, in{"kubeconfig": a, "context": text("d")}, []string{"context"}},
		"a switch":                         {in{"kubeconfig": a}, in{"kubeconfig": a, "enableSecretMutable": text("true")}, nil},
		"other folder":                     {in{"renderYamlToDirectory": text("x")}, in{"renderYamlToDirectory": text("y")}, []string{"renderYamlToDirectory"}},
	} {
		s := New(nil)
		r, err := s.DiffConfig(t.Context(), &pulumirpc.DiffRequest{Olds: rpc(t, c.olds), News: rpc(t, c.news)})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.Equal(r.GetReplaces(), c.replaces) {
			t.Errorf("%s: replaces %v, want %v", name, r.GetReplaces(), c.replaces)
		}
	}
}

func TestKubeconfigAsTextOrPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(kubeconfigFor("https://a.example")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{path, kubeconfigFor("https://a.example")} {
		c := config{kubeconfig: v}
		rest, err := c.restConfig()
		if err != nil || rest.Host != "https://a.example" || c.defaultNamespace != "from-context" {
			t.Errorf("%v %v %q", rest, err, c.defaultNamespace)
		}
	}
	c := config{kubeconfig: kubeconfigFor("https://a.example"), context: "d", namespace: "mine"}
	rest, err := c.restConfig()
	if err != nil || rest.Host != "https://other.example" || c.defaultNamespace != "mine" {
		t.Errorf("%v %v %q", rest, err, c.defaultNamespace)
	}
}

func TestUnreachableClusterFailsOperationsNotConfigure(t *testing.T) {
	in := props(configMap("default", "settings", map[string]any{"a": "1"}))
	b := on(t, configured(t, map[string]any{"kubeconfig": nowhere(t)}), "kubernetes:core/v1:ConfigMap", "settings")
	contains(t, b.tryCreate(t.Context(), in), "configured Kubernetes cluster is unreachable")

	r, err := b.server.Create(t.Context(), &pulumirpc.CreateRequest{Urn: b.urn, Properties: rpc(t, in), Preview: true})
	if err != nil || r.GetId() != "" || !fromRPC(t, r.GetProperties()).DeepEquals(in) {
		t.Errorf("preview: %v, %v", r, err)
	}
	read := &pulumirpc.ReadRequest{Urn: b.urn, Id: "default/settings", Inputs: rpc(t, in), Properties: rpc(t, in)}
	_, err = b.server.Read(t.Context(), read)
	contains(t, err, "PULUMI_K8S_DELETE_UNREACHABLE")
	del := &pulumirpc.DeleteRequest{Urn: b.urn, Id: "default/settings", Properties: rpc(t, in)}
	_, err = b.server.Delete(t.Context(), del)
	contains(t, err, "PULUMI_K8S_DELETE_UNREACHABLE")

	s := configured(t, map[string]any{"kubeconfig": nowhere(t), "deleteUnreachable": "true"})
	if r, err := s.Read(t.Context(), read); err != nil || r.GetId() != "" {
		t.Errorf("deleteUnreachable: %v, %v", r, err)
	}
	if _, err := s.Delete(t.Context(), del); err != nil {
		t.Error(err)
	}
	s = configured(t, map[string]any{"kubeconfig": nowhere(t), "skipUpdateUnreachable": "true"})
	if r, err := s.Read(t.Context(), read); err != nil || r.GetId() != read.GetId() {
		t.Errorf("skipUpdateUnreachable: %v, %v", r, err)
	}
	contains(t, on(t, configured(t, map[string]any{"kubeconfig": "{broken"}), "kubernetes:core/v1:ConfigMap", "x").
		tryCreate(t.Context(), in), "failed to parse kubeconfig")
}
