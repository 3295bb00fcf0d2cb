// Package lifecycle runs a provider until the engine that started it is gone.
package lifecycle

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	provider "github.com/pulumi/pulumi-go-provider"

	"bankmesh/airgap/lifetime"
)

// limit is what a stopped provider gets to end its work. The engine gives five seconds between the
// interrupt and the kill.
const limit = 4 * time.Second

// Run serves the provider. When the engine ends, or a signal comes, it cancels what is under way
// (the provider's Cancel), waits for it up to the limit, and returns.
func Run(name, version string, p provider.Provider) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// the framework asks only every five minutes
	go lifetime.WatchParent(ctx, cancel)
	served := make(chan error, 1)
	serving, end := context.WithCancel(context.Background())
	defer end()
	go func() { served <- provider.RunProvider(serving, name, version, p) }()

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	if p.Cancel != nil {
		_ = p.Cancel(context.Background())
	}
	end()
	select {
	case err := <-served:
		return err
	case <-time.After(limit):
		return nil
	}
}
