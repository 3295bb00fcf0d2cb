import * as path from "node:path";

import type { Reporter } from "../scripts/progress.ts";
import type { Cache } from "./cache.ts";
import { pieceKeys } from "./keys.ts";
import { goFlags } from "./pieces/go-tools.ts";
import { goToolchain } from "./pieces/wheels.ts";
import { capture } from "./run.ts";
import { onPath } from "../scripts/setup/tools.ts";
import { goMinimum, goWheel } from "./versions.ts";

/** The Go toolchain that the pieces are built with. */
export interface Toolchain {
  /** As `go version` says it; part of the keys. */
  readonly version: string;
  /** From PATH, or the pinned wheel. */
  readonly origin: "path" | "wheel";
}

/** Which Go will be used, without fetching anything. */
export async function findGo(): Promise<Toolchain> {
  if (onPath("go")) {
    const text = await capture("go", ["env", "GOVERSION"], { env: { GOTOOLCHAIN: "local" } }).catch(
      () => "",
    );
    if (isRecent(text)) {
      return { version: text, origin: "path" };
    }
  }
  return { version: `go${goWheel.version}`, origin: "wheel" };
}

/** Whether a version as Go writes it (go1.26.8) is at least the minimum. */
export function isRecent(version: string, minimum = goMinimum): boolean {
  const match = /^go(\d+)\.(\d+)/.exec(version);
  const [major = 0, minor = 0] = minimum.split(".").map(Number);
  return (
    match !== null &&
    (Number(match[1]) > major || (Number(match[1]) === major && Number(match[2]) >= minor))
  );
}

export function goToolchainKey(airgap: string): string {
  return pieceKeys([goToolchain], airgap, "").get(goToolchain.name) ?? "";
}

/** The environment of Go commands; fetches the toolchain where it has to come from the wheel. */
export async function goEnvironment(
  toolchain: Toolchain,
  cache: Cache,
  airgap: string,
  report: Reporter,
): Promise<Record<string, string | undefined>> {
  if (toolchain.origin === "path") {
    return { ...goFlags };
  }
  const key = goToolchainKey(airgap);
  if ((await cache.state(goToolchain.name, key)) === "ready") {
    return wheelEnvironment(cache.folder(goToolchain.name, key));
  }
  const step = report.step(`Go ${goWheel.version} from PyPI`);
  try {
    const { dir } = await cache.obtain(goToolchain.name, key, (workspace) =>
      goToolchain.build({
        ...workspace,
        key,
        goEnv: {},
        piece: () => {
          throw new Error("the Go toolchain needs no other piece");
        },
      }),
    );
    step.done();
    return wheelEnvironment(dir);
  } catch (error) {
    step.fail("could not be fetched");
    throw error;
  }
}

function wheelEnvironment(dir: string): Record<string, string | undefined> {
  const bin = path.join(dir, "go/bin");
  return { ...goFlags, GOROOT: path.join(dir, "go"), PATH: `${bin}:${process.env["PATH"] ?? ""}` };
}
