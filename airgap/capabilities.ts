import * as fs from "node:fs";

/** The capabilities in the order of the kernel's numbers (linux/capability.h), without CAP_. */
const names =
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE " +
  "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO " +
  "SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME " +
  "SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG " +
  "WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE";

/** The capabilities that the kernel has and a bounding set lacks. The same list as runc-caps/. */
export function lackingIn(status: string, last: number): string[] {
  const hex = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (hex === undefined) {
    return [];
  }
  const bounding = BigInt(`0x${hex}`);
  return names
    .split(" ")
    .filter((_, number) => number <= last && (bounding & (1n << BigInt(number))) === 0n)
    .map((name) => `CAP_${name}`);
}

/** The capabilities that this machine lacks; empty on an ordinary one. */
export function missingCapabilities(): string[] {
  try {
    const last = Number(fs.readFileSync("/proc/sys/kernel/cap_last_cap", "utf8"));
    return lackingIn(fs.readFileSync("/proc/self/status", "utf8"), last);
  } catch {
    return [];
  }
}
