package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// host implements the engine's LanguageRuntime service.
type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer

	// ctx ends with the host; stop ends it.
	ctx  context.Context
	stop context.CancelFunc
	// running ends when the engine cancels the operation; the host itself goes on.
	running   context.Context
	interrupt context.CancelFunc

	engine   atomic.Pointer[string]
	tracing  string
	children sync.WaitGroup
}

func newHost(ctx context.Context, stop context.CancelFunc, tracing string) *host {
	running, interrupt := context.WithCancel(ctx)
	return &host{ctx: ctx, stop: stop, running: running, interrupt: interrupt, tracing: tracing}
}

func (h *host) engineAddress() string {
	if a := h.engine.Load(); a != nil {
		return *a
	}
	return ""
}

func (h *host) Handshake(
	_ context.Context, req *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	if req.EngineAddress != "" && h.engineAddress() == "" {
		if err := h.attach(req.EngineAddress); err != nil {
			return nil, err
		}
	}
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version}, nil
}

// Cancel stops the programs and plugins that run; the engine closes the host itself later.
func (h *host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	h.interrupt()
	return &emptypb.Empty{}, nil
}

func (h *host) Template(context.Context, *pulumirpc.TemplateRequest) (*pulumirpc.TemplateResponse, error) {
	return &pulumirpc.TemplateResponse{}, nil
}

// connect opens a client to the engine.
func (h *host) connect() (pulumirpc.EngineClient, func(), error) {
	if h.engineAddress() == "" {
		return nil, nil, errors.New("no engine is known: the language host has to get an address or a Handshake first")
	}
	conn, err := grpc.NewClient(h.engineAddress(),
		grpc.WithTransportCredentials(insecure.NewCredentials()), rpcutil.GrpcChannelOptions())
	if err != nil {
		return nil, nil, err
	}
	return pulumirpc.NewEngineClient(conn), func() { _ = conn.Close() }, nil
}

func unsupported(what string) error {
	return status.Errorf(codes.Unimplemented,
		"%s is not supported by the Node.js language host of the air-gapped route; use an official Pulumi CLI for it", what)
}

func (h *host) GenerateProgram(
	context.Context, *pulumirpc.GenerateProgramRequest,
) (*pulumirpc.GenerateProgramResponse, error) {
	return nil, unsupported("generating a program (pulumi convert, pulumi import)")
}

func (h *host) GenerateProject(
	context.Context, *pulumirpc.GenerateProjectRequest,
) (*pulumirpc.GenerateProjectResponse, error) {
	return nil, unsupported("generating a project (pulumi convert)")
}

func (h *host) GeneratePackage(
	context.Context, *pulumirpc.GeneratePackageRequest,
) (*pulumirpc.GeneratePackageResponse, error) {
	return nil, unsupported("generating an SDK (pulumi package add, pulumi package gen-sdk)")
}

func (h *host) Pack(context.Context, *pulumirpc.PackRequest) (*pulumirpc.PackResponse, error) {
	return nil, unsupported("packing an SDK (pulumi package pack-sdk)")
}

func (h *host) Link(context.Context, *pulumirpc.LinkRequest) (*pulumirpc.LinkResponse, error) {
	return nil, unsupported("linking a package (pulumi package add)")
}
