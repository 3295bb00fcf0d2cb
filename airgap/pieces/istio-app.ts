import * as fs from "node:fs";
import * as path from "node:path";
import { packLayer, writeImages } from "../archive.ts";
import { istioHub, istioVersion } from "../versions.ts";
import { keyTag, searchPath } from "./images.ts";
import type { Piece } from "./piece.ts";

export const istioAppImage = (key: string) => `${istioHub}/app:${istioVersion}-${keyTag(key)}`;

/** The user that upstream's image runs as. */
const user = 1338;

/** Istio's test application as an image: HTTP on 8080, gRPC on 7070, bytes on 9090, as upstream's. */
const image: Piece = {
  name: "image-istio-app",
  files: ["pieces/istio-app.ts", "archive.ts"],
  inputs: { istioHub, istioVersion },
  needs: ["istio-app"],
  go: false,
  weight: { cores: 0.5, memory: 200, seconds: 2 },
  async build(context) {
    const root = path.join(context.scratch, "app");
    const binary = path.join(root, "usr/local/bin/server");
    fs.mkdirSync(path.dirname(binary), { recursive: true, mode: 0o755 });
    fs.copyFileSync(path.join(context.piece("istio-app"), "istio-app"), binary);
    fs.chmodSync(binary, 0o755);
    const layer = await packLayer(root, `${root}.tar`, context.log);
    const config = {
      Entrypoint: ["/usr/local/bin/server"],
      Env: [searchPath],
      User: `${user}:${user}`,
      ExposedPorts: { "7070/tcp": {}, "8080/tcp": {}, "9090/tcp": {} },
    };
    writeImages([{ name: istioAppImage(context.key), layers: [layer], config }], context.dir);
  },
};

export const istioAppPieces: readonly Piece[] = [image];
