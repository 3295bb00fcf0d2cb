package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// names holds the kernel's capabilities in the order of their numbers (linux/capability.h).
var names = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID",
	"CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
	"CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE",
	"CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
	"CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG",
	"CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
}

// boundingSet reads CapBnd out of the text of /proc/<pid>/status.
func boundingSet(status io.Reader) (uint64, error) {
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		if hex, found := strings.CutPrefix(lines.Text(), "CapBnd:"); found {
			return strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("no CapBnd line")
}

// missing names the capabilities that the kernel has (0 to last) and the bounding set lacks.
func missing(bounding uint64, last int) map[string]bool {
	lacks := map[string]bool{}
	for number, name := range names {
		if number <= last && bounding&(1<<number) == 0 {
			lacks[name] = true
		}
	}
	return lacks
}

// strip removes the capabilities in lacks from a bundle's config.json or from the process file
// of `runc exec`. It returns nil when there is nothing to remove.
func strip(document []byte, lacks map[string]bool) ([]byte, error) {
	var root map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(document)))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		return nil, err
	}
	process := root
	if inner, isBundle := root["process"].(map[string]any); isBundle {
		process = inner
	}
	sets, _ := process["capabilities"].(map[string]any)
	changed := false
	for kind, value := range sets {
		list, isList := value.([]any)
		if !isList {
			continue
		}
		kept := make([]any, 0, len(list))
		for _, capability := range list {
			if name, isText := capability.(string); isText && lacks[name] {
				changed = true
				continue
			}
			kept = append(kept, capability)
		}
		sets[kind] = kept
	}
	if !changed {
		return nil, nil
	}
	return json.Marshal(root)
}

// target is the file that a runc command line takes its capabilities from, or "".
func target(args []string) string {
	var verb, bundle, process string
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		next := func() string {
			if joined {
				return value
			}
			if i++; i < len(args) {
				return args[i]
			}
			return ""
		}
		switch name {
		case "--bundle", "-b":
			bundle = next()
		case "--process", "-p":
			process = next()
		case "--root", "--log", "--log-format", "--rootless", "--criu", "--console-socket", "--pid-file",
			"--preserve-fds", "--cwd", "--env", "-e", "--user", "-u", "--additional-gids", "-g",
			"--process-label", "--apparmor", "--cap", "-c", "--cgroup":
			next()
		default:
			if verb == "" && !strings.HasPrefix(name, "-") {
				verb = args[i]
			}
		}
	}
	switch {
	case (verb == "create" || verb == "run") && bundle == "":
		return "config.json"
	case verb == "create" || verb == "run":
		return strings.TrimSuffix(bundle, "/") + "/config.json"
	case verb == "exec":
		return process
	}
	return ""
}
