package lifecycle_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"

	"bankmesh/airgap/lifetime/lifetimetest"
)

var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "lifecycle")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "pulumi-resource-command")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/pulumi-resource-command").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// start runs the command plugin under a shell that takes the engine's place, and returns the
// shell, the plugin's process and a client.
func start(t *testing.T) (*exec.Cmd, int, pulumirpc.ResourceProviderClient) {
	t.Helper()
	shell := exec.Command("/bin/sh", "-c", `"$0" & echo $!; wait; sleep 100`, binary)
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	shell.Stderr = os.Stderr
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL)
		_ = shell.Wait()
	})
	lines := bufio.NewScanner(out)
	var numbers []int
	for len(numbers) < 2 && lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, n)
	}
	if len(numbers) < 2 {
		t.Fatal("the plugin did not start")
	}
	conn, err := grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", numbers[1]), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return shell, numbers[0], pulumirpc.NewResourceProviderClient(conn)
}

func TestNothingIsLeftBehind(t *testing.T) {
	for name, end := range map[string]func(shell *exec.Cmd, plugin int){
		"engine killed": func(shell *exec.Cmd, _ int) { _ = shell.Process.Kill() },
		"interrupt":     func(_ *exec.Cmd, plugin int) { _ = syscall.Kill(plugin, syscall.SIGINT) },
		"termination":   func(_ *exec.Cmd, plugin int) { _ = syscall.Kill(plugin, syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shell, plugin, client := start(t)
			file := filepath.Join(t.TempDir(), "pids")
			props, err := structpb.NewStruct(map[string]any{
				"create": `trap "" INT TERM; sleep 1000 & echo $! $$ > ` + file + `; while :; do sleep 1; done`,
			})
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				_, _ = client.Create(context.Background(), &pulumirpc.CreateRequest{
					Urn: "urn:pulumi:dev::p::command:local:Command::c", Properties: props,
				})
			}()
			var pids []int
			for range 500 {
				text, _ := os.ReadFile(file)
				if fields := strings.Fields(string(text)); len(fields) == 2 {
					for _, f := range fields {
						pid, _ := strconv.Atoi(f)
						pids = append(pids, pid)
					}
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			if len(pids) != 2 {
				t.Fatal("the command did not start")
			}
			begin := time.Now()
			end(shell, plugin)
			for _, pid := range append(pids, plugin) {
				// The engine kills a plugin that is still there after five seconds.
				for !lifetimetest.Gone(pid) {
					if time.Since(begin) > 5*time.Second {
						t.Fatalf("process %d is still there", pid)
					}
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
}

func TestIdlePluginEndsAtOnce(t *testing.T) {
	_, plugin, client := start(t)
	if info, err := client.GetPluginInfo(context.Background(), nil); err != nil || info.Version != "1.2.1" {
		t.Errorf("%v %v", info, err)
	}
	begin := time.Now()
	_ = syscall.Kill(plugin, syscall.SIGINT)
	for !lifetimetest.Gone(plugin) {
		if time.Since(begin) > time.Second {
			t.Fatal("it takes longer than a second")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
