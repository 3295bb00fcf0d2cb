// pulumi-language-nodejs is the Node.js language host of the air-gapped route. The Pulumi CLI
// starts it, and it starts node with the entry points of the installed @pulumi/pulumi.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/logging"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"bankmesh/airgap/lifetime"
)

// version is what the host reports; it follows the CLI that it is made for.
const version = "3.250.0"

func main() {
	var tracing, runtime string
	var showVersion bool
	flag.StringVar(&tracing, "tracing", "", "address of a Zipkin-compatible endpoint, handed to the program")
	flag.StringVar(&runtime, "runtime", "nodejs", "runtime of the program; only nodejs is supported")
	flag.BoolVar(&showVersion, "version", false, "print the version and exit")
	flag.Parse()
	logging.InitLogging(false, 0, false)
	if showVersion {
		fmt.Println(version)
		return
	}
	if runtime != "nodejs" {
		cmdutil.Exit(fmt.Errorf("unsupported runtime %q: this language host runs nodejs only", runtime))
	}
	if err := serve(flag.Arg(0), tracing); err != nil {
		cmdutil.Exit(err)
	}
}

// serve answers until the engine is gone or a signal says to stop, and leaves no child behind.
func serve(engine, tracing string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	h := newHost(ctx, cancel, tracing)
	if engine != "" {
		if err := h.attach(engine); err != nil {
			return err
		}
		go lifetime.WatchParent(ctx, cancel)
	}

	done := make(chan bool)
	context.AfterFunc(ctx, func() {
		// Children first: the server's own shutdown waits for calls that wait for them.
		h.children.Wait()
		close(done)
	})
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: done,
		Init: func(srv *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(srv, h)
			return nil
		},
		Options: rpcutil.TracingServerInterceptorOptions(nil),
	})
	if err != nil {
		return fmt.Errorf("start the language host's server: %w", err)
	}
	// The engine reads the port from the first line.
	fmt.Printf("%d\n", handle.Port)
	if err := <-handle.Done; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("language host stopped serving: %w", err)
	}
	return nil
}
