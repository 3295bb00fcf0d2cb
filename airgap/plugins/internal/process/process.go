// Package process runs commands that leave nothing behind when they are cancelled.
package process

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"bankmesh/airgap/lifetime"
)

// Grace is what a command gets between the interrupt and the kill. A provider has less than five
// seconds between the engine's interrupt and its kill.
const Grace = 3 * time.Second

// Command is what Run runs. Nothing but Args is visible in the list of processes.
type Command struct {
	Args   []string
	Dir    string
	Env    []string
	Stdin  string
	Stdout io.Writer
	Stderr io.Writer
}

// Run runs a command in a process group of its own and waits for it and for the end of its
// output. When ctx ends, the group is interrupted, and killed after the grace.
func Run(ctx context.Context, c Command) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	var pipes pipes
	defer pipes.close()
	if err := pipes.connect(cmd, c); err != nil {
		return err
	}
	err := lifetime.Start(cmd)
	pipes.closeChildEnds()
	if err != nil {
		return err
	}

	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		pipes.readers.Wait()
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), stop(cmd.Process.Pid, ended, &pipes))
	}
}

// stop ends a process group and waits for it.
func stop(pid int, ended <-chan error, pipes *pipes) error {
	_ = syscall.Kill(-pid, syscall.SIGINT)
	select {
	case err := <-ended:
		// The command has ended by itself; what it left in its group has to go too.
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		return err
	case <-time.After(Grace):
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	select {
	case err := <-ended:
		return err
	case <-time.After(500 * time.Millisecond):
		// Something outside the group still holds the output: do not wait for it.
		pipes.close()
		return <-ended
	}
}

// pipes connect a command. They are pipes of this package and not of os/exec, which waits for
// the end of the output without regard to a cancelled context.
type pipes struct {
	own, child []*os.File
	readers    sync.WaitGroup
}

func (p *pipes) connect(cmd *exec.Cmd, c Command) error {
	if c.Stdin != "" {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		p.child, p.own = append(p.child, r), append(p.own, w)
		cmd.Stdin = r
		go func() {
			// A command need not read its input: a broken pipe is no error.
			_, _ = io.Copy(w, strings.NewReader(c.Stdin))
			_ = w.Close()
		}()
	}
	for _, out := range []struct {
		file *io.Writer
		to   io.Writer
	}{{&cmd.Stdout, c.Stdout}, {&cmd.Stderr, c.Stderr}} {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		p.own, p.child = append(p.own, r), append(p.child, w)
		*out.file = w
		p.readers.Add(1)
		go func() {
			defer p.readers.Done()
			_, _ = io.Copy(out.to, r)
		}()
	}
	return nil
}

func (p *pipes) closeChildEnds() {
	for _, f := range p.child {
		_ = f.Close()
	}
}

func (p *pipes) close() {
	p.closeChildEnds()
	for _, f := range p.own {
		_ = f.Close()
	}
}
