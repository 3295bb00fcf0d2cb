package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/nodejs/npm"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

func packageManager(info *pulumirpc.ProgramInfo) (npm.PackageManager, error) {
	opts, err := parseOptions(info)
	if err != nil {
		return nil, err
	}
	manager, err := npm.ResolvePackageManager(opts.packageManager, info.ProgramDirectory)
	if err != nil {
		return nil, fmt.Errorf("package manager: %w", err)
	}
	return manager, nil
}

// GetProgramDependencies lists the packages of the lock file (pulumi about).
func (h *host) GetProgramDependencies(
	ctx context.Context, req *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	manager, err := packageManager(req.Info)
	if err != nil {
		return nil, err
	}
	packages, err := manager.ListPackages(ctx, req.Info.ProgramDirectory, req.TransitiveDependencies)
	if err != nil {
		return nil, fmt.Errorf("list the program's dependencies: %w", err)
	}
	out := &pulumirpc.GetProgramDependenciesResponse{}
	for _, p := range packages {
		out.Dependencies = append(out.Dependencies, &pulumirpc.DependencyInfo{Name: p.Name, Version: p.Version})
	}
	return out, nil
}

// About tells which node and which package manager run (pulumi about).
func (h *host) About(ctx context.Context, req *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	manager, err := packageManager(req.Info)
	if err != nil {
		return nil, err
	}
	bin, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("node is not on PATH: %w", err)
	}
	about := &pulumirpc.AboutResponse{
		Executable: bin,
		Metadata:   map[string]string{"packagemanager": manager.Name()},
	}
	if out, err := exec.CommandContext(ctx, bin, "--version").Output(); err == nil {
		about.Version = strings.TrimSpace(string(out))
	}
	if v := versionOf(manager); v != "" {
		about.Metadata["packagemanagerVersion"] = v
	}
	return about, nil
}

// versionOf is empty when the package manager does not tell. The CLI asks before every operation, and waits: npm takes
// some tenths of a second to say what stands in the file beside it.
func versionOf(manager npm.PackageManager) string {
	if manager.Name() == "npm" {
		if v := installedNpm(); v != "" {
			return v
		}
	}
	v, err := manager.Version()
	if err != nil {
		return ""
	}
	return v.String()
}

// installedNpm reads the package that the npm on PATH belongs to: <package>/bin/npm-cli.js.
func installedNpm() string {
	bin, err := exec.LookPath("npm")
	if err != nil {
		return ""
	}
	real, err := filepath.EvalSymlinks(bin)
	if err != nil {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(real), "..", "package.json"))
	if err != nil {
		return ""
	}
	var pkg struct{ Name, Version string }
	if json.Unmarshal(text, &pkg) != nil || pkg.Name != "npm" {
		return ""
	}
	return pkg.Version
}

// InstallDependencies runs the project's package manager (pulumi install).
func (h *host) InstallDependencies(
	req *pulumirpc.InstallDependenciesRequest,
	server grpc.ServerStreamingServer[pulumirpc.InstallDependenciesResponse],
) error {
	closer, stdout, stderr, err := rpcutil.MakeInstallDependenciesStreams(server, req.IsTerminal)
	if err != nil {
		return err
	}
	defer func() { _ = closer.Close() }()
	opts, err := parseOptions(req.Info)
	if err != nil {
		return err
	}
	root, err := npm.FindWorkspaceRoot(req.Info.ProgramDirectory)
	if errors.Is(err, npm.ErrNotInWorkspace) {
		root = req.Info.ProgramDirectory
	} else if err != nil {
		return fmt.Errorf("find the workspace's root: %w", err)
	}
	ctx, cancel := context.WithCancel(server.Context())
	defer cancel()
	defer context.AfterFunc(h.running, cancel)()
	_, _ = fmt.Fprintln(stdout, "Installing dependencies...")
	if _, err := npm.Install(ctx, opts.packageManager, root, false, stdout, stderr); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(stdout, "Finished installing dependencies")
	return nil
}

// RuntimeOptionsPrompts is what pulumi new asks for.
func (h *host) RuntimeOptionsPrompts(
	_ context.Context, req *pulumirpc.RuntimeOptionsRequest,
) (*pulumirpc.RuntimeOptionsResponse, error) {
	if _, ok := req.GetInfo().GetOptions().AsMap()["packagemanager"]; ok {
		return &pulumirpc.RuntimeOptionsResponse{}, nil
	}
	return &pulumirpc.RuntimeOptionsResponse{Prompts: []*pulumirpc.RuntimeOptionPrompt{{
		Key:         "packagemanager",
		Description: "The package manager to use for installing dependencies",
		PromptType:  pulumirpc.RuntimeOptionPrompt_STRING,
		Choices:     plugin.MakeExecutablePromptChoices("npm", "pnpm", "yarn", "bun"),
		Default: &pulumirpc.RuntimeOptionPrompt_RuntimeOptionValue{
			PromptType: pulumirpc.RuntimeOptionPrompt_STRING, StringValue: "npm",
		},
	}}}, nil
}
