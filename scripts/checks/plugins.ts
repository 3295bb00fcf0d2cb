import { UserError } from "../errors.ts";
import type { Deployment } from "../stack/pending.ts";

/**
 * Refuses to hand a stack that the stand-ins made to the official plugins.
 *
 * These look for the last inputs in a resource's outputs (`__inputs`), where the stand-ins do not repeat them, and would
 * take every field for a new one: Deployments would be replaced instead of left alone.
 *
 * @param env with BANKMESH_ROUTE, as the set-up leaves it
 */
export function checkPlugins(
  stack: string,
  env: NodeJS.ProcessEnv,
  deployment: Deployment | undefined,
): void {
  if (env.BANKMESH_ROUTE === "airgap" || !madeByStandIns(deployment)) return;
  throw new UserError(
    `stack "${stack}" was brought up with the air-gapped route's plugins, and the official ones, which are used now, ` +
      "cannot take it over; nothing of it was touched\n" +
      `fix: where it was made, BANKMESH_ROUTE=airgap npm run destroy -- ${stack}, then the same command again; ` +
      "or go on with BANKMESH_ROUTE=airgap",
  );
}

function madeByStandIns(deployment: Deployment | undefined): boolean {
  return (deployment?.resources ?? []).some(
    ({ outputs }) => outputs?.__fieldManager !== undefined && outputs.__inputs === undefined,
  );
}
