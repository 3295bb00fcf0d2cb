package diff

import (
	"sort"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"bankmesh/airgap/plugins/internal/kube/object"
)

type m = map[string]any

func list(changes []Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, c.Kind.String()+" "+c.Path.String())
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

func TestCompare(t *testing.T) {
	unknown := resource.Computed{Element: resource.NewProperty("")}
	for want, c := range map[string][2]object.Object{
		"": {m{"a": int64(1), "b": m{"c": "x"}}, m{"a": 1.0, "b": m{"c": "x"}}},
		"UPDATE spec.containers[0].image": {
			m{"spec": m{"containers": []any{m{"image": "a", "name": "n"}}}},
			m{"spec": m{"containers": []any{m{"image": "b", "name": "n"}}}},
		},
		`ADD metadata.labels["app.kubernetes.io/name"], DELETE metadata.labels.old`: {
			m{"metadata": m{"labels": m{"old": "x"}}},
			m{"metadata": m{"labels": m{"app.kubernetes.io/name": "x"}}},
		},
		"ADD rules[1], UPDATE rules[0]": {m{"rules": []any{"a"}}, m{"rules": []any{"b", "c"}}},
		"DELETE rules[1]":               {m{"rules": []any{"a", "b"}}, m{"rules": []any{"a"}}},
		"UPDATE spec":                   {m{"spec": "text"}, m{"spec": m{}}},
		"ADD b, UPDATE a":               {m{"a": "x"}, m{"a": unknown, "b": unknown}},
		"ADD a":                         {m{}, m{"a": m{"deep": m{"er": "x"}}}},
	} {
		if got := list(Compare(c[0], c[1])); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestDropIgnored(t *testing.T) {
	changes := Compare(m{"spec": m{"replicas": int64(1), "x": "a"}}, m{"spec": m{"replicas": int64(2), "x": "b"}})
	got, err := DropIgnored(changes, []string{"spec.replicas"})
	if err != nil || list(got) != "UPDATE spec.x" {
		t.Errorf("got %v, %v", list(got), err)
	}
	if got, _ := DropIgnored(changes, []string{"spec"}); len(got) != 0 {
		t.Errorf("got %v", list(got))
	}
	if _, err := DropIgnored(changes, []string{"spec["}); err == nil {
		t.Error("a broken path is accepted")
	}
}

func TestImmutable(t *testing.T) {
	deployment := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	secret := schema.GroupVersionKind{Version: "v1", Kind: "Secret"}
	configMap := schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}
	pod := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	other := schema.GroupVersionKind{Group: "security.istio.io", Version: "v1", Kind: "PeerAuthentication"}
	both := Mutability{Secrets: true, ConfigMaps: true}
	for _, c := range []struct {
		gvk    schema.GroupVersionKind
		in     object.Object
		allow  Mutability
		change Change
		want   bool
	}{
		{deployment, nil, both, Change{Path: Path{"spec", "selector", "matchLabels", "app"}}, true},
		{deployment, nil, both, Change{Path: Path{"spec", "replicas"}}, false},
		{deployment, nil, both, Change{Path: Path{"spec"}, Value: m{"selector": m{}}}, true},
		{deployment, nil, both, Change{Path: Path{"spec"}, Value: m{"replicas": int64(1)}}, false},
		{other, nil, both, Change{Path: Path{"metadata", "name"}}, true},
		{other, nil, both, Change{Path: Path{"metadata", "namespace"}}, true},
		{other, nil, both, Change{Path: Path{"metadata", "labels", "name"}}, false},
		{other, nil, both, Change{Path: Path{"spec", "mtls", "mode"}}, false},
		{secret, nil, Mutability{}, Change{Path: Path{"data", "tls.key"}}, true},
		{secret, nil, both, Change{Path: Path{"data", "tls.key"}}, false},
		{secret, nil, both, Change{Path: Path{"type"}}, true},
		{secret, m{"immutable": true}, both, Change{Path: Path{"data", "tls.key"}}, true},
		{configMap, nil, Mutability{}, Change{Path: Path{"data", "a"}}, true},
		{configMap, nil, both, Change{Path: Path{"data", "a"}}, false},
		{pod, nil, both, Change{Path: Path{"spec", "containers", 1, "image"}}, true},
		{pod, nil, both, Change{Path: Path{"metadata", "labels", "x"}}, false},
	} {
		if got := Immutable(c.gvk, c.in, c.allow, c.change); got != c.want {
			t.Errorf("%s %s: got %v", c.gvk.Kind, c.change.Path, got)
		}
	}
}
