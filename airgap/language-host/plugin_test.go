package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
)

// policyPack is what node runs in the tests: an analyzer that tells what it was started with.
func policyPack() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer()
	pulumirpc.RegisterAnalyzerServer(server, &analyzer{})
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	_ = server.Serve(listener)
}

type analyzer struct {
	pulumirpc.UnimplementedAnalyzerServer
}

func (*analyzer) GetAnalyzerInfo(context.Context, *emptypb.Empty) (*pulumirpc.AnalyzerInfo, error) {
	dir, err := os.Getwd()
	return &pulumirpc.AnalyzerInfo{
		Name: os.Getenv("PULUMI_NODEJS_STACK"), DisplayName: os.Getenv("PULUMI_CONFIG"), Version: dir,
		Description: os.Getenv("PULUMI_NODEJS_DRY_RUN") + os.Getenv("PULUMI_NODEJS_TYPESCRIPT"),
	}, err
}

func TestPolicyPack(t *testing.T) {
	project, files := fakeNode(t, `exec "$SELF"`)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	address, _ := engine(t)
	p := startBinary(t, address)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := p.client.RunPlugin(ctx, &pulumirpc.RunPluginRequest{
		Info: info(t, project, map[string]any{"nodeargs": "--first"}), Kind: "analyzer", Pwd: "/", Args: []string{"engine", "pack"},
		Env: []string{"PATH=" + os.Getenv("PATH"), "POLICY_PACK_HELPER=1", "SELF=" + self},
	})
	if err != nil {
		t.Fatal(err)
	}
	message, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("127.0.0.1:"+strings.TrimSpace(string(message.GetStdout())),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	pack := pulumirpc.NewAnalyzerClient(conn)
	if _, err := pack.ConfigureStack(ctx, &pulumirpc.AnalyzerStackConfigureRequest{
		Stack: "dev", Project: "bank", Organization: "org", DryRun: true, Config: map[string]string{"bank:mode": "STRICT"},
	}); err != nil {
		t.Fatal(err)
	}
	got, err := pack.GetAnalyzerInfo(ctx, &emptypb.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "dev" || got.DisplayName != `{"bank:mode":"STRICT"}` || got.Version != project || got.Description != "truetrue" {
		t.Errorf("the pack saw %v", got)
	}
	want := []string{"--first", filepath.Join(project, "node_modules/@pulumi/pulumi/cmd/run-policy-pack/index.js"), "engine", "pack", project}
	if args := lines(t, files+"/args", "\n"); !slices.Equal(args, want) {
		t.Errorf("arguments %q, want %q", args, want)
	}
}

func TestPluginEnds(t *testing.T) {
	for script, want := range map[string]int32{"echo out; echo err >&2; exit 3": 3, "echo out; echo err >&2": 0} {
		project, files := fakeNode(t, script)
		address, _ := engine(t)
		p := startBinary(t, address)
		stream, err := p.client.RunPlugin(context.Background(), &pulumirpc.RunPluginRequest{
			Info: info(t, project, nil), Kind: "resource", Pwd: files, Args: []string{"engine"}, Env: os.Environ(),
		})
		if err != nil {
			t.Fatal(err)
		}
		var stdout, stderr string
		code := int32(0)
		for {
			message, err := stream.Recv()
			if err != nil {
				break
			}
			stdout += string(message.GetStdout())
			stderr += string(message.GetStderr())
			code += message.GetExitcode()
		}
		if stdout != "out\n" || stderr != "err\n" || code != want {
			t.Errorf("stdout %q, stderr %q, exit code %d, want %d", stdout, stderr, code, want)
		}
		wantArgs := []string{filepath.Join(project, "node_modules/@pulumi/pulumi/cmd/run-plugin/index.js"), project, "engine"}
		if args := lines(t, files+"/args", "\n"); !slices.Equal(args, wantArgs) {
			t.Errorf("arguments %q, want %q", args, wantArgs)
		}
		if got := lines(t, files+"/pwd", "\n")[0]; got != files {
			t.Errorf("ran in %s", got)
		}
	}
}
