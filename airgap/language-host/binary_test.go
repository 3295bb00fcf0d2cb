package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"bankmesh/airgap/lifetime/lifetimetest"
)

var binary string

func TestMain(m *testing.M) {
	if os.Getenv("POLICY_PACK_HELPER") != "" {
		policyPack()
		return
	}
	dir, err := os.MkdirTemp("", "language-host")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "pulumi-language-nodejs")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// process is a running language host behind a shell, as the engine is its parent.
type process struct {
	shell  *exec.Cmd
	pid    int
	output *bufio.Reader
	client pulumirpc.LanguageRuntimeClient
}

func startBinary(t *testing.T, engine string) *process {
	t.Helper()
	// The shell stays the parent and ends only when it is killed.
	shell := exec.Command("/bin/sh", "-c", `"$0" "$1" & echo $!; wait; sleep 100`, binary, engine)
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	shell.Stderr = os.Stderr
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{shell: shell, output: bufio.NewReader(out)}
	var port int
	for _, number := range []*int{&p.pid, &port} {
		line, err := p.output.ReadString('\n')
		if _, scanErr := fmt.Sscan(line, number); err != nil || scanErr != nil {
			t.Fatalf("line %q: %v", line, err)
		}
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)
		_ = shell.Wait()
	})
	conn, err := grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p.client = pulumirpc.NewLanguageRuntimeClient(conn)
	return p
}

// engine answers health checks until it is stopped.
func engine(t *testing.T) (string, func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	healthpb.RegisterHealthServer(server, health.NewServer())
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String(), server.Stop
}

func TestNothingIsLeftBehind(t *testing.T) {
	for name, end := range map[string]func(p *process, stopEngine func()){
		"parent killed":      func(p *process, _ func()) { _ = p.shell.Process.Kill() },
		"engine gone":        func(_ *process, stop func()) { stop() },
		"interrupt":          func(p *process, _ func()) { _ = syscall.Kill(p.pid, syscall.SIGINT) },
		"termination":        func(p *process, _ func()) { _ = syscall.Kill(p.pid, syscall.SIGTERM) },
		"host itself killed": func(p *process, _ func()) { _ = syscall.Kill(p.pid, syscall.SIGKILL) },
	} {
		t.Run(name, func(t *testing.T) {
			script, count := `echo $$ > "$F/pids"; exec sleep 1000`, 1
			if name == "parent killed" {
				// A shell's background process ignores the interrupt and has to be killed.
				script, count = `sleep 1000 & echo $! $$ > "$F/pids"; wait`, 2
			}
			project, files := fakeNode(t, script)
			address, stopEngine := engine(t)
			p := startBinary(t, address)
			go func() { _, _ = p.client.Run(context.Background(), request(t, project, nil)) }()
			running := lifetimetest.PIDs(t, files+"/pids", count)
			start := time.Now()
			end(p, stopEngine)
			limit := healthInterval + 6*time.Second
			for _, pid := range append(running, p.pid) {
				for !lifetimetest.Gone(pid) {
					if time.Since(start) > limit {
						t.Fatalf("process %d is still there after %v", pid, time.Since(start))
					}
				}
			}
		})
	}
}

func TestAllOutputReachesTheEngine(t *testing.T) {
	project, _ := fakeNode(t, `i=0; while [ $i -lt 20000 ]; do echo "line $i of the program"; i=$((i+1)); done; printf 'no newline'`)
	address, _ := engine(t)
	p := startBinary(t, address)
	got := make(chan string, 1)
	go func() {
		var text strings.Builder
		for {
			line, err := p.output.ReadString('\n')
			text.WriteString(line)
			if err != nil || strings.Contains(line, "no newline") {
				break
			}
		}
		got <- text.String()
	}()
	res, err := p.client.Run(context.Background(), request(t, project, nil))
	if err != nil || res.Error != "" {
		t.Fatal(res, err)
	}
	_ = syscall.Kill(p.pid, syscall.SIGINT)
	_ = syscall.Kill(-p.shell.Process.Pid, syscall.SIGTERM)
	text := <-got
	if n := strings.Count(text, "of the program\n"); n != 20000 || !strings.HasSuffix(text, "no newline") {
		t.Errorf("%d lines arrived, the end is %q", n, text[max(0, len(text)-40):])
	}
}

func TestHandshakeAndInformation(t *testing.T) {
	address, _ := engine(t)
	p := startBinary(t, address)
	ctx := context.Background()
	if _, err := p.client.Handshake(ctx, &pulumirpc.LanguageHandshakeRequest{EngineAddress: address}); err != nil {
		t.Error(err)
	}
	if info, err := p.client.GetPluginInfo(ctx, nil); err != nil || info.Version != version {
		t.Error(info, err)
	}
	if _, err := p.client.GenerateProgram(ctx, &pulumirpc.GenerateProgramRequest{}); err == nil ||
		!strings.Contains(err.Error(), "not supported") {
		t.Errorf("error %v", err)
	}
	res, err := p.client.RuntimeOptionsPrompts(ctx, &pulumirpc.RuntimeOptionsRequest{Info: info(t, "/", nil)})
	if err != nil || len(res.Prompts) != 1 || res.Prompts[0].Key != "packagemanager" {
		t.Error(res, err)
	}
}

func TestVersionAndRuntimeFlags(t *testing.T) {
	if out, err := exec.Command(binary, "-version").Output(); err != nil || string(out) != version+"\n" {
		t.Errorf("%q %v", out, err)
	}
	out, err := exec.Command(binary, "-runtime", "bun").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "nodejs only") {
		t.Errorf("%q %v", out, err)
	}
}
