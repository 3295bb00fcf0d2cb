import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { isFree } from "../../../scripts/checks/ports.ts";

/** Ports that nobody listens on; apart from those of the shipped stacks. */
export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  while (found.length < count) {
    const port = randomInt(20_000, 30_000);
    if (!found.includes(port) && (await isFree(port))) found.push(port);
  }
  return found;
}

/** Runs a command and returns what it printed. */
export function output(command: string, args: readonly string[], env = process.env): string {
  return execFileSync(command, args, {
    encoding: "utf8",
    env,
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 << 20,
  }).trim();
}

/** Names of the Docker containers of a kind cluster, stopped ones and throw-away clusters of that name too. */
export function nodesOf(cluster: string): string[] {
  const label = "io.x-k8s.kind.cluster";
  const format = `{{.Label "${label}"}} {{.Names}}`;
  return output("docker", ["ps", "--all", "--filter", `label=${label}`, "--format", format])
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([name]) => name === cluster || name?.startsWith(`${cluster}-`))
    .map(([, node]) => node!);
}

/** Volumes that a cluster of that name may leave: its nodes' and the one that says whose it is. */
export function volumesOf(cluster: string): string[] {
  return allVolumes().filter((name) => name.includes(cluster));
}

/** Anonymous volumes of a cluster's nodes. */
export function mountsOf(cluster: string): string[] {
  const format = '{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}} {{end}}{{end}}';
  return nodesOf(cluster).flatMap((node) =>
    output("docker", ["inspect", "--format", format, node]).split(" ").filter(Boolean),
  );
}

/** All Docker volumes. */
export function allVolumes(): string[] {
  return output("docker", ["volume", "ls", "--format", "{{.Name}}"]).split("\n").filter(Boolean);
}

/** Contexts of the user's own kubeconfig that name a cluster. */
export function contextsOf(cluster: string): string[] {
  const file = process.env.KUBECONFIG ?? path.join(os.homedir(), ".kube", "config");
  if (!fs.existsSync(file)) return [];
  return output("kubectl", ["config", "get-contexts", "--output", "name"])
    .split("\n")
    .filter((name) => name.includes(cluster));
}

/** Takes a kind cluster away with all that belongs to it; nothing happens when there is none. */
export function removeCluster(cluster: string): void {
  for (const node of nodesOf(cluster)) {
    execFileSync("docker", ["rm", "--force", "--volumes", node], { stdio: "ignore" });
  }
  for (const volume of volumesOf(cluster)) {
    execFileSync("docker", ["volume", "rm", "--force", volume], { stdio: "ignore" });
  }
}
