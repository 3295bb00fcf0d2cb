package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/metadata"
)

// exitedAfterMessage is the exit code by which cmd/run says that the user has seen the reason.
const exitedAfterMessage = 32

// Run runs the program once.
func (h *host) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.running, cancel)()

	cmd, err := h.program(ctx, req)
	if err != nil {
		return &pulumirpc.RunResponse{Error: err.Error()}, nil
	}
	// A writer that is no file makes exec copy the output and wait for its end. Handing over the
	// host's own files would let node switch them to non-blocking and lose text.
	cmd.Stdout = struct{ io.Writer }{os.Stdout}
	cmd.Stderr = struct{ io.Writer }{os.Stderr}
	debugger, err := h.debugger(cmd, req.GetAttachDebugger())
	if err != nil {
		return nil, err
	}
	if err := h.start(cmd); err != nil {
		return &pulumirpc.RunResponse{Error: "could not start node: " + err.Error()}, nil
	}
	if err := debugger(ctx, "Pulumi: Program (nodejs)"); err != nil {
		cancel()
		_, _ = h.wait(ctx, cmd)
		return nil, err
	}
	stopped, err := h.wait(ctx, cmd)
	return result(stopped, err), nil
}

func result(stopped bool, err error) *pulumirpc.RunResponse {
	var exit *exec.ExitError
	switch {
	case stopped:
		return &pulumirpc.RunResponse{Error: "the program was stopped: the operation was cancelled"}
	case err == nil:
		return &pulumirpc.RunResponse{}
	case errors.As(err, &exit) && exit.ExitCode() == exitedAfterMessage:
		return &pulumirpc.RunResponse{Bail: true}
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("Program exited with non-zero exit code: %d", exit.ExitCode())}
	default:
		return &pulumirpc.RunResponse{Error: "Program exited unexpectedly: " + err.Error()}
	}
}

// program is the command that runs the user's program.
func (h *host) program(ctx context.Context, req *pulumirpc.RunRequest) (*exec.Cmd, error) {
	opts, err := parseOptions(req.Info)
	if err != nil {
		return nil, err
	}
	script := os.Getenv("PULUMI_LANGUAGE_NODEJS_RUN_PATH")
	if script == "" {
		if script, err = entryPoint(req.Info.ProgramDirectory, "run"); err != nil {
			return nil, err
		}
	}
	configuration, err := configJSON(req.Config)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	secretKeys, err := json.Marshal(append([]string{}, req.ConfigSecretKeys...))
	if err != nil {
		return nil, err
	}
	cmd, err := node(ctx, append(append(append([]string{}, opts.nodeArgs...), script), h.arguments(req)...))
	if err != nil {
		return nil, err
	}
	cmd.Dir = req.Info.ProgramDirectory
	cmd.Env = append(os.Environ(), opts.env()...)
	cmd.Env = append(cmd.Env, "PULUMI_CONFIG="+configuration, "PULUMI_CONFIG_SECRET_KEYS="+string(secretKeys))
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		for _, parent := range md.Get("traceparent") {
			cmd.Env = append(cmd.Env, "TRACEPARENT="+parent)
		}
	}
	return cmd, nil
}

// arguments are those of cmd/run. The program talks to the engine's resource monitor itself:
// @pulumi/pulumi 3.270 makes no synchronous invokes, for which the official host adds a proxy.
func (h *host) arguments(req *pulumirpc.RunRequest) []string {
	var args []string
	flag := func(name, value string) {
		if value != "" {
			args = append(args, "--"+name, value)
		}
	}
	flag("monitor", req.MonitorAddress)
	flag("engine", h.engineAddress())
	flag("organization", req.Organization)
	flag("project", req.Project)
	flag("root-directory", req.Info.RootDirectory)
	flag("stack", req.Stack)
	flag("pwd", req.Info.ProgramDirectory)
	if req.DryRun {
		args = append(args, "--dry-run")
	}
	flag("parallel", strconv.Itoa(int(req.Parallel)))
	flag("tracing", h.tracing)
	entry := req.Info.EntryPoint
	if entry == "" {
		entry = "."
	}
	return append(append(args, entry), req.Args...)
}

// configJSON writes the keys as <namespace>:config:<name>, as the official host does.
func configJSON(values map[string]string) (string, error) {
	out := make(map[string]string, len(values))
	for k, v := range values {
		key, err := config.ParseKey(k)
		if err != nil {
			return "", err
		}
		out[key.Namespace()+":config:"+key.Name()] = v
	}
	text, err := json.Marshal(out)
	return string(text), err
}
