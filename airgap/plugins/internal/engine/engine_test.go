// Package engine_test runs the stand-ins under the real Pulumi engine and language host.
package engine_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stack is a stack of a program from testdata, with a state of its own.
type stack struct {
	t    *testing.T
	dir  string
	env  []string
	mark string
}

// newStack needs the toolbox: BANKMESH_TOOLBOX is its bin folder, with node there or on PATH, and
// BANKMESH_NODE_MODULES the project's installed packages.
func newStack(t *testing.T, program string) *stack {
	t.Helper()
	bin, modules := os.Getenv("BANKMESH_TOOLBOX"), os.Getenv("BANKMESH_NODE_MODULES")
	if bin == "" || modules == "" {
		t.Skip("BANKMESH_TOOLBOX and BANKMESH_NODE_MODULES are not set")
	}
	dir, home := t.TempDir(), t.TempDir()
	files, err := filepath.Glob(filepath.Join("testdata", program, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(program, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	mark := "BANKMESH_TEST_MARK=" + home
	s := &stack{t: t, dir: dir, mark: mark, env: append(os.Environ(), mark, "PATH="+bin+":"+os.Getenv("PATH"),
		"PULUMI_HOME="+home, "PULUMI_BACKEND_URL=file://"+home, "PULUMI_CONFIG_PASSPHRASE=test",
		"PULUMI_SKIP_UPDATE_CHECK=true", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true")}
	s.ok("stack", "init", "dev")
	return s
}

func (s *stack) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(os.Getenv("BANKMESH_TOOLBOX"), "pulumi"), append(args, "--non-interactive")...)
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

// ok runs pulumi and returns its output; a failure ends the test.
func (s *stack) ok(args ...string) string {
	s.t.Helper()
	cmd := s.command(args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("pulumi %v: %v\n%s%s", args, err, out, stderr.String())
	}
	return string(out)
}

func (s *stack) up() { s.t.Helper(); s.ok("up", "--yes", "--skip-preview") }

// preview returns what would be done to which resource, unchanged ones left out.
func (s *stack) preview() map[string]string {
	s.t.Helper()
	var plan struct {
		Steps []struct{ Op, Urn string }
	}
	if err := json.Unmarshal([]byte(s.ok("preview", "--json")), &plan); err != nil {
		s.t.Fatal(err)
	}
	steps := map[string]string{}
	for _, step := range plan.Steps {
		parts := strings.Split(step.Urn, "::")
		kind := parts[2][strings.LastIndex(parts[2], ":")+1:]
		if step.Op == "same" || kind == "Stack" || strings.HasPrefix(parts[2], "pulumi:providers:") {
			continue
		}
		if step.Op == "create-replacement" || step.Op == "delete-replaced" {
			continue
		}
		steps[kind+" "+parts[3]] = step.Op
	}
	return steps
}

func (s *stack) outputs() map[string]string {
	s.t.Helper()
	var outputs map[string]string
	if err := json.Unmarshal([]byte(s.ok("stack", "output", "--json", "--show-secrets")), &outputs); err != nil {
		s.t.Fatal(err)
	}
	return outputs
}

func TestLifeOfAStack(t *testing.T) {
	s := newStack(t, "program")
	deleted := filepath.Join(t.TempDir(), "deleted")
	s.ok("config", "set", "deleted", deleted)
	if got := s.preview(); len(got) != 11 || got["Command command"] != "create" {
		t.Errorf("first preview %v", got)
	}
	s.up()
	outputs := s.outputs()
	for name, want := range map[string]string{"stdout": "in\ncreated a", "runStdout": "saw it"} {
		if got := outputs[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	verify(t, outputs)

	s.ok("up", "--yes", "--skip-preview", "--expect-no-changes")
	s.ok("refresh", "--yes", "--skip-preview", "--expect-no-changes")

	for _, c := range []struct {
		config []string
		want   map[string]string
		apply  bool
	}{
		{[]string{"mode=b", "earlyRenewalHours=10"},
			map[string]string{"Command command": "update", "LocallySignedCert server": "update"}, true},
		// The whole time is renewal time: every update makes a new certificate.
		{[]string{"earlyRenewalHours=8760"}, map[string]string{"LocallySignedCert server": "replace"}, false},
		{[]string{"keeper=2", "earlyRenewalHours=10"}, map[string]string{"RandomId id": "replace", "Command command": "replace"}, true},
	} {
		set := []string{"config", "set-all"}
		for _, pair := range c.config {
			set = append(set, "--plaintext", pair)
		}
		s.ok(set...)
		if got := s.preview(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: preview %v, want %v", c.config, got, c.want)
		}
		if c.apply {
			s.up()
		}
	}
	s.ok("preview", "--expect-no-changes")
	outputs = s.outputs()
	if got := outputs["stdout"]; got != "in\ncreated b" {
		t.Errorf("stdout %q", got)
	}
	state := s.ok("stack", "export")
	for _, secret := range []string{"PRIVATE KEY", "secret-of-the-test", outputs["passwordResult"]} {
		if strings.Contains(state, secret) {
			t.Errorf("the state holds %q in plain text", secret)
		}
	}
	s.ok("destroy", "--yes", "--skip-preview")
	if text, _ := os.ReadFile(deleted); string(text) != "deleted\ndeleted\n" {
		t.Errorf("delete ran %q", text)
	}
}

// verify checks the certificate chain with OpenSSL.
func verify(t *testing.T, outputs map[string]string) {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"caPem", "certPem"} {
		files[name] = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(files[name], []byte(outputs[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("openssl", "verify", "-CAfile", files["caPem"], "-purpose", "sslserver",
		"-verify_hostname", "app.local", files["certPem"]).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// processes are those that inherited the stack's mark.
func (s *stack) processes() []string {
	var found []string
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range environs {
		env, _ := os.ReadFile(file)
		if strings.Contains(string(env), s.mark+"\x00") {
			cmdline, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
			found = append(found, strings.ReplaceAll(string(cmdline), "\x00", " "))
		}
	}
	return found
}

func TestInterruptedRunLeavesNoProcess(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"SIGKILL": syscall.SIGKILL, "SIGINT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, "slow")
			started := filepath.Join(t.TempDir(), "started")
			s.ok("config", "set", "started", started)
			up := s.command("up", "--yes", "--skip-preview")
			if err := up.Start(); err != nil {
				t.Fatal(err)
			}
			for range 600 {
				if _, err := os.Stat(started); err == nil {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			if n := len(s.processes()); n < 4 {
				t.Errorf("%d processes run: %q", n, s.processes())
			}
			if err := up.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			_ = up.Wait()
			end := time.Now().Add(6 * time.Second)
			for len(s.processes()) > 0 {
				if time.Now().After(end) {
					t.Fatalf("still there: %q", s.processes())
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
}
