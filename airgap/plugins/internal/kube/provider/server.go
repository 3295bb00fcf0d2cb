// Package provider serves Pulumi's resource provider protocol for Kubernetes objects, the way the
// official plugin does for the resource types that it offers too.
package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/client-go/kubernetes/scheme"

	"bankmesh/airgap/plugins/internal/host"
	"bankmesh/airgap/plugins/internal/kube/cluster"
	"bankmesh/airgap/plugins/internal/kube/object"
)

// Version is that of the official plugin whose behaviour this one has.
const Version = "4.34.2"

const schemaJSON = `{
  "name": "kubernetes",
  "version": "` + Version + `",
  "description": "Stand-in for the official plugin: any Kubernetes object, and kubernetes:helm.sh/v4:Chart.",
  "meta": {"moduleFormat": "(.*)"},
  "resources": {"kubernetes:helm.sh/v4:Chart": {"isComponent": true}}
}`

// Server is the plugin.
type Server struct {
	pulumirpc.UnimplementedResourceProviderServer

	engine  *host.Engine
	ctx     context.Context
	cancel  context.CancelFunc
	config  config
	cluster *cluster.Cluster
	scopes  cluster.Scopes
}

// New makes a plugin that is not configured yet.
func New(engine *host.Engine) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{
		engine: engine, ctx: ctx, cancel: cancel,
		cluster: cluster.Unreachable(fmt.Errorf("the provider is not configured")),
	}
}

// operation is the context of one request that also ends when the engine cancels everything.
func (s *Server) operation(request context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(request)
	stop := context.AfterFunc(s.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// Attach connects to an engine that did not start this process.
func (s *Server) Attach(_ context.Context, r *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	engine, err := host.Dial(r.GetAddress())
	if err != nil {
		return nil, err
	}
	s.engine = engine
	return &emptypb.Empty{}, nil
}

// Cancel makes every running operation return at once with what it knows.
func (s *Server) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	s.cancel()
	return &emptypb.Empty{}, nil
}

// GetPluginInfo names the version.
func (s *Server) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: Version}, nil
}

// GetSchema gives the little that the engine asks for; SDKs are not generated from it.
func (s *Server) GetSchema(_ context.Context, r *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	if v := r.GetVersion(); v != 0 {
		return nil, fmt.Errorf("schema version %d is not offered, only 0", v)
	}
	return &pulumirpc.GetSchemaResponse{Schema: schemaJSON}, nil
}

// GetMapping: there is no mapping from other tools.
func (s *Server) GetMapping(context.Context, *pulumirpc.GetMappingRequest) (*pulumirpc.GetMappingResponse, error) {
	return &pulumirpc.GetMappingResponse{}, nil
}

// Invoke offers no function.
func (s *Server) Invoke(_ context.Context, r *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	return nil, notOffered("the function " + r.GetTok())
}

// Call offers no method.
func (s *Server) Call(_ context.Context, r *pulumirpc.CallRequest) (*pulumirpc.CallResponse, error) {
	return nil, notOffered("the method " + r.GetTok())
}

func notOffered(what string) error {
	return status.Errorf(codes.Unimplemented, "%s is not offered by this stand-in for the Kubernetes plugin; "+
		"use kubernetes:helm.sh/v4:Chart or single objects, or run with the official plugin %s", what, Version)
}

// offered refuses the resource types that are more than one plain object.
func offered(urn resource.URN) error {
	module := string(urn.Type().Module().Name())
	for _, m := range []string{"helm.sh/", "yaml", "kustomize"} {
		if strings.HasPrefix(module, m) {
			return notOffered("the resource type " + string(urn.Type()))
		}
	}
	gvk, err := gvkOf(urn)
	if err != nil {
		return err
	}
	of := gvk
	if of.Kind = strings.TrimSuffix(gvk.Kind, "Patch"); of != gvk && scheme.Scheme.Recognizes(of) {
		return notOffered("the resource type " + string(urn.Type()))
	}
	if strings.HasSuffix(gvk.Kind, "List") && scheme.Scheme.Recognizes(gvk) {
		return fmt.Errorf("%s: lists cannot be created; give the single objects", urn.Type())
	}
	return nil
}

func unmarshal(label string, in *structpb.Struct) (resource.PropertyMap, error) {
	out, err := plugin.UnmarshalProperties(in, plugin.MarshalOptions{
		Label: label, KeepUnknowns: true, KeepSecrets: true, SkipNulls: true,
	})
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", label, err)
	}
	return out, nil
}

// plainInputs reads inputs as a plain object.
func plainInputs(label string, in *structpb.Struct) (object.Object, error) {
	props, err := unmarshal(label, in)
	if err != nil {
		return nil, err
	}
	return object.FromProperties(props)
}

func marshal(label string, in resource.PropertyMap) (*structpb.Struct, error) {
	return plugin.MarshalProperties(in, plugin.MarshalOptions{
		Label: label, KeepUnknowns: true, KeepSecrets: true, SkipNulls: true,
	})
}
