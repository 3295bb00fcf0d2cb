import * as fs from "node:fs";
import * as net from "node:net";
import { execa } from "execa";

/** A port of this machine that somebody else has. */
export interface TakenPort {
  readonly key: string;
  readonly port: number;
  /** Who has it, as far as that can be known. */
  readonly holder?: string;
}

/**
 * The ports that anything but the stack's own cluster has.
 *
 * @param ports configuration keys with their ports
 * @param ownNode name of the stack's own node, whose ports are not taken
 */
export async function takenPorts(
  env: NodeJS.ProcessEnv,
  ports: Readonly<Record<string, number>>,
  ownNode: string | undefined,
): Promise<TakenPort[]> {
  const taken: TakenPort[] = [];
  for (const [key, port] of Object.entries(ports)) {
    // a stopped container of another stack has its ports again as soon as it starts, so this asks who listens now
    if (await isFree(port)) continue;
    const container = await containerOf(env, port);
    if (container !== undefined && container === ownNode) continue;
    const holder = container !== undefined ? `container ${container}` : processOf(port);
    taken.push({ key, port, ...(holder !== undefined && { holder }) });
  }
  return taken;
}

export function isFree(port: number, host = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", (e: NodeJS.ErrnoException) => resolve(e.code !== "EADDRINUSE")); // Docker may use ports that we may not
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

async function containerOf(env: NodeJS.ProcessEnv, port: number): Promise<string | undefined> {
  const asked = await execa(
    "docker",
    ["ps", "--filter", `publish=${port}`, "--format", "{{.Names}}"],
    {
      env,
      extendEnv: false,
      reject: false,
      timeout: 10_000,
      stdin: "ignore",
    },
  );
  return asked.stdout?.split("\n")[0]?.trim() || undefined;
}

/** The process that listens on a port: Linux only, and other users' only for root. */
export function processOf(port: number): string | undefined {
  try {
    const wanted = port.toString(16).toUpperCase().padStart(4, "0");
    const tables = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((f) =>
      fs.readFileSync(f, "utf8").split("\n").slice(1),
    );
    // fields: slot, local address, remote address, state (0A listens), …, inode
    const sockets = tables
      .map((line) => line.trim().split(/\s+/))
      .filter((f) => f[1]?.endsWith(`:${wanted}`) && f[3] === "0A")
      .map((f) => `socket:[${f[9]}]`);
    for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      if (holds(pid, sockets))
        return `process ${pid} (${fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim()})`;
    }
  } catch {
    // no /proc: the message does without
  }
  return undefined;
}

function holds(pid: string, sockets: readonly string[]): boolean {
  try {
    return fs
      .readdirSync(`/proc/${pid}/fd`)
      .some((fd) => sockets.includes(linkOf(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false;
  }
}

function linkOf(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return "";
  }
}
