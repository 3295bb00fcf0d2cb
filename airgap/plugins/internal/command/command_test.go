package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/property"

	"bankmesh/airgap/plugins/internal/plugintest"
)

const token = "command:local:Command"

func newCommand(t *testing.T) *plugintest.Resource { return plugintest.New(t, Provider(), token) }

func inputs(t *testing.T, values map[string]any) property.Map { return plugintest.Map(t, values) }

func TestCreateRunsTheCommand(t *testing.T) {
	dir := t.TempDir()
	r := newCommand(t).Create(inputs(t, map[string]any{
		"create": `pwd; cat; echo "$GREETING"; echo; echo bad >&2`, "stdin": "from stdin\n",
		"environment": map[string]any{"GREETING": "hello"}, "dir": dir, "logging": "none",
	}))
	want := dir + "\nfrom stdin\nhello\n"
	if got := r.Str("stdout"); got != want {
		t.Errorf("stdout %q, want %q: one newline is trimmed, not two", got, want)
	}
	if got := r.Str("stderr"); got != "bad" {
		t.Errorf("stderr %q", got)
	}
	if !r.State.Get("addPreviousOutputInEnv").AsBool() || r.ID == "" {
		t.Errorf("state %#v, id %q: the default is missing", r.State, r.ID)
	}
}

func TestInterpreter(t *testing.T) {
	r := newCommand(t).Create(inputs(t, map[string]any{
		"create": "$0-$1", "interpreter": []any{"/bin/sh", "-c", `echo "got $0"`},
	}))
	if got := r.Str("stdout"); got != "got $0-$1" {
		t.Errorf("stdout %q", got)
	}
}

func TestWithoutCommands(t *testing.T) {
	r := newCommand(t).Create(inputs(t, map[string]any{}))
	if r.Str("stdout") != "" {
		t.Error("something ran")
	}
	if err := r.Delete(); err != nil {
		t.Error(err)
	}
}

func TestUpdateAndDeleteSeeThePreviousOutput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deleted")
	values := map[string]any{
		"create": "echo one; echo err >&2", "update": `echo "two after $PULUMI_COMMAND_STDOUT and $PULUMI_COMMAND_STDERR"`,
		"delete": `echo "$PULUMI_COMMAND_STDOUT" > ` + file, "environment": map[string]any{"A": "1"},
	}
	r := newCommand(t).Create(inputs(t, values))
	values["environment"] = map[string]any{"A": "2"}
	r.Update(inputs(t, values), false)
	if got := r.Str("stdout"); got != "two after one and err" {
		t.Errorf("stdout %q", got)
	}
	if err := r.Delete(); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(file); string(text) != "two after one and err\n" {
		t.Errorf("delete saw %q", text)
	}
}

func TestUpdateWithoutUpdateRunsCreateAgain(t *testing.T) {
	values := map[string]any{"create": `echo "$A<$PULUMI_COMMAND_STDOUT>"`, "environment": map[string]any{"A": "1"},
		"addPreviousOutputInEnv": false}
	r := newCommand(t).Create(inputs(t, values))
	values["environment"] = map[string]any{"A": "2"}
	r.Update(inputs(t, values), false)
	if got := r.Str("stdout"); got != "2<>" {
		t.Errorf("stdout %q: create has to run again, without the previous output", got)
	}
}

func TestDiff(t *testing.T) {
	base := func() map[string]any {
		return map[string]any{"create": "true", "triggers": []any{"a", "b"}, "environment": map[string]any{"X": "1"}}
	}
	r := newCommand(t).Create(inputs(t, base()))
	for name, c := range map[string]struct {
		change func(map[string]any)
		want   map[string]provider.DiffKind
	}{
		"nothing":         {func(map[string]any) {}, map[string]provider.DiffKind{}},
		"trigger changed": {func(m map[string]any) { m["triggers"] = []any{"a", "c"} }, map[string]provider.DiffKind{"triggers[1]": provider.UpdateReplace}},
		"trigger added":   {func(m map[string]any) { m["triggers"] = []any{"a", "b", "c"} }, map[string]provider.DiffKind{"triggers[2]": provider.AddReplace}},
		"trigger removed": {func(m map[string]any) { m["triggers"] = []any{"a"} }, map[string]provider.DiffKind{"triggers[1]": provider.DeleteReplace}},
		"triggers gone":   {func(m map[string]any) { delete(m, "triggers") }, map[string]provider.DiffKind{"triggers": provider.DeleteReplace}},
		"trigger unknown": {func(m map[string]any) { m["triggers"] = []any{"a", plugintest.Unknown} }, map[string]provider.DiffKind{"triggers[1]": provider.UpdateReplace}},
		"create":          {func(m map[string]any) { m["create"] = "false" }, map[string]provider.DiffKind{"create": provider.Update}},
		"environment":     {func(m map[string]any) { m["environment"] = map[string]any{"X": "2"} }, map[string]provider.DiffKind{"environment.X": provider.Update}},
		"delete added":    {func(m map[string]any) { m["delete"] = "true" }, map[string]provider.DiffKind{"delete": provider.Add}},
	} {
		t.Run(name, func(t *testing.T) {
			values := base()
			c.change(values)
			got := r.Diff(inputs(t, values))
			if len(got) != len(c.want) {
				t.Fatalf("diff %v, want %v", got, c.want)
			}
			for path, kind := range c.want {
				if got[path] != kind {
					t.Errorf("diff %v, want %v", got, c.want)
				}
			}
		})
	}
}

func TestPreviewRunsNothingAndKeepsUnknowns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ran")
	touch := map[string]any{"create": "touch " + file}
	r := newCommand(t)
	if out := r.Preview(inputs(t, touch)); !out.Get("stdout").IsComputed() || !out.Get("stderr").IsComputed() {
		t.Errorf("preview of create: %#v", out)
	}
	out := r.Preview(inputs(t, map[string]any{"create": plugintest.Unknown, "stdin": plugintest.Unknown,
		"environment": map[string]any{"A": plugintest.Unknown}, "triggers": plugintest.Unknown}))
	if !out.Get("create").IsComputed() || !out.Get("stdin").IsComputed() {
		t.Errorf("unknown inputs became known: %#v", out)
	}
	r.Create(inputs(t, map[string]any{"create": "echo 1"}))
	if out := r.Update(inputs(t, touch), true); !out.Get("stdout").IsComputed() {
		t.Errorf("preview of update: %#v", out)
	}
	if out := r.Update(inputs(t, map[string]any{"create": "echo 1"}), true); out.Get("stdout").AsString() != "1" {
		t.Errorf("preview without a change: %#v", out)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a preview ran the command")
	}
}

func TestSecretsStay(t *testing.T) {
	secret := property.New("geheim").WithSecret(true)
	in := inputs(t, map[string]any{"create": `echo "$S"`, "stdin": secret, "environment": map[string]any{"S": secret}})
	r := newCommand(t)
	for name, out := range map[string]property.Map{"preview": r.Preview(in), "create": r.Create(in).State} {
		if !out.Get("stdin").Secret() || !out.Get("environment").AsMap().Get("S").Secret() {
			t.Errorf("%s lost a secret: %#v", name, out)
		}
		// As the official plugin: only additionalSecretOutputs makes the output secret.
		if out.Get("stdout").Secret() {
			t.Errorf("%s: stdout is secret", name)
		}
	}
}

func TestSecretsAreNotInTheProcessList(t *testing.T) {
	r := newCommand(t).Create(inputs(t, map[string]any{
		"create": "tr '\\0' ' ' < /proc/$$/cmdline", "stdin": "GEHEIM-STDIN", "environment": map[string]any{"S": "GEHEIM-ENV"},
	}))
	if got := r.Str("stdout"); strings.Contains(got, "GEHEIM") || !strings.Contains(got, "/proc/") {
		t.Errorf("arguments %q", got)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		inputs map[string]any
		want   string
	}{
		"archive paths": {map[string]any{"archivePaths": []any{"*"}}, "archivePaths is not implemented"},
		"asset paths":   {map[string]any{"assetPaths": []any{"*"}}, "assetPaths is not implemented"},
		"unknown input": {map[string]any{"creat": "x"}, "creat"},
		"wrong type":    {map[string]any{"stdin": []any{1}}, "stdin"},
	} {
		t.Run(name, func(t *testing.T) {
			_, failures := newCommand(t).Check(inputs(t, c.inputs))
			if !strings.Contains(strings.Join(failures, "\n"), c.want) {
				t.Errorf("failures %v, want one with %q", failures, c.want)
			}
		})
	}
	_, failures := plugintest.New(t, Provider(), "command:remote:Command").Check(inputs(t, nil))
	if len(failures) != 1 || !strings.Contains(failures[0], "command:remote:Command is not implemented") {
		t.Errorf("failures %v", failures)
	}
}
