package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi-internal/netutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

// defaultDebugPort is where node listens for a debugger when nothing else is said.
const defaultDebugPort = 9229

// debugger makes node wait for a debugger if asked to. The function that it returns tells the
// engine where to attach, once the command runs.
func (h *host) debugger(cmd *exec.Cmd, attach bool) (func(context.Context, string) error, error) {
	if !attach {
		return func(context.Context, string) error { return nil }, nil
	}
	port, err := netutil.FindNextAvailablePort(defaultDebugPort)
	if err != nil {
		return nil, fmt.Errorf("no port for the debugger: %w", err)
	}
	cmd.Args = slices.Insert(cmd.Args, 1, fmt.Sprintf("--inspect-brk=%d", port), "--inspect-publish-uid=http")
	return func(ctx context.Context, name string) error {
		engine, closeEngine, err := h.connect()
		if err != nil {
			return err
		}
		defer closeEngine()
		config, err := structpb.NewStruct(map[string]any{
			"name": name, "type": "node", "request": "attach", "processId": cmd.Process.Pid, "port": port,
			"continueOnAttach": true, "skipFiles": []any{"<node_internals>/**"},
		})
		if err != nil {
			return err
		}
		_, err = engine.StartDebugging(ctx, &pulumirpc.StartDebuggingRequest{
			Config:  config,
			Message: fmt.Sprintf("on process id %d and port %d", cmd.Process.Pid, port),
		})
		return err
	}, nil
}
