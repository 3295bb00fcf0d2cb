import { chartPieces } from "./charts.ts";
import { goPieces } from "./go-tools.ts";
import { imagePieces } from "./images.ts";
import { istioAppPieces } from "./istio-app.ts";
import { nodePieces } from "./node-image.ts";
import type { Piece } from "./piece.ts";
import { rootPieces } from "./root-files.ts";
import { rootNodePieces } from "./root-node.ts";
import { webPieces } from "./web.ts";
import { wheelPieces } from "./wheels.ts";

/** Everything that the air-gapped route builds. */
export const pieces: readonly Piece[] = [
  ...goPieces,
  ...wheelPieces,
  ...rootPieces,
  ...rootNodePieces,
  ...chartPieces,
  ...imagePieces,
  ...webPieces,
  ...istioAppPieces,
  ...nodePieces,
];

/** The pieces that are used as they are; the others only go into these. */
export const products: readonly string[] = [
  "pulumi",
  "language-host",
  "plugins",
  "kind",
  "kubernetes",
  "helm",
  "istio",
  "charts",
  "image-echo",
  "image-curl",
  "images-web",
  "image-istio-app",
  "images-istio",
  "node-image",
];
