// Package host is a plugin's side of its connection to the Pulumi engine: it serves the plugin,
// shows messages beside resources, and ends the plugin when the engine is gone.
package host

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/grpclog"
	"google.golang.org/protobuf/types/known/emptypb"

	"bankmesh/airgap/lifetime"
)

// Engine is the connection to the engine. A nil Engine takes every message and shows none.
type Engine struct {
	conn   *grpc.ClientConn
	client pulumirpc.EngineClient
}

// Dial connects to the engine's address.
func Dial(address string) (*Engine, error) {
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()), rpcutil.GrpcChannelOptions())
	if err != nil {
		return nil, fmt.Errorf("the engine at %s cannot be reached: %w", address, err)
	}
	return &Engine{conn, pulumirpc.NewEngineClient(conn)}, nil
}

// Conn is the connection itself, for the resources that a component registers.
func (e *Engine) Conn() *grpc.ClientConn { return e.conn }

// Warn shows a warning that stays.
func (e *Engine) Warn(urn, message string) { e.log(pulumirpc.LogSeverity_WARNING, urn, message, false) }

// Info shows a line that stays.
func (e *Engine) Info(urn, message string) { e.log(pulumirpc.LogSeverity_INFO, urn, message, false) }

// Status shows what a resource is doing; "" clears it.
func (e *Engine) Status(urn, message string) { e.log(pulumirpc.LogSeverity_INFO, urn, message, true) }

func (e *Engine) log(severity pulumirpc.LogSeverity, urn, message string, ephemeral bool) {
	if e == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// A message that cannot be shown is no reason for an operation to fail.
	_, _ = e.client.Log(ctx, &pulumirpc.LogRequest{
		Severity: severity, Urn: urn, Ephemeral: ephemeral,
		Message: strings.ToValidUTF8(message, "�"),
	})
}

// Main serves a plugin until the engine ends it.
func Main(create func(*Engine) pulumirpc.ResourceProviderServer) error {
	flag.String("tracing", "", "taken for compatibility; no traces are sent")
	flag.Parse()
	// gRPC must not write to stdout, where the engine expects the port.
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, os.Stderr))
	var engine *Engine
	switch args := flag.Args(); len(args) {
	case 0: // the engine attaches later
	case 1:
		var err error
		if engine, err = Dial(args[0]); err != nil {
			return err
		}
		// so that an engine that was killed leaves no plugin behind
		go lifetime.WatchParent(context.Background(), func() { os.Exit(1) })
	default:
		return errors.New("usage: pulumi-resource-<name> [engine address]")
	}
	server := create(engine)
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: stopOnSignal(server),
		Init: func(s *grpc.Server) error {
			pulumirpc.RegisterResourceProviderServer(s, server)
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Println(handle.Port)
	return <-handle.Done
}

// stopOnSignal ends the serving when the engine interrupts the plugin, which is how it closes one.
// The plugin has a process group of its own, so a Ctrl-C of the terminal does not come here.
func stopOnSignal(server pulumirpc.ResourceProviderServer) chan bool {
	stop := make(chan bool, 1)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		// What is still under way is told to end, and keeps its state.
		_, _ = server.Cancel(context.Background(), &emptypb.Empty{})
		stop <- true
	}()
	return stop
}
