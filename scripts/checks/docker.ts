import * as fs from "node:fs/promises";
import { execa } from "execa";
import { UserError } from "../errors.ts";

/** What a cluster with the platform takes, with some air. */
const neededBytes = 8e9;

/** Docker as it answers. */
export interface DockerFacts {
  readonly version: string;
  /** Where its images and containers are. */
  readonly rootFolder: string;
  /** Whether that folder is on this machine. */
  readonly local: boolean;
}

/** Asks Docker; undefined when it does not answer within ten seconds. */
export async function dockerFacts(env: NodeJS.ProcessEnv): Promise<DockerFacts | undefined> {
  const asked = await execa(
    "docker",
    ["info", "--format", "{{.ServerVersion}}\t{{.DockerRootDir}}"],
    {
      env,
      extendEnv: false,
      reject: false,
      timeout: 10_000,
      stdin: "ignore",
    },
  );
  const [version, rootFolder] = asked.failed ? [] : asked.stdout.trim().split("\t");
  if (!version || !rootFolder) return undefined;
  return { version, rootFolder, local: !env.DOCKER_HOST || env.DOCKER_HOST.startsWith("unix://") };
}

export async function requireDocker(env: NodeJS.ProcessEnv): Promise<DockerFacts> {
  const facts = await dockerFacts(env);
  if (facts) return facts;
  throw new UserError(
    "Docker does not answer: start it (sudo systemctl start docker), or see what docker info says; nothing was touched",
  );
}

/**
 * Refuses when a cluster would fill the disk.
 *
 * @param freeBytes for tests
 */
export async function checkDisk(docker: DockerFacts, freeBytes = freeIn): Promise<void> {
  const free = docker.local ? await freeBytes(docker.rootFolder) : undefined;
  if (free === undefined || free >= neededBytes) return;
  throw new UserError(
    `${gigabytes(free)} GB are free in ${docker.rootFolder}, where Docker keeps the cluster; ` +
      `${gigabytes(neededBytes)} GB are needed\n` +
      "to make room: docker system df tells what takes it, docker system prune removes what nothing uses",
  );
}

/** Free bytes of a folder's disk; undefined when it cannot be looked at (Docker in a virtual machine). */
export async function freeIn(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await fs.statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

export function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
