package main

import (
	"os"
	"path/filepath"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// about asks with an npm on PATH that says 9.9.9 when it is run, and beside it the given package.
func about(t *testing.T, pkg string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"lib/npm/bin/npm-cli.js": "#!/bin/sh\necho 9.9.9\n",
		"lib/npm/package.json":   pkg,
		"bin/node":               "#!/bin/sh\necho v22.0.0\n",
		"project/package.json":   "{}",
	})
	for _, program := range []string{"lib/npm/bin/npm-cli.js", "bin/node"} {
		if err := os.Chmod(filepath.Join(dir, program), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../lib/npm/bin/npm-cli.js", filepath.Join(dir, "bin", "npm")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	answer, err := (&host{}).About(t.Context(), &pulumirpc.AboutRequest{Info: &pulumirpc.ProgramInfo{
		ProgramDirectory: filepath.Join(dir, "project"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Version != "v22.0.0" {
		t.Errorf("version of Node.js: %q", answer.Version)
	}
	return answer.Metadata
}

func TestAboutReadsTheVersionOfNpmWithoutRunningIt(t *testing.T) {
	got := about(t, `{"name": "npm", "version": "11.2.3"}`)
	if got["packagemanager"] != "npm" || got["packagemanagerVersion"] != "11.2.3" {
		t.Errorf("got %v", got)
	}
}

func TestAboutAsksNpmWhenItsPackageIsNotThere(t *testing.T) {
	for _, pkg := range []string{`{"name": "another", "version": "1.0.0"}`, "{"} {
		if got := about(t, pkg); got["packagemanagerVersion"] != "9.9.9" {
			t.Errorf("beside %s: %v", pkg, got)
		}
	}
}
