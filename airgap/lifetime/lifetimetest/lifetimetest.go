// Package lifetimetest looks at processes that a test has started.
package lifetimetest

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// PIDs waits until a script has written the numbers of its processes.
func PIDs(t *testing.T, file string, count int) []int {
	t.Helper()
	for range 200 {
		text, _ := os.ReadFile(file)
		if fields := strings.Fields(string(text)); len(fields) == count {
			var pids []int
			for _, f := range fields {
				pid, err := strconv.Atoi(f)
				if err != nil {
					t.Fatal(err)
				}
				pids = append(pids, pid)
			}
			return pids
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the processes did not start")
	return nil
}

// Gone waits until a process has ended; false when it does not within a second.
func Gone(pid int) bool {
	for range 100 {
		if syscall.Kill(pid, 0) != nil {
			return true
		}
		// a zombie has ended; its parent has not asked yet
		if stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); strings.Contains(string(stat), ") Z ") {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}
