import * as fs from "node:fs";
import * as path from "node:path";
import { buildPieces, folderOf, missingPieces, openWorkshop } from "../../airgap/builder.ts";
import { goEnvironment } from "../../airgap/go.ts";
import { writeToolbox } from "../../airgap/sources.ts";
import { local, root } from "../paths.ts";
import type { Reporter } from "../progress.ts";
import type { Workbench } from "../setup/index.ts";

/** What the tests of the Kubernetes stand-in run against: a real API server. */
const apiServer = { etcd: ["etcd"], kubernetes: ["kube-apiserver", "kube-controller-manager"] };

/**
 * The environment of `go test`: the Go that the air-gapped route builds with. Where that route is taken, its tools are
 * there too, and the tests that need a real engine and a real API server run.
 */
export async function goTestEnvironment(
  report: Reporter,
  bench: Workbench,
): Promise<NodeJS.ProcessEnv> {
  const shop = await openWorkshop();
  const go = await goEnvironment(shop.toolchain, shop.cache, path.join(root, "airgap"), report);
  const env = { ...process.env, ...go };
  if (bench.route.tools !== "airgap") return env;
  const pieces = Object.keys(apiServer);
  await buildPieces(shop, await missingPieces(shop, pieces), report);
  const bin = path.join(local, "test-bin");
  fs.rmSync(bin, { recursive: true, force: true });
  fs.mkdirSync(bin, { recursive: true });
  for (const [piece, names] of Object.entries(apiServer)) {
    for (const name of names) {
      fs.symlinkSync(path.join(folderOf(shop, piece), name), path.join(bin, name));
    }
  }
  return {
    ...env,
    BANKMESH_TEST_KUBE_BIN: bin,
    BANKMESH_TOOLBOX: writeToolbox(shop).bin,
    BANKMESH_NODE_MODULES: path.join(root, "node_modules"),
  };
}
