// echo-server answers every HTTP request with what it received, as JSON.
//
// It does for this platform what the image ealen/echo-server 0.9 does: the same environment
// variables, the same shape of answer, the same commands in query and headers.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// drain is how long requests that are being answered may take after the signal to end.
const drain = 10 * time.Second

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatalln("echo-server:", err)
	}
}

func run() error {
	config, err := readConfig(os.Getenv)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", config.port))
	if err != nil {
		return err
	}
	log.Printf("Listening on port %d", config.port)
	return serve(ctx, listener, newHandler(config, os.Stdout))
}

// serve answers until the context ends, then lets running requests finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if err := server.Shutdown(deadline); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
