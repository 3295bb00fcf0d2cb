// Package lifetime keeps a process from outliving the one that it belongs to.
package lifetime

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// spawner starts processes from one thread that lives as long as this process: the kernel sends a
// child its parent-death signal when the thread that started it ends, not the process.
var spawner = func() chan<- func() {
	requests := make(chan func())
	go func() {
		runtime.LockOSThread()
		for start := range requests {
			start()
		}
	}()
	return requests
}()

// Start starts a command in a process group of its own. When this process is killed, the kernel
// kills the command too.
func Start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	spawner <- func() { started <- cmd.Start() }
	return <-started
}

// interval is how often the parent process is looked at: a killed engine cannot say so.
const interval = 200 * time.Millisecond

// WatchParent cancels when the process that started this one has ended.
func WatchParent(ctx context.Context, cancel context.CancelFunc) {
	parent := os.Getppid()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if os.Getppid() != parent {
				cancel()
				return
			}
		}
	}
}
