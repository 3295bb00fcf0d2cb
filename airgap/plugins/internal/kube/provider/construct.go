package provider

import (
	"context"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	component "github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"bankmesh/airgap/plugins/internal/kube/chart"
	"bankmesh/airgap/plugins/internal/kube/cluster"
)

const chartType = "kubernetes:helm.sh/v4:Chart"

// Construct makes a chart component: it renders the chart and registers its objects.
func (s *Server) Construct(ctx context.Context, r *pulumirpc.ConstructRequest) (*pulumirpc.ConstructResponse, error) {
	if r.GetType() != chartType {
		return nil, notOffered("the component " + r.GetType())
	}
	ctx, done := s.operation(ctx)
	defer done()
	in, err := plugin.UnmarshalProperties(r.GetInputs(), plugin.MarshalOptions{
		Label: "chart inputs", KeepUnknowns: true, KeepSecrets: true, KeepResources: true, SkipNulls: true,
	})
	if err != nil {
		return nil, err
	}
	inputs, err := chart.ParseInputs(r.GetName(), in)
	unknown := errors.Is(err, chart.ErrUnknown)
	if err != nil && !unknown {
		return nil, err
	}
	return component.Construct(ctx, r, s.engine.Conn(), func(
		pctx *pulumi.Context, typ, name string, _ component.ConstructInputs, opts pulumi.ResourceOption,
	) (*component.ConstructResult, error) {
		c := &chart.Component{}
		if err := pctx.RegisterComponentResource(typ, name, c, opts); err != nil {
			return nil, err
		}
		if unknown {
			warn(pctx, c, "Input properties have unknown values. Preview is incomplete.")
			return component.NewConstructResult(c)
		}
		if err := s.fillChart(ctx, pctx, c, inputs); err != nil {
			return nil, fmt.Errorf("%s %q: %w", chartType, name, err)
		}
		return component.NewConstructResult(c)
	})
}

func warn(ctx *pulumi.Context, c *chart.Component, text string) {
	_ = ctx.Log.Warn(text, &pulumi.LogArgs{Resource: c}) // nothing to do about a warning not shown
}

func (s *Server) fillChart(ctx context.Context, pctx *pulumi.Context, c *chart.Component, in *chart.Inputs) error {
	in.IncludeHooks = in.IncludeHooks && s.config.renderTo != ""
	if in.Namespace == "" {
		in.Namespace = s.config.defaultNamespace
	}
	var on chart.Server
	if s.config.renderTo == "" {
		switch err := s.cluster.Check(ctx); {
		case err == nil:
			on = chart.Server{Discovery: s.cluster.Discovery(), Config: s.cluster.Config()}
		case pctx.DryRun():
			warn(pctx, c, err.Error()+"; the preview renders the chart for Helm's default cluster")
		default:
			return err
		}
	}
	rendered, err := chart.Render(in, on)
	if err != nil {
		return err
	}
	if rendered.Deprecated {
		warn(pctx, c, fmt.Sprintf("Using a deprecated Helm chart (%s)", rendered.Name))
	}
	s.place(ctx, rendered.Objects, in.Namespace)
	nodes, err := chart.Order(rendered.Objects)
	if err != nil {
		return err
	}
	return chart.Register(pctx, c, nodes, in)
}

// place puts namespaced objects that name no namespace into the release's. The chart's own
// definitions say what is namespaced before the server does.
func (s *Server) place(ctx context.Context, objects []*unstructured.Unstructured, namespace string) {
	for _, u := range objects {
		if isCRD(u) {
			s.scopes.AddCRD(u.Object)
		}
	}
	for _, u := range objects {
		if u.GetNamespace() == "" && namespace != "" &&
			s.scopes.Of(ctx, s.reader(), u.GroupVersionKind()) == cluster.ScopeNamespace {
			u.SetNamespace(namespace)
		}
	}
}
