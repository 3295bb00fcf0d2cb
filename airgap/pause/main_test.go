package main

import (
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

func TestEndsOnSignal(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		signals := make(chan os.Signal, 1)
		signals <- signal
		wait(signals)
	}
}

func TestReapsAndGoesOn(t *testing.T) {
	process, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{})
	if err != nil {
		t.Skip("no /bin/true here")
	}
	stat := "/proc/" + strconv.Itoa(process.Pid)
	signals := make(chan os.Signal)
	ended := make(chan struct{})
	go func() {
		wait(signals)
		close(ended)
	}()
	// The child stays in /proc as a zombie until somebody reaps it.
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		signals <- syscall.SIGCHLD
		if _, err := os.Stat(stat); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the child was not reaped")
		}
	}
	select {
	case <-ended:
		t.Fatal("SIGCHLD ended it")
	default:
	}
	signals <- syscall.SIGTERM
	<-ended
}
