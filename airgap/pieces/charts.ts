import * as path from "node:path";

import { run } from "../run.ts";
import { istioModule, istioVersion } from "../versions.ts";
import { goModuleFolder } from "./go-tools.ts";
import type { Piece } from "./piece.ts";

/** Istio's charts, by the folder that the Istio module keeps them in. */
const folders = { base: "base", istiod: "istio-control/istio-discovery", gateway: "gateway" };

/** File of a packaged chart, relative to the piece. */
export const chartFile = (chart: keyof typeof folders) => `${chart}-${istioVersion}.tgz`;

const charts: Piece = {
  name: "charts",
  files: ["pieces/charts.ts", "tools/istio/go.mod", "tools/istio/go.sum"],
  inputs: { istioModule, istioVersion, folders },
  needs: ["helm"],
  go: false,
  weight: { cores: 0.5, memory: 300, seconds: 5 },
  async build(context) {
    const module = await goModuleFolder("istio", istioModule, context.goEnv);
    for (const folder of Object.values(folders)) {
      const chart = path.join(module, "manifests/charts", folder);
      const version = ["--version", istioVersion, "--app-version", istioVersion];
      await run(
        path.join(context.piece("helm"), "helm"),
        ["package", chart, ...version, "--destination", context.dir],
        { log: context.log },
      );
    }
  },
};

export const chartPieces: readonly Piece[] = [charts];
