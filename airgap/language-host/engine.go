package main

import (
	"context"
	"os"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
)

const (
	// parentInterval is how often the parent process is looked at: a killed engine cannot say so.
	parentInterval = 200 * time.Millisecond
	// healthInterval is how often the engine is asked over its connection, for an engine that is
	// not the parent (a wrapper script, or an attached debugger).
	healthInterval = 5 * time.Second
)

// watchParent cancels when the process that started this one has ended.
func watchParent(ctx context.Context, cancel context.CancelFunc) {
	parent := os.Getppid()
	ticker := time.NewTicker(parentInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if os.Getppid() != parent {
				cancel()
				return
			}
		}
	}
}

// attach remembers the engine's address and stops the host when the engine answers no more.
func (h *host) attach(engine string) error {
	h.engine.Store(&engine)
	return rpcutil.Healthcheck(h.ctx, engine, healthInterval, h.stop)
}
