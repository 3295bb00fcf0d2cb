// runc-caps stands before runc where a machine lacks capabilities that containers ask for.
//
// A privileged container asks for every capability the kernel knows. Where the machine's own
// bounding set lacks one, runc refuses with "unable to apply caps". This program removes exactly
// the lacking ones from the request and then becomes runc. Where nothing lacks, it only becomes
// runc.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runc-caps:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	lacks, err := lacking()
	if err != nil {
		return err
	}
	if len(args) == 1 && args[0] == "--print-missing" {
		for _, name := range names {
			if lacks[name] {
				fmt.Println(name)
			}
		}
		return nil
	}
	if file := target(args); file != "" && len(lacks) > 0 {
		if err := stripFile(file, lacks); err != nil {
			return err
		}
	}
	runc, err := realRunc()
	if err != nil {
		return err
	}
	return syscall.Exec(runc, append([]string{"runc"}, args...), os.Environ())
}

func lacking() (map[string]bool, error) {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		return nil, err
	}
	defer status.Close()
	bounding, err := boundingSet(status)
	if err != nil {
		return nil, fmt.Errorf("/proc/self/status: %w", err)
	}
	text, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		return nil, err
	}
	last, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("/proc/sys/kernel/cap_last_cap: %w", err)
	}
	return missing(bounding, last), nil
}

func stripFile(file string, lacks map[string]bool) error {
	document, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	changed, err := strip(document, lacks)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if changed == nil {
		return nil
	}
	return os.WriteFile(file, changed, 0o600)
}

// realRunc finds the next runc on the usual paths that is not this program.
func realRunc() (string, error) {
	self, err := os.Stat("/proc/self/exe")
	if err != nil {
		return "", err
	}
	for _, folder := range []string{"/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/sbin", "/bin"} {
		path := filepath.Join(folder, "runc")
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 && !os.SameFile(self, info) {
			return path, nil
		}
	}
	return "", fmt.Errorf("runc: %w in the system's folders", exec.ErrNotFound)
}
