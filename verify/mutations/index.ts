import type { Settings } from "../../settings/index.ts";
import { certificateMutations } from "./certificates.ts";
import { edgeMutations } from "./edge.ts";
import { meshMutations } from "./mesh.ts";
import type { Mutation } from "./mutation.ts";
import { normalizationMutations } from "./normalization.ts";
import { policyMutations } from "./policies.ts";
import { ruleMutations } from "./rules.ts";
import { tokenMutations } from "./tokens.ts";
import { workloadMutations } from "./workloads.ts";

/** Every way to break a platform that is known here. */
export const allMutations: readonly Mutation[] = [
  ...meshMutations,
  ...workloadMutations,
  ...edgeMutations,
  ...certificateMutations,
  ...tokenMutations,
  ...ruleMutations,
  ...policyMutations,
  ...normalizationMutations,
];

/** Why a mutation is not for a stack; undefined where it is. */
export function reasonAgainst(mutation: Mutation, s: Settings): string | undefined {
  const reason = mutation.notFor(s);
  if (reason !== undefined) return reason;
  return mutation.expected(s).length > 0 ? undefined : "no probe of this stack is about it";
}
