package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"bankmesh/airgap/lifetime"
)

// grace is what a child gets between the interrupt and the kill. The engine gives the host five
// seconds, so it has to be less. Tests shorten it.
var grace = 3 * time.Second

// node returns a command that runs node, for start. When ctx ends, its whole process group is
// interrupted, and killed after the grace.
func node(ctx context.Context, args []string) (*exec.Cmd, error) {
	bin, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("node is not on PATH: install Node.js 22 or later (%w)", err)
	}
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.WaitDelay = grace
	cmd.Cancel = func() error {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		return nil
	}
	return cmd, nil
}

// start starts a command made by node.
func (h *host) start(cmd *exec.Cmd) error {
	h.children.Add(1)
	err := lifetime.Start(cmd)
	if err != nil {
		h.children.Done()
	}
	return err
}

// wait waits for a started command and its output, and says whether it was stopped by ctx. What
// is left of the group of a stopped program is killed.
func (h *host) wait(ctx context.Context, cmd *exec.Cmd) (stopped bool, err error) {
	defer h.children.Done()
	err = cmd.Wait()
	if ctx.Err() != nil {
		killGroup(cmd)
		return true, err
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		// The program ended well; something that it started still holds its output.
		err = nil
	}
	return false, err
}

// killGroup kills what is left of the group of a command that has ended or has to.
func killGroup(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}

// entryPoint finds a script of the installed @pulumi/pulumi the way require does from dir.
func entryPoint(dir, name string) (string, error) {
	for d := dir; ; d = filepath.Dir(d) {
		p := filepath.Join(d, "node_modules", "@pulumi", "pulumi", "cmd", name, "index.js")
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf(
				"the Pulumi SDK is not installed: no node_modules/@pulumi/pulumi/cmd/%s in %s or above; run npm ci in %s",
				name, dir, dir)
		}
	}
}
