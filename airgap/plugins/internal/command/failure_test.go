package command

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"bankmesh/airgap/lifetime/lifetimetest"
	"bankmesh/airgap/plugins/internal/process"
)

func TestFailureShowsWhatLoggingAllows(t *testing.T) {
	for logging, c := range map[string]struct{ shown, hidden []string }{
		"":                {[]string{"exit status 7", "OUT", "ERR"}, []string{"PASSWORD"}},
		"stdoutAndStderr": {[]string{"exit status 7", "OUT", "ERR"}, nil},
		"stdout":          {[]string{"exit status 7", "OUT"}, []string{"ERR"}},
		"stderr":          {[]string{"exit status 7", "ERR"}, []string{"OUT"}},
		"none":            {[]string{"exit status 7", "logging is none"}, []string{"OUT", "ERR"}},
	} {
		t.Run(logging, func(t *testing.T) {
			values := map[string]any{"create": "echo O''UT; echo E''RR >&2; : PASSWORD; exit 7"}
			if logging != "" {
				values["logging"] = logging
			}
			err := newCommand(t).TryCreate(inputs(t, values))
			if err == nil {
				t.Fatal("no error")
			}
			for _, s := range c.shown {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q is missing in %q", s, err)
				}
			}
			for _, s := range c.hidden {
				if strings.Contains(err.Error(), s) {
					t.Errorf("%q is shown in %q", s, err)
				}
			}
		})
	}
}

func TestMissingDir(t *testing.T) {
	err := newCommand(t).TryCreate(inputs(t, map[string]any{"create": "true", "dir": "/no/such/folder"}))
	if err == nil || !strings.Contains(err.Error(), "/no/such/folder") {
		t.Errorf("error %v", err)
	}
}

func TestRunFunction(t *testing.T) {
	server := newCommand(t).Server
	res, err := server.Invoke(provider.InvokeRequest{Token: "command:local:run", Args: inputs(t, map[string]any{
		"command": `cat; echo "$A"; echo e >&2`, "stdin": "in ", "environment": map[string]any{"A": "b"}, "logging": "none",
	})})
	if err != nil || len(res.Failures) > 0 {
		t.Fatal(err, res.Failures)
	}
	for name, want := range map[string]string{"stdout": "in b", "stderr": "e", "stdin": "in ", "logging": "none"} {
		if got := res.Return.Get(name).AsString(); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !res.Return.Get("addPreviousOutputInEnv").AsBool() {
		t.Error("the default is missing")
	}
	_, err = server.Invoke(provider.InvokeRequest{Token: "command:local:run",
		Args: inputs(t, map[string]any{"command": "echo why >&2; exit 3"})})
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "why") {
		t.Errorf("error %v", err)
	}
	for token, args := range map[string]map[string]any{
		"command:local:other": {"command": "true"},
		"command:local:run":   {"command": "true", "assetPaths": []any{"*"}},
	} {
		res, err := server.Invoke(provider.InvokeRequest{Token: tokens.Type(token), Args: inputs(t, args)})
		if err == nil && len(res.Failures) == 0 {
			t.Errorf("%s %v: not refused", token, args)
		}
	}
}

func TestCancelEndsTheWholeGroup(t *testing.T) {
	for name, c := range map[string]struct {
		command string
		atMost  time.Duration
	}{
		"polite": {`echo $$ $$ > "$F"; exec sleep 1000`, time.Second},
		// A shell makes its background processes ignore the interrupt.
		"background": {`sleep 1000 & echo $! $$ > "$F"; sleep 1000`, process.Grace + 2*time.Second},
		"stubborn":   {`trap "" INT TERM; sleep 1000 & echo $! $$ > "$F"; while :; do sleep 1; done`, process.Grace + 2*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "pids")
			r := newCommand(t)
			done := make(chan error, 1)
			go func() {
				done <- r.TryCreate(inputs(t, map[string]any{"create": c.command, "environment": map[string]any{"F": file}}))
			}()
			pids := lifetimetest.PIDs(t, file, 2)
			start := time.Now()
			if err := r.Server.Cancel(); err != nil {
				t.Fatal(err)
			}
			err := <-done
			if err == nil || !strings.Contains(err.Error(), "cancelled") {
				t.Errorf("error %v", err)
			}
			if took := time.Since(start); took > c.atMost {
				t.Errorf("took %v", took)
			}
			for _, pid := range pids {
				if !lifetimetest.Gone(pid) {
					t.Errorf("process %d is still there", pid)
				}
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	r := newCommand(t)
	_, err := r.Server.Create(provider.CreateRequest{Urn: r.URN, Timeout: 1,
		Properties: r.MustCheck(inputs(t, map[string]any{"create": "sleep 1000"}))})
	if err == nil || !strings.Contains(err.Error(), "its time is over") {
		t.Errorf("error %v", err)
	}
}
