import { chartPieces } from "./charts";
import { goPieces } from "./go-tools";
import { imagePieces } from "./images";
import { nodePieces } from "./node-image";
import type { Piece } from "./piece";
import { rootPieces } from "./root-files";
import { rootNodePieces } from "./root-node";
import { wheelPieces } from "./wheels";

/** Everything that the air-gapped route builds. */
export const pieces: readonly Piece[] = [
  ...goPieces,
  ...wheelPieces,
  ...rootPieces,
  ...rootNodePieces,
  ...chartPieces,
  ...imagePieces,
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
  "images-istio",
  "node-image",
];
