package provider

import (
	"context"
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
	clientapi "k8s.io/client-go/tools/clientcmd/api"

	"bankmesh/airgap/plugins/internal/kube/cluster"
)

// CheckConfig refuses inputs that this plugin does not know or cannot honour.
func (s *Server) CheckConfig(_ context.Context, r *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	in, err := unmarshal("provider inputs", r.GetNews())
	if err != nil {
		return nil, err
	}
	out := &pulumirpc.CheckResponse{Inputs: r.GetNews()}
	for _, f := range checkConfig(in) {
		out.Failures = append(out.Failures, &pulumirpc.CheckFailure{Property: f.property, Reason: f.reason})
	}
	return out, nil
}

// DiffConfig says whether another cluster is meant; then the provider, and with it everything
// inside, is replaced. A clusterIdentifier decides that alone, except where it is newly given or
// taken away.
func (s *Server) DiffConfig(_ context.Context, r *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, err := plainConfig(r.GetOlds())
	if err != nil {
		return nil, err
	}
	news, err := plainConfig(r.GetNews())
	if err != nil {
		return nil, err
	}
	return diffConfig(olds, news), nil
}

// plainConfig drops secrecy, which is no difference.
func plainConfig(in *structpb.Struct) (resource.PropertyMap, error) {
	return plugin.UnmarshalProperties(in, plugin.MarshalOptions{
		Label: "provider inputs", KeepUnknowns: true, SkipNulls: true,
	})
}

func diffConfig(olds, news resource.PropertyMap) *pulumirpc.DiffResponse {
	changed := olds.Diff(news)
	if changed == nil {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}
	}
	out := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_SOME}
	for _, k := range changed.ChangedKeys() {
		out.Diffs = append(out.Diffs, string(k))
	}
	const id = "clusterIdentifier"
	if changed.Same(id) && news.HasValue(id) {
		return out
	}
	if changed.Updated(id) {
		out.Replaces = append(out.Replaces, id)
	}
	if changed.Changed("renderYamlToDirectory") {
		out.Replaces = append(out.Replaces, "renderYamlToDirectory")
	}
	another := false
	for _, k := range []resource.PropertyKey{"kubeconfig", "context", "cluster"} {
		if news[k].IsComputed() {
			out.Replaces = append(out.Replaces, string(k))
			another = true
		}
	}
	if another {
		return out
	}
	was, ok1 := activeCluster(olds)
	is, ok2 := activeCluster(news)
	if ok1 && ok2 && !reflect.DeepEqual(was, is) {
		for _, k := range []resource.PropertyKey{"kubeconfig", "context", "cluster"} {
			if changed.Changed(k) {
				out.Replaces = append(out.Replaces, string(k))
			}
		}
	}
	return out
}

// activeCluster is the entry of the kubeconfig that the inputs choose.
func activeCluster(in resource.PropertyMap) (*clientapi.Cluster, bool) {
	c, err := parseConfig(in)
	if err != nil || c.kubeconfig == "" {
		return nil, false
	}
	parsed, err := loadKubeconfig(c.kubeconfig)
	if err != nil {
		return nil, false
	}
	name := parsed.CurrentContext
	if c.context != "" {
		name = c.context
	}
	chosen := parsed.Contexts[name]
	if chosen == nil {
		return nil, false
	}
	key := chosen.Cluster
	if c.cluster != "" {
		key = c.cluster
	}
	out := parsed.Clusters[key]
	return out, out != nil
}

// Configure prepares the clients. It contacts nothing: a cluster that does not answer, or a
// kubeconfig that cannot be read, fails the operations that need one, not the whole run.
func (s *Server) Configure(_ context.Context, r *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	in, err := unmarshal("provider inputs", r.GetArgs())
	if err != nil {
		return nil, err
	}
	if s.config, err = parseConfig(in); err != nil {
		return nil, err
	}
	if s.config.renderTo != "" {
		s.config.defaultNamespace = "default"
		if s.config.namespace != "" {
			s.config.defaultNamespace = s.config.namespace
		}
	} else if rest, err := s.config.restConfig(); err != nil {
		s.cluster = cluster.Unreachable(err)
	} else if s.cluster, err = cluster.New(rest); err != nil {
		s.cluster = cluster.Unreachable(err)
	}
	return &pulumirpc.ConfigureResponse{
		AcceptSecrets: true, SupportsPreview: true, SupportsAutonamingConfiguration: true,
	}, nil
}
