import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { pipeline } from "node:stream/promises";

import { run } from "./run.ts";

/** One layer of an image: an uncompressed tar file. */
export interface Layer {
  readonly tar: string;
  /** sha256 of the tar file, hexadecimal. */
  readonly digest: string;
}

/** What an image's configuration says about the process in it. */
export interface ImageConfig {
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly StopSignal?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
}

export interface Image {
  /** Full name with tag. */
  readonly name: string;
  readonly layers: readonly Layer[];
  readonly config: ImageConfig;
}

/** Flags that make a tar file depend on its content only. */
const reproducible = ["--sort=name", "--mtime=@0", "--numeric-owner", "--format=gnu"];

/** Packs a folder as a layer. `owner`: everything belongs to that uid and gid. */
export async function packLayer(
  folder: string,
  tar: string,
  log: string,
  owner?: number,
): Promise<Layer> {
  const ownership = owner === undefined ? [] : [`--owner=${owner}`, `--group=${owner}`];
  await run("tar", [...reproducible, ...ownership, "-C", folder, "-cf", tar, "."], { log });
  return { tar, digest: await sha256(tar) };
}

export async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(fs.createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

/**
 * Writes the parts of an archive in Docker's format into a folder: packed, they are what
 * `docker load` and `ctr images import` take. No Docker is needed for it, and layers are shared: a
 * layer is a hard link to the file it was packed as.
 */
export function writeImages(images: readonly Image[], folder: string): void {
  const manifest = images.map((image) => {
    for (const layer of image.layers) {
      linkOrCopy(layer.tar, path.join(folder, `${layer.digest}.tar`));
    }
    const config = JSON.stringify({
      architecture: "amd64",
      os: "linux",
      created: "1970-01-01T00:00:00Z",
      config: image.config,
      rootfs: { type: "layers", diff_ids: image.layers.map((layer) => `sha256:${layer.digest}`) },
      history: image.layers.map(() => ({ created: "1970-01-01T00:00:00Z" })),
    });
    const name = `${createHash("sha256").update(config).digest("hex")}.json`;
    fs.writeFileSync(path.join(folder, name), config);
    return {
      Config: name,
      RepoTags: [image.name],
      Layers: image.layers.map((layer) => `${layer.digest}.tar`),
    };
  });
  fs.writeFileSync(path.join(folder, "manifest.json"), JSON.stringify(manifest));
}

/** Files of an archive in a folder that writeImages wrote. */
export function imageParts(folder: string): string[] {
  return fs
    .readdirSync(folder)
    .filter((name) => name === "manifest.json" || /^[0-9a-f]{64}\.(tar|json)$/.test(name));
}

function linkOrCopy(from: string, to: string): void {
  if (fs.existsSync(to)) {
    return;
  }
  try {
    fs.linkSync(from, to);
  } catch {
    // Another file system.
    fs.copyFileSync(from, to);
  }
}
