package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRequiredPackages(t *testing.T) {
	dir := t.TempDir()
	resource := func(name, version, more string) string {
		return `{"name": "` + name + `", "version": "` + version + `", "pulumi": {"resource": true` + more + `}}`
	}
	write(t, dir, map[string]string{
		"index.ts":                                                "",
		"node_modules/@pulumi/tls/package.json":                   resource("@pulumi/tls", "5.6.1", ""),
		"node_modules/@pulumi/tls/bin/package.json":               resource("@pulumi/hidden", "9.9.9", ""),
		"node_modules/@pulumi/kubernetes/package.json":            resource("@pulumi/kubernetes", "4.34.2", `, "name": "kubernetes", "version": "4.34.2"`),
		"node_modules/@pulumi/pulumi/package.json":                `{"name": "@pulumi/pulumi", "version": "3.270.0"}`,
		"node_modules/@pulumi/policy/package.json":                `{"name": "@pulumi/policy", "version": "1.21.0", "pulumi": {"resource": false}}`,
		"node_modules/third/package.json":                         resource("third", "1.0.0", `, "name": "own", "server": "https://example.com"`),
		"node_modules/nameless/package.json":                      resource("nameless", "1.0.0", ""),
		"node_modules/broken/package.json":                        "{",
		"node_modules/a/package.json":                             `{"name": "a", "version": "1.0.0"}`,
		"node_modules/a/node_modules/@pulumi/random/package.json": resource("@pulumi/random", "4.21.2", ""),
		"node_modules/a/node_modules/@pulumi/tls/package.json":    resource("@pulumi/tls", "5.6.1", ""),
		"sub/project/node_modules/@pulumi/command/package.json":   resource("@pulumi/command", "1.2.1", ""),
		"policies/PulumiPolicy.yaml":                              "runtime: nodejs",
		"policies/node_modules/@pulumi/aws/package.json":          resource("@pulumi/aws", "7.0.0", ""),
		".git/node_modules/@pulumi/gcp/package.json":              resource("@pulumi/gcp", "7.0.0", ""),
		"src/@pulumi/azure/package.json":                          resource("@pulumi/azure", "7.0.0", ""),
		"node_modules/.package-lock.json":                         "{}",
		"node_modules/.bin/x/package.json":                        resource("@pulumi/bin", "7.0.0", ""),
	})
	if err := os.Symlink("..", filepath.Join(dir, "sub", "loop")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("..", "gone"), filepath.Join(dir, "node_modules", "dangling")); err != nil {
		t.Fatal(err)
	}
	got := required(t, dir)
	want := []string{"command@v1.2.1 ", "kubernetes@v4.34.2 ", "own@v1.0.0 https://example.com", "random@v4.21.2 ", "tls@v5.6.1 "}
	if !slices.Equal(got, want) {
		t.Errorf("packages %q, want %q", got, want)
	}

	linked := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "node_modules"), filepath.Join(linked, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if got := required(t, linked); !slices.Contains(got, "tls@v5.6.1 ") {
		t.Errorf("packages behind a link: %q", got)
	}
}

func required(t *testing.T, dir string) []string {
	t.Helper()
	h := &host{}
	res, err := h.GetRequiredPackages(context.Background(), &pulumirpc.GetRequiredPackagesRequest{Info: info(t, dir, nil)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range res.Packages {
		if p.Kind != "resource" {
			t.Errorf("kind %q", p.Kind)
		}
		got = append(got, p.Name+"@"+p.Version+" "+p.Server)
	}
	slices.Sort(got)
	return got
}
