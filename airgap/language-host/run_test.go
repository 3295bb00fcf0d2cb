package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"

	"bankmesh/airgap/lifetime/lifetimetest"
)

// fakeNode puts a node on PATH that writes its arguments, environment and folder to files and
// then runs a script.
func fakeNode(t *testing.T, script string) (project, files string) {
	t.Helper()
	bin, project, files := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, bin, map[string]string{"node": `#!/bin/sh
F="` + files + `"
: > "$F/args"; for a in "$@"; do echo "$a" >> "$F/args"; done
env -0 > "$F/env"
pwd -P > "$F/pwd"
` + script})
	if err := os.Chmod(filepath.Join(bin, "node"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for _, name := range []string{"run", "run-plugin", "run-policy-pack"} {
		write(t, project, map[string]string{"node_modules/@pulumi/pulumi/cmd/" + name + "/index.js": ""})
	}
	return project, files
}

func newTestHost(t *testing.T) *host {
	t.Helper()
	grace = 500 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	h := newHost(ctx, cancel, "")
	address := "127.0.0.1:1"
	h.engine.Store(&address)
	return h
}

func lines(t *testing.T, file, separator string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), separator), separator)
}

func request(t *testing.T, project string, opts map[string]any) *pulumirpc.RunRequest {
	t.Helper()
	return &pulumirpc.RunRequest{
		Info: info(t, project, opts), MonitorAddress: "127.0.0.1:2", Organization: "org", Project: "bank", Stack: "dev",
		Parallel: 8, DryRun: true, Pwd: project, Args: []string{"extra"},
		Config:           map[string]string{"bank:mode": "STRICT", "pulumi:disable-default-providers": "[]"},
		ConfigSecretKeys: []string{"bank:key"},
	}
}

func TestRunPassesEverything(t *testing.T) {
	project, files := fakeNode(t, "exit 0")
	h := newTestHost(t)
	res, err := h.Run(context.Background(), request(t, project, map[string]any{"tsconfig": "t.json", "nodeargs": "--a 'b c'"}))
	if err != nil || res.Error != "" || res.Bail {
		t.Fatal(res, err)
	}
	want := []string{
		"--a", "b c", filepath.Join(project, "node_modules/@pulumi/pulumi/cmd/run/index.js"),
		"--monitor", "127.0.0.1:2", "--engine", "127.0.0.1:1", "--organization", "org", "--project", "bank",
		"--root-directory", project, "--stack", "dev", "--pwd", project, "--dry-run", "--parallel", "8", ".", "extra",
	}
	if got := lines(t, files+"/args", "\n"); !slices.Equal(got, want) {
		t.Errorf("arguments %q\nwant      %q", got, want)
	}
	env := lines(t, files+"/env", "\x00")
	for _, v := range []string{
		"PULUMI_NODEJS_TYPESCRIPT=true", "PULUMI_NODEJS_TSCONFIG_PATH=t.json", `PULUMI_CONFIG_SECRET_KEYS=["bank:key"]`,
		`PULUMI_CONFIG={"bank:config:mode":"STRICT","pulumi:config:disable-default-providers":"[]"}`,
	} {
		if !slices.Contains(env, v) {
			t.Errorf("%s is missing in the environment", v)
		}
	}
	if got := lines(t, files+"/pwd", "\n")[0]; got != project {
		t.Errorf("ran in %s", got)
	}
}

func TestRunWithoutOptions(t *testing.T) {
	project, files := fakeNode(t, "exit 0")
	h := newTestHost(t)
	req := &pulumirpc.RunRequest{Info: info(t, project, map[string]any{"typescript": false}), MonitorAddress: "m"}
	if res, err := h.Run(context.Background(), req); err != nil || res.Error != "" {
		t.Fatal(res, err)
	}
	env := lines(t, files+"/env", "\x00")
	if !slices.Contains(env, "PULUMI_CONFIG={}") || !slices.Contains(env, "PULUMI_CONFIG_SECRET_KEYS=[]") ||
		slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "PULUMI_NODEJS_") }) {
		t.Errorf("environment %q", env)
	}
	if slices.Contains(lines(t, files+"/args", "\n"), "--dry-run") {
		t.Error("an update runs as a preview")
	}
}

func TestExitCodes(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   *pulumirpc.RunResponse
	}{
		"success":    {"exit 0", &pulumirpc.RunResponse{}},
		"failure":    {"exit 1", &pulumirpc.RunResponse{Error: "Program exited with non-zero exit code: 1"}},
		"bail":       {"exit 32", &pulumirpc.RunResponse{Bail: true}},
		"killed":     {"kill -9 $$", &pulumirpc.RunResponse{Error: "Program exited unexpectedly: signal: killed"}},
		"background": {"sleep 9 & :", &pulumirpc.RunResponse{}},
	} {
		t.Run(name, func(t *testing.T) {
			project, _ := fakeNode(t, c.script)
			res, err := newTestHost(t).Run(context.Background(), request(t, project, nil))
			if err != nil || res.Error != c.want.Error || res.Bail != c.want.Bail {
				t.Errorf("response %v %v, want %v", res, err, c.want)
			}
		})
	}
}

func TestRunErrors(t *testing.T) {
	project, _ := fakeNode(t, "exit 0")
	h := newTestHost(t)
	for name, c := range map[string]struct {
		change func(*pulumirpc.RunRequest)
		want   string
	}{
		"no SDK":     {func(r *pulumirpc.RunRequest) { r.Info.ProgramDirectory = "/" }, "npm ci"},
		"bad option": {func(r *pulumirpc.RunRequest) { r.Info = info(t, project, map[string]any{"typescript": 1.0}) }, "typescript"},
		"no node":    {func(*pulumirpc.RunRequest) { t.Setenv("PATH", "/nowhere") }, "node is not on PATH"},
	} {
		t.Run(name, func(t *testing.T) {
			req := request(t, project, nil)
			c.change(req)
			res, err := h.Run(context.Background(), req)
			if err != nil || !strings.Contains(res.Error, c.want) {
				t.Errorf("response %v %v, want %q", res, err, c.want)
			}
		})
	}
}

func TestCancelEndsTheProgram(t *testing.T) {
	for name, script := range map[string]string{
		"polite":   `sleep 1000 & echo $! $$ > "$F/pids"; wait`,
		"stubborn": `trap "" INT TERM; sleep 1000 & echo $! $$ > "$F/pids"; while :; do sleep 1; done`,
	} {
		for way, stop := range map[string]func(*host, context.CancelFunc){
			"Cancel":     func(h *host, _ context.CancelFunc) { _, _ = h.Cancel(context.Background(), &emptypb.Empty{}) },
			"call ended": func(_ *host, cancel context.CancelFunc) { cancel() },
			"host stops": func(h *host, _ context.CancelFunc) { h.stop() },
		} {
			t.Run(name+"/"+way, func(t *testing.T) {
				project, files := fakeNode(t, script)
				h := newTestHost(t)
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				done := make(chan *pulumirpc.RunResponse, 1)
				req := request(t, project, nil)
				go func() {
					res, _ := h.Run(ctx, req)
					done <- res
				}()
				running := lifetimetest.PIDs(t, files+"/pids", 2)
				start := time.Now()
				stop(h, cancel)
				if res := <-done; !strings.Contains(res.GetError(), "cancelled") {
					t.Errorf("response %v", res)
				}
				if took := time.Since(start); took > grace+time.Second {
					t.Errorf("took %v", took)
				}
				h.children.Wait()
				for _, pid := range running {
					if !lifetimetest.Gone(pid) {
						t.Errorf("process %d is still there", pid)
					}
				}
			})
		}
	}
}

func TestConfigKeys(t *testing.T) {
	if _, err := configJSON(map[string]string{"bad": "x"}); err == nil {
		t.Error("a key without a namespace is no error")
	}
	text, err := configJSON(nil)
	var m map[string]string
	if err != nil || json.Unmarshal([]byte(text), &m) != nil || len(m) != 0 {
		t.Errorf("%q %v", text, err)
	}
}
