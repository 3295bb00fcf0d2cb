package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	provider "github.com/pulumi/pulumi-go-provider"

	"bankmesh/airgap/plugins/internal/process"
)

// run runs one command and sets its outputs. The text of the command, its environment and its
// input may be secret: none of them gets into an error.
func run(ctx context.Context, what, command string, in BaseInputs, out *BaseOutputs) error {
	args := []string{"/bin/sh", "-c"}
	if in.Interpreter != nil && len(*in.Interpreter) > 0 {
		args = append([]string{}, *in.Interpreter...)
	}
	dir, err := workingDir(in.Dir)
	if err != nil {
		return err
	}
	var stdout, stderr bytes.Buffer
	var shown syncBuffer
	log := &lineLogger{info: provider.GetLogger(ctx).Info}
	err = process.Run(ctx, process.Command{
		Args:   append(args, command),
		Dir:    dir,
		Env:    environment(in, out),
		Stdin:  value(in.Stdin),
		Stdout: output(&stdout, &shown, log, in.Logging.stdout()),
		Stderr: output(&stderr, &shown, log, in.Logging.stderr()),
	})
	log.flush()
	if err != nil {
		return failure(ctx, what, err, in.Logging, shown.String())
	}
	out.Stdout = strings.TrimSuffix(stdout.String(), "\n")
	out.Stderr = strings.TrimSuffix(stderr.String(), "\n")
	return nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func workingDir(dir *string) (string, error) {
	if dir == nil {
		return os.Getwd()
	}
	info, err := os.Stat(*dir)
	if err != nil {
		return "", fmt.Errorf("dir: %w", err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("dir: %s is not a folder", *dir)
	}
	return *dir, nil
}

func environment(in BaseInputs, out *BaseOutputs) []string {
	env := os.Environ()
	if in.Environment != nil {
		for k, v := range *in.Environment {
			env = append(env, k+"="+v)
		}
	}
	if in.AddPreviousOutputInEnv == nil || *in.AddPreviousOutputInEnv {
		if out.Stdout != "" {
			env = append(env, "PULUMI_COMMAND_STDOUT="+out.Stdout)
		}
		if out.Stderr != "" {
			env = append(env, "PULUMI_COMMAND_STDERR="+out.Stderr)
		}
	}
	return env
}

// output captures a stream, and logs and shows it as far as logging allows.
func output(capture, shown io.Writer, log *lineLogger, logged bool) io.Writer {
	if logged {
		return io.MultiWriter(capture, shown, log.stream())
	}
	return capture
}

// failure is the error of a failed command: what may be shown of its output is what logging lets
// through.
func failure(ctx context.Context, what string, err error, logging *Logging, shown string) error {
	if cause := context.Cause(ctx); cause != nil {
		why := "the operation was cancelled"
		if errors.Is(cause, context.DeadlineExceeded) {
			why = "its time is over (customTimeouts)"
		}
		return fmt.Errorf("the %s command was stopped: %s", what, why)
	}
	if logging != nil && *logging == logNone {
		return fmt.Errorf("%w: running the %s command (its output is hidden: logging is none)", err, what)
	}
	return fmt.Errorf("%w: running the %s command:\n%s", err, what, shown)
}

// syncBuffer is a buffer for two writers.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// lineLogger logs whole lines.
type lineLogger struct {
	info    func(string)
	mu      sync.Mutex
	streams []*lines
}

type lines struct {
	log  *lineLogger
	rest []byte
}

func (l *lineLogger) stream() io.Writer {
	s := &lines{log: l}
	l.streams = append(l.streams, s)
	return s
}

func (l *lineLogger) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.streams {
		if len(s.rest) > 0 {
			l.info(string(s.rest))
		}
	}
}

func (s *lines) Write(p []byte) (int, error) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.rest = append(s.rest, p...)
	for {
		i := bytes.IndexByte(s.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		if line := strings.TrimRight(string(s.rest[:i]), "\r"); line != "" {
			s.log.info(line)
		}
		s.rest = s.rest[i+1:]
	}
}
