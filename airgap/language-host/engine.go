package main

import (
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
)

// healthInterval is how often the engine is asked over its connection, for an engine that is not
// the parent (a wrapper script, or an attached debugger).
const healthInterval = 5 * time.Second

// attach remembers the engine's address and stops the host when the engine answers no more.
func (h *host) attach(engine string) error {
	h.engine.Store(&engine)
	return rpcutil.Healthcheck(h.ctx, engine, healthInterval, h.stop)
}
