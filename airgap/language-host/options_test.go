package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/nodejs/npm"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

func info(t *testing.T, dir string, opts map[string]any) *pulumirpc.ProgramInfo {
	t.Helper()
	s, err := structpb.NewStruct(opts)
	if err != nil {
		t.Fatal(err)
	}
	return &pulumirpc.ProgramInfo{RootDirectory: dir, ProgramDirectory: dir, EntryPoint: ".", Options: s}
}

func TestOptions(t *testing.T) {
	for name, c := range map[string]struct {
		opts map[string]any
		want options
		env  []string
	}{
		"none": {nil, options{typescript: true, packageManager: npm.AutoPackageManager}, []string{"PULUMI_NODEJS_TYPESCRIPT=true"}},
		"javascript": {map[string]any{"typescript": false, "packagemanager": "npm"},
			options{packageManager: npm.NpmPackageManager}, nil},
		"all": {map[string]any{"typescript": true, "tsconfig": "ts.json", "nodeargs": `--import tsx --title "a b" -r 'x y'`},
			options{typescript: true, tsconfig: "ts.json", packageManager: npm.AutoPackageManager,
				nodeArgs: []string{"--import", "tsx", "--title", "a b", "-r", "x y"}},
			[]string{"PULUMI_NODEJS_TYPESCRIPT=true", "PULUMI_NODEJS_TSCONFIG_PATH=ts.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseOptions(info(t, "/", c.opts))
			if err != nil {
				t.Fatal(err)
			}
			if got.nodeArgs == nil {
				got.nodeArgs = c.want.nodeArgs[:len(c.want.nodeArgs):len(c.want.nodeArgs)]
			}
			if !reflect.DeepEqual(got, c.want) || !reflect.DeepEqual(got.env(), c.env) {
				t.Errorf("options %+v, env %v, want %+v, %v", got, got.env(), c.want, c.env)
			}
		})
	}
}

func TestBadOptions(t *testing.T) {
	for key, value := range map[string]any{
		"typescript": "yes", "tsconfig": true, "nodeargs": 1.0, "packagemanager": "cargo",
	} {
		if _, err := parseOptions(info(t, "/", map[string]any{key: value})); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s %v: error %v", key, value, err)
		}
	}
	if _, err := parseOptions(info(t, "/", map[string]any{"nodeargs": `"open`})); err == nil {
		t.Error("an open quote is no error")
	}
}
