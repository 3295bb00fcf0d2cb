import * as path from "node:path";
import { openWorkshop } from "../../airgap/builder";
import { goEnvironment } from "../../airgap/go";
import { root } from "../paths";
import type { Reporter } from "../progress";

/** The environment of `go test`: the Go that the air-gapped route builds with. */
export async function goTestEnvironment(report: Reporter): Promise<NodeJS.ProcessEnv> {
  const shop = await openWorkshop();
  return {
    ...process.env,
    ...(await goEnvironment(shop.toolchain, shop.cache, path.join(root, "airgap"), report)),
  };
}
