import * as fs from "node:fs";
import * as path from "node:path";
import { cache } from "../paths.ts";
import { currentLogin } from "../stack/backend.ts";

/**
 * Pulumi's own folder for the air-gapped route: nothing of the user's is needed there. CLI 3.250 writes all that goes
 * between engine and plugins to the folder's `logs`, which takes half of the time of a run that changes nothing and up
 * to 500 MB, and has no switch for it; where `logs` cannot be a folder, it does without.
 *
 * @param home where it is
 * @returns undefined when the user has a home or a login of their own
 */
export function ownPulumiHome(
  env: NodeJS.ProcessEnv,
  home = path.join(cache, "pulumi-home"),
): string | undefined {
  if (env.PULUMI_HOME || env.PULUMI_ACCESS_TOKEN || currentLogin(env)) return undefined;
  fs.mkdirSync(home, { recursive: true, mode: 0o700 });
  const logs = path.join(home, "logs");
  if (!fs.existsSync(logs)) fs.writeFileSync(logs, "not a folder, so that the CLI logs nothing\n");
  return home;
}
