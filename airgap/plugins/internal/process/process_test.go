package process

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func sh(script string, out *bytes.Buffer) Command {
	return Command{Args: []string{"/bin/sh", "-c", script}, Env: os.Environ(), Stdout: out, Stderr: io.Discard}
}

func TestAllOutputArrives(t *testing.T) {
	var out bytes.Buffer
	if err := Run(context.Background(), sh("head -c 3000000 /dev/zero", &out)); err != nil {
		t.Fatal(err)
	}
	if out.Len() != 3000000 {
		t.Errorf("got %d bytes", out.Len())
	}
}

func TestInputThatNobodyReads(t *testing.T) {
	var out bytes.Buffer
	c := sh("echo done", &out)
	c.Stdin = strings.Repeat("x", 1<<20)
	if err := Run(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	if out.String() != "done\n" {
		t.Errorf("got %q", out.String())
	}
}

func TestDaemonOutlivesItsCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	var out bytes.Buffer
	if err := Run(context.Background(), sh("sleep 30 >/dev/null 2>&1 & echo $! > "+file, &out)); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(file)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if syscall.Kill(pid, 0) != nil {
		t.Error("a process that the command left on purpose was ended")
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

func TestCancelDoesNotWaitForOutsiders(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	file := filepath.Join(t.TempDir(), "pid")
	var out bytes.Buffer
	go func() {
		for range 200 {
			if text, _ := os.ReadFile(file); len(text) > 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	start := time.Now()
	// The process is in a session of its own and holds the output.
	err := Run(ctx, sh("setsid sh -c 'echo $$ > "+file+"; exec sleep 30' & sleep 1000", &out))
	if err == nil || time.Since(start) > Grace+3*time.Second {
		t.Errorf("error %v after %v", err, time.Since(start))
	}
	text, _ := os.ReadFile(file)
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func TestCancelledBeforeTheStart(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	file := filepath.Join(t.TempDir(), "ran")
	if err := Run(ctx, sh("touch "+file, &bytes.Buffer{})); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("it ran")
	}
}
