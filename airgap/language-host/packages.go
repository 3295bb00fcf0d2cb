package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/logging"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// GetRequiredPackages lists the plugins that the installed packages ask for. The engine takes
// the version of a provider from here when the program names none.
func (h *host) GetRequiredPackages(
	_ context.Context, req *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	s := &scan{seen: map[string]bool{}, names: map[string]bool{}}
	s.project(req.Info.ProgramDirectory)
	for _, problem := range s.problems {
		logging.V(3).Infof("reading installed packages: %v", problem)
	}
	return &pulumirpc.GetRequiredPackagesResponse{Packages: s.packages}, nil
}

// scan collects packages with a plugin from all node_modules folders of a project.
type scan struct {
	packages []*pulumirpc.PackageDependency
	problems []error
	seen     map[string]bool // folders, links resolved
	names    map[string]bool // plugin name and version
}

// enter says whether a folder is new to the scan, and reads it.
func (s *scan) enter(dir string) ([]fs.DirEntry, string) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		s.problems = append(s.problems, err)
		return nil, ""
	}
	if s.seen[real] {
		return nil, ""
	}
	s.seen[real] = true
	entries, err := os.ReadDir(real)
	if err != nil {
		s.problems = append(s.problems, err)
	}
	return entries, real
}

// project looks for node_modules in a folder and all below it.
func (s *scan) project(dir string) {
	entries, dir := s.enter(dir)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !isDir(path, e) {
			continue
		}
		if e.Name() == "node_modules" {
			s.modules(path)
			continue
		}
		if e.Name() == ".git" {
			continue
		}
		// The plugins of a policy pack are not the program's.
		if pack, err := workspace.DetectPolicyPackPathAt(path); err == nil && pack == "" {
			s.project(path)
		}
	}
}

// modules looks at the packages of one node_modules folder.
func (s *scan) modules(dir string) {
	entries, dir := s.enter(dir)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case !isDir(path, e) || strings.HasPrefix(e.Name(), "."):
		case strings.HasPrefix(e.Name(), "@"):
			s.modules(path)
		default:
			s.add(path)
			if nested := filepath.Join(path, "node_modules"); exists(nested) {
				s.modules(nested)
			}
		}
	}
}

func isDir(path string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

type manifest struct {
	Name    string                  `json:"name"`
	Version string                  `json:"version"`
	Pulumi  plugin.PulumiPluginJSON `json:"pulumi"`
}

func (s *scan) add(dir string) {
	text, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		s.problems = append(s.problems, fmt.Errorf("%s: %w", dir, err))
		return
	}
	if !m.Pulumi.Resource {
		return
	}
	dependency, err := m.dependency()
	if err != nil {
		s.problems = append(s.problems, fmt.Errorf("%s: %w", dir, err))
		return
	}
	if key := dependency.Name + "@" + dependency.Version; !s.names[key] {
		s.names[key] = true
		s.packages = append(s.packages, dependency)
	}
}

func (m manifest) dependency() (*pulumirpc.PackageDependency, error) {
	d := &pulumirpc.PackageDependency{
		Name: m.Pulumi.Name, Kind: "resource", Version: m.Pulumi.Version, Server: m.Pulumi.Server,
	}
	if d.Name == "" {
		var ok bool
		if d.Name, ok = strings.CutPrefix(m.Name, "@pulumi/"); !ok {
			return nil, fmt.Errorf("package %q has a plugin but no pulumi.name in its package.json", m.Name)
		}
	}
	if d.Version == "" {
		d.Version = m.Version
	}
	if d.Version == "" {
		return nil, fmt.Errorf("package %q has a plugin but no version", m.Name)
	}
	if !strings.HasPrefix(d.Version, "v") {
		d.Version = "v" + d.Version
	}
	if p := m.Pulumi.Parameterization; p != nil {
		d.Parameterization = &pulumirpc.PackageParameterization{Name: p.Name, Version: p.Version, Value: p.Value}
	}
	return d, nil
}
