import * as fs from "node:fs";
import * as path from "node:path";

import { UserError } from "../scripts/errors.ts";
import { capture, run } from "./run.ts";
import { onPath } from "../scripts/setup/tools.ts";

/** Debian packages that this route uses on the host, with a command that shows each is there. */
const hostPackages: readonly { readonly name: string; readonly command: string }[] = [
  { name: "ca-certificates", command: "update-ca-certificates" },
  { name: "debootstrap", command: "debootstrap" },
  { name: "docker.io", command: "docker" },
  { name: "iptables", command: "iptables" },
  { name: "python3-pip", command: "pip3" },
];

const supported =
  "Supported: Linux x86-64, Debian 12 or later, as root. " +
  "On other machines use the official route: install Docker, and let npm fetch the official tools.";

/** What /etc/os-release says, as far as it matters here. */
export interface Release {
  readonly id: string;
  readonly version: string;
}

export function parseRelease(text: string): Release {
  const value = (name: string): string => {
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${name}=`));
    return (line ?? "").slice(name.length + 1).replace(/^"|"$/g, "");
  };
  return { id: value("ID"), version: value("VERSION_ID") };
}

/** Why this machine cannot take the air-gapped route, or undefined when it can. */
export function unsupported(machine: {
  platform: string;
  arch: string;
  release: Release;
  root: boolean;
}): string | undefined {
  const { platform, arch, release, root } = machine;
  if (platform !== "linux" || arch !== "x64") {
    return `The air-gapped route does not run on ${platform} ${arch}. ${supported}`;
  }
  if (release.id !== "debian" || !(Number(release.version) >= 12)) {
    const name = `${release.id || "an unknown system"} ${release.version}`.trim();
    return `The air-gapped route does not run on ${name}. ${supported}`;
  }
  if (!root) {
    return `The air-gapped route builds root file systems and needs root; this is user ${process.getuid?.()}. ${supported}`;
  }
  return undefined;
}

/** Throws with what is supported unless this machine is. */
export function checkHost(): void {
  let text = "";
  try {
    text = fs.readFileSync("/etc/os-release", "utf8");
  } catch {
    // Not a Linux of the usual kind: the release stays empty and the check says so.
  }
  const reason = unsupported({
    platform: process.platform,
    arch: process.arch,
    release: parseRelease(text),
    root: process.getuid?.() === 0,
  });
  if (reason !== undefined) {
    throw new UserError(reason);
  }
}

/** The host packages that are not installed yet. */
export function missingPackages(): string[] {
  return hostPackages.filter(({ command }) => !onPath(command)).map(({ name }) => name);
}

/** Installs Debian packages in one go. Services are left alone: see docker.ts. */
export async function installPackages(names: readonly string[], log: string): Promise<void> {
  const env = { DEBIAN_FRONTEND: "noninteractive", ...(hasSystemd() ? {} : { RUNLEVEL: "1" }) };
  const install = ["install", "--yes", "--no-install-recommends", ...names];
  try {
    await run("apt-get", install, { log, env });
  } catch {
    // The package lists are missing or old. One broken source of several is not fatal:
    // the second install decides.
    await run("apt-get", ["update"], { log, env }).catch(() => undefined);
    await run("apt-get", install, { log, env });
  }
}

export function hasSystemd(): boolean {
  return fs.existsSync("/run/systemd/system");
}

export interface Mirror {
  readonly address: string;
  /** Proxy settings for debootstrap and apt inside the new root, from apt's own. */
  readonly env: Readonly<Record<string, string>>;
}

/** The Debian mirror and proxy that apt of this machine is configured with. */
export async function debianMirror(): Promise<Mirror> {
  const targets = await capture("apt-get", [
    "indextargets",
    "--format",
    "$(SITE) $(RELEASE) $(COMPONENT)",
    "Created-By: Packages",
  ]);
  const address = pickMirror(targets);
  if (address === undefined) {
    throw new UserError(
      "apt of this machine names no Debian archive with the component main. " +
        "Add one to /etc/apt/sources.list (deb <address> bookworm main) and run apt-get update.",
    );
  }
  const dump = await capture("apt-config", ["dump", "--format", "%f %v%n", "Acquire::http"]);
  return { address, env: proxyEnv(dump) };
}

/** The first archive of a plain release (no updates, no security). */
export function pickMirror(targets: string): string | undefined {
  for (const line of targets.split("\n")) {
    const [site, release, component] = line.trim().split(" ");
    if (site && release && component === "main" && /^[a-z]+$/.test(release)) {
      return site;
    }
  }
  return undefined;
}

export function proxyEnv(dump: string): Record<string, string> {
  for (const line of dump.split("\n")) {
    const [name, value] = line.trim().split(" ");
    if (name?.toLowerCase() === "acquire::http::proxy" && value && value !== "DIRECT") {
      return { http_proxy: value };
    }
  }
  return {};
}

/**
 * Refuses to begin a build that the disk has no room for.
 *
 * @param look for tests
 */
export function checkSpace(
  root: string,
  missing: readonly { readonly go: boolean }[],
  look: (folder: string) => { bavail: number; bsize: number } = fs.statfsSync,
): void {
  let folder = root;
  while (!fs.existsSync(folder)) {
    folder = path.dirname(folder);
  }
  const { bavail, bsize } = look(folder);
  const free = (bavail * bsize) / 2 ** 30;
  const needed = missing.filter(({ go }) => go).length > 3 ? 25 : 6;
  if (free < needed) {
    throw new UserError(
      `The disk of ${root} has ${free.toFixed(1)} GiB free; the build needs ${needed} GiB. ` +
        "Make room, or set BANKMESH_CACHE to a folder on a larger disk.",
    );
  }
}
