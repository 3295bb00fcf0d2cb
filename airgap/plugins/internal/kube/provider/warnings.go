package provider

import (
	"context"

	"bankmesh/airgap/plugins/internal/host"
)

type urnKey struct{}

type warned struct {
	engine *host.Engine
	urn    string
}

// withWarnings lets what the API server warns of during an operation show beside the resource.
func (s *Server) withWarnings(ctx context.Context, urn string) context.Context {
	return context.WithValue(ctx, urnKey{}, warned{s.engine, urn})
}

// serverWarnings hands the API server's warnings (an unknown field, a deprecated version) to the
// resource whose operation caused them.
type serverWarnings struct{}

func (serverWarnings) HandleWarningHeaderWithContext(ctx context.Context, code int, _ string, text string) {
	if w, ok := ctx.Value(urnKey{}).(warned); ok && code == 299 && text != "" {
		w.engine.Warn(w.urn, text)
	}
}
