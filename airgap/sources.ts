import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { folderOf, keyOf } from "./builder.ts";
import type { Workshop } from "./builder.ts";
import { chartFile } from "./pieces/charts.ts";
import { curlImage, echoImage, istioTag } from "./pieces/images.ts";
import { istioAppImage } from "./pieces/istio-app.ts";
import { nodeImage } from "./pieces/node-image.ts";
import { httpdImage, nginxImage } from "./pieces/web.ts";
import { istioHub, istioVersion, kubernetesRepository } from "./versions.ts";

/** What this route hands to the program in place of the official sources. */
export function sources(shop: Workshop) {
  const chart = (name: "base" | "istiod" | "gateway") => ({
    chart: path.join(folderOf(shop, "charts"), chartFile(name)),
  });
  return {
    route: "airgap",
    istio: {
      version: istioVersion,
      charts: { base: chart("base"), istiod: chart("istiod"), gateway: chart("gateway") },
      hub: istioHub,
      tag: istioTag(keyOf(shop, "images-istio")),
      // Upstream Envoy has none of Istio's own filters.
      values: {
        pilot: {
          env: { PILOT_ENABLE_METADATA_EXCHANGE: "false", PILOT_ENABLE_ALPN_FILTER: "false" },
        },
        telemetry: { enabled: false },
      },
    },
    node: {
      image: nodeImage(keyOf(shop, "node-image")),
      imageRepository: kubernetesRepository,
      // The node image has a bridge for a network: pods of two nodes would not reach each other.
      maxWorkers: 0,
    },
    images: {
      echo: echoImage(keyOf(shop, "image-echo")),
      curl: curlImage(keyOf(shop, "image-curl")),
      nginx: nginxImage(keyOf(shop, "images-web")),
      httpd: httpdImage(keyOf(shop, "images-web")),
      "istio-app": istioAppImage(keyOf(shop, "image-istio-app")),
    },
  };
}

/** Commands on PATH in this route, by the piece they come from. */
const commands: Readonly<Record<string, readonly string[]>> = {
  pulumi: ["pulumi"],
  kind: ["kind"],
  kubernetes: ["kubectl"],
  helm: ["helm"],
  istio: ["istioctl"],
};

/** Writes the folder of commands and the sources file; both change only as a whole. */
export function writeToolbox(shop: Workshop): { bin: string; sources: string } {
  const wanted = new Map<string, string>();
  const add = (piece: string, file: string) =>
    wanted.set(file, path.join(folderOf(shop, piece), file));
  for (const [piece, files] of Object.entries(commands)) {
    files.forEach((file) => add(piece, file));
  }
  for (const piece of ["plugins", "language-host"]) {
    const files = fs.readdirSync(folderOf(shop, piece));
    files.filter((file) => file.startsWith("pulumi-")).forEach((file) => add(piece, file));
  }
  const text = `${JSON.stringify(sources(shop), null, 2)}\n`;
  const content = [...wanted].flat().join("\n") + text;
  const name = createHash("sha256").update(content).digest("hex").slice(0, 16);
  const folder = path.join(shop.cache.root, "toolbox", name);
  const result = { bin: path.join(folder, "bin"), sources: path.join(folder, "sources.json") };
  if (isWritten(folder, wanted, text)) {
    return result;
  }
  const temporary = path.join(shop.cache.root, "tmp", `toolbox-${process.pid}`);
  fs.rmSync(temporary, { recursive: true, force: true });
  fs.mkdirSync(path.join(temporary, "bin"), { recursive: true });
  for (const [file, target] of wanted) {
    fs.symlinkSync(target, path.join(temporary, "bin", file));
  }
  fs.writeFileSync(path.join(temporary, "sources.json"), text);
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  fs.rmSync(folder, { recursive: true, force: true });
  fs.renameSync(temporary, folder);
  return result;
}

function isWritten(folder: string, wanted: ReadonlyMap<string, string>, text: string): boolean {
  try {
    return (
      fs.readFileSync(path.join(folder, "sources.json"), "utf8") === text &&
      [...wanted].every(
        ([file, target]) => fs.readlinkSync(path.join(folder, "bin", file)) === target,
      )
    );
  } catch {
    return false;
  }
}

/** Removes toolboxes that link to pieces which are gone; returns their names. */
export function pruneToolboxes(root: string): string[] {
  const folder = path.join(root, "toolbox");
  const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  const dangling = names.filter((name) => {
    const bin = path.join(folder, name, "bin");
    const files = fs.existsSync(bin) ? fs.readdirSync(bin) : [];
    return files.length === 0 || files.some((file) => !fs.existsSync(path.join(bin, file)));
  });
  dangling.forEach((name) => fs.rmSync(path.join(folder, name), { recursive: true }));
  return dangling.map((name) => `toolbox/${name}`);
}
