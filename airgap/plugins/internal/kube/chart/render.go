package chart

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/postrender"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

const notes = "NOTES.txt"

// Rendered is what a chart comes to.
type Rendered struct {
	Objects []*unstructured.Unstructured
	// Deprecated says that the chart's authors gave it up.
	Deprecated bool
	Name       string
}

// Server is the cluster that a chart is rendered for; the zero value stands for none, and then
// Helm's own idea of a cluster is used, as by `helm template`.
type Server struct {
	Discovery discovery.CachedDiscoveryInterface
	// Config lets templates look up live objects.
	Config *rest.Config
}

// Render does what `helm template` does: definitions first, then the templates' objects in
// Helm's order of installation, without hooks and notes.
func Render(in *Inputs, on Server) (*Rendered, error) {
	if err := in.local(); err != nil {
		return nil, err
	}
	c, err := loader.Load(in.Chart)
	if err != nil {
		return nil, fmt.Errorf("chart %s cannot be read: %w", in.Chart, err)
	}
	text, err := manifest(c, in, on)
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", in.Chart, err)
	}
	objects, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", in.Chart, err)
	}
	return &Rendered{Objects: objects, Deprecated: c.Metadata.Deprecated, Name: c.Name()}, nil
}

func manifest(c *chart.Chart, in *Inputs, on Server) (*bytes.Buffer, error) {
	if t := c.Metadata.Type; t != "" && t != "application" {
		return nil, fmt.Errorf("it is a %s chart, which cannot be installed", t)
	}
	if err := missing(c); err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependenciesWithMerge(c, in.Values); err != nil {
		return nil, err
	}
	caps, err := capabilities(on.Discovery)
	if err != nil {
		return nil, err
	}
	if want := c.Metadata.KubeVersion; want != "" && !chartutil.IsCompatibleRange(want, caps.KubeVersion.String()) {
		return nil, fmt.Errorf("it requires kubeVersion %s, the cluster has %s", want, caps.KubeVersion.String())
	}
	values, err := chartutil.ToRenderValues(c, in.Values, chartutil.ReleaseOptions{
		Name: in.Release, Namespace: in.Namespace, Revision: 1, IsInstall: true,
	}, caps)
	if err != nil {
		return nil, err
	}
	var e engine.Engine
	if on.Config != nil {
		e = engine.New(on.Config)
	}
	files, err := e.Render(c, values)
	if err != nil {
		return nil, err
	}
	return join(c, files, in)
}

// missing reports dependencies that are declared but not inside the chart.
func missing(c *chart.Chart) error {
	var absent []string
	for _, want := range c.Metadata.Dependencies {
		if !slices.ContainsFunc(c.Dependencies(), func(d *chart.Chart) bool { return d.Name() == want.Name }) {
			absent = append(absent, want.Name)
		}
	}
	if len(absent) > 0 {
		return fmt.Errorf("its dependencies %s are not in its charts/ folder", strings.Join(absent, ", "))
	}
	return nil
}

func join(c *chart.Chart, files map[string]string, in *Inputs) (*bytes.Buffer, error) {
	for name := range files {
		if strings.HasSuffix(name, notes) {
			delete(files, name)
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	add := func(source, text string) { fmt.Fprintf(&out, "---\n# Source: %s\n%s\n", source, text) }
	if !in.SkipCRDs {
		for _, crd := range c.CRDObjects() {
			add(crd.Filename, string(crd.File.Data))
		}
	}
	for _, m := range manifests {
		add(m.Name, m.Content)
	}
	if in.IncludeHooks {
		for _, h := range hooks {
			if !slices.Contains(h.Events, release.HookTest) {
				add(h.Path, h.Manifest)
			}
		}
	}
	if len(in.PostRenderer) == 0 {
		return &out, nil
	}
	pr, err := postrender.NewExec(in.PostRenderer[0], in.PostRenderer[1:]...)
	if err != nil {
		return nil, fmt.Errorf("postRenderer: %w", err)
	}
	return pr.Run(&out)
}

// capabilities are the version and the kinds that templates may ask for.
func capabilities(d discovery.CachedDiscoveryInterface) (*chartutil.Capabilities, error) {
	out := chartutil.DefaultCapabilities.Copy()
	if d == nil {
		return out, nil
	}
	// A chart installed before this one may have brought kinds.
	d.Invalidate()
	v, err := d.ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("the cluster's version cannot be read: %w", err)
	}
	out.KubeVersion = chartutil.KubeVersion{Version: v.GitVersion, Major: v.Major, Minor: v.Minor}
	groups, lists, err := d.ServerGroupsAndResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return nil, fmt.Errorf("the cluster's kinds cannot be read: %w", err)
	}
	for _, g := range groups {
		for _, gv := range g.Versions {
			out.APIVersions = append(out.APIVersions, gv.GroupVersion)
		}
	}
	for _, l := range lists {
		for _, r := range l.APIResources {
			out.APIVersions = append(out.APIVersions, path.Join(l.GroupVersion, r.Kind))
		}
	}
	return out, nil
}

// decode reads the manifest's objects; lists become their items.
func decode(text io.Reader) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(text, 4096)
	for {
		var o map[string]any
		err := decoder.Decode(&o)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("a template gave invalid YAML: %w", err)
		}
		if len(o) == 0 {
			continue
		}
		objects, err := expand(&unstructured.Unstructured{Object: o})
		if err != nil {
			return nil, err
		}
		out = append(out, objects...)
	}
}

func expand(u *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	if u.GetKind() == "" || u.GetAPIVersion() == "" {
		return nil, fmt.Errorf("an object has no kind or apiVersion: %.100v", u.Object)
	}
	if !u.IsList() {
		if u.GetName() == "" {
			return nil, fmt.Errorf("a %s has no metadata.name: %.100v", u.GetKind(), u.Object)
		}
		if group, version, ok := strings.Cut(u.GetAPIVersion(), "/"); ok && group == "core" {
			u.SetAPIVersion(version)
		}
		return []*unstructured.Unstructured{u}, nil
	}
	list, err := u.ToList()
	if err != nil {
		return nil, fmt.Errorf("a %s cannot be read: %w", u.GetKind(), err)
	}
	var out []*unstructured.Unstructured
	for i := range list.Items {
		items, err := expand(&list.Items[i])
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}
