package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"

	"github.com/pulumi/pulumi/sdk/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// RunPlugin runs a plugin that is written in JavaScript or TypeScript: a policy pack (kind
// analyzer) or a component provider.
func (h *host) RunPlugin(
	req *pulumirpc.RunPluginRequest, server grpc.ServerStreamingServer[pulumirpc.RunPluginResponse],
) error {
	ctx, cancel := context.WithCancel(server.Context())
	defer cancel()
	defer context.AfterFunc(h.running, cancel)()

	closer, stdout, stderr, err := rpcutil.MakeRunPluginStreams(server, false)
	if err != nil {
		return err
	}
	defer func() { _ = closer.Close() }()

	policyPack := req.Kind == string(apitype.AnalyzerPlugin)
	var proxy *sdk.PolicyProxy
	env := req.Env
	if policyPack {
		// @pulumi/policy reads the stack and its configuration from the environment, so the
		// engine's ConfigureStack has to come before node starts: the proxy takes that call.
		if proxy, stdout, err = sdk.NewPolicyProxy(ctx, stdout); err != nil {
			return fmt.Errorf("could not start the policy pack's proxy: %w", err)
		}
		stack, err := proxy.AwaitConfiguration(ctx)
		if err != nil {
			return fmt.Errorf("could not get the stack's configuration: %w", err)
		}
		if env, err = stackEnv(env, stack); err != nil {
			return err
		}
	}
	cmd, err := pluginCommand(ctx, req, policyPack, env)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = struct{ io.Writer }{stdout}, struct{ io.Writer }{stderr}
	debugger, err := h.debugger(cmd, req.GetAttachDebugger())
	if err != nil {
		return err
	}
	if err := h.start(cmd); err != nil {
		return fmt.Errorf("could not start node: %w", err)
	}
	if err := debugger(ctx, fmt.Sprintf("Pulumi: Plugin (%s)", req.Name)); err != nil {
		cancel()
		_, _ = h.wait(ctx, cmd)
		return err
	}
	if proxy != nil {
		// Attach waits for the command, but returns at once when it cannot configure it.
		err = proxy.Attach(ctx, cmd)
		killGroup(cmd)
		h.children.Done()
	} else {
		_, err = h.wait(ctx, cmd)
	}
	return pluginResult(server, ctx, err)
}

func pluginResult(
	server grpc.ServerStreamingServer[pulumirpc.RunPluginResponse], ctx context.Context, err error,
) error {
	var exit *exec.ExitError
	switch {
	case err == nil, ctx.Err() != nil:
		return nil
	case errors.As(err, &exit):
		return server.Send(&pulumirpc.RunPluginResponse{
			Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(exit.ExitCode())},
		})
	default:
		return fmt.Errorf("the plugin ended unexpectedly: %w", err)
	}
}

func pluginCommand(
	ctx context.Context, req *pulumirpc.RunPluginRequest, policyPack bool, env []string,
) (*exec.Cmd, error) {
	opts, err := parseOptions(req.Info)
	if err != nil {
		return nil, err
	}
	dir := req.Info.ProgramDirectory
	name := "run-plugin"
	if policyPack {
		name = "run-policy-pack"
	}
	script, err := entryPoint(dir, name)
	if err != nil {
		return nil, err
	}
	args := append(append([]string{}, opts.nodeArgs...), script)
	if policyPack {
		// The folder comes last for policy packs, first for all others.
		args = append(append(args, req.Args...), dir)
	} else {
		args = append(append(args, dir), req.Args...)
	}
	cmd, err := node(ctx, args)
	if err != nil {
		return nil, err
	}
	cmd.Dir = req.Pwd
	if policyPack || cmd.Dir == "" {
		cmd.Dir = dir
	}
	cmd.Env = append(append([]string{}, env...), opts.env()...)
	return cmd, nil
}

func stackEnv(env []string, stack *pulumirpc.AnalyzerStackConfigureRequest) ([]string, error) {
	out := append([]string{}, env...)
	if stack == nil {
		return out, nil
	}
	for _, v := range [][2]string{
		{"ORGANIZATION", stack.Organization}, {"PROJECT", stack.Project}, {"STACK", stack.Stack},
		{"DRY_RUN", strconv.FormatBool(stack.DryRun)},
	} {
		if v[1] != "" {
			out = append(out, "PULUMI_NODEJS_"+v[0]+"="+v[1])
		}
	}
	if stack.Config != nil {
		text, err := json.Marshal(stack.Config)
		if err != nil {
			return nil, err
		}
		out = append(out, "PULUMI_CONFIG="+string(text))
	}
	return out, nil
}
