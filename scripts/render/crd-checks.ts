import { Crds, type Definition } from "../../policies/schemas/crds.ts";
import type { Manifest } from "./manifests.ts";

/** What the API server would say of the objects of a stack. */
export interface CrdReport {
  /** One line a problem, with the file. */
  readonly problems: readonly string[];
  /** Rules of the CRDs that cannot be evaluated here. */
  readonly unreadable: readonly string[];
  /** Objects that a CRD of the stack is about. */
  readonly checked: number;
  /** Different rules that the CRDs have. */
  readonly rules: number;
}

/** Holds the custom objects of a stack against the CRDs that the same stack brings. */
export function checkCrds(manifests: readonly Manifest[]): CrdReport {
  const definitions = manifests.filter(({ object }) => object.kind === "CustomResourceDefinition");
  const crds = new Crds(definitions.map(({ object }) => object as unknown as Definition));
  const answers = manifests.flatMap(({ file, object }) => {
    const problems = crds.problems(object);
    return problems ? [problems.map((problem) => `${file}: ${problem}`)] : foreign(file, object);
  });
  const { unreadable, rules } = crds;
  return { problems: answers.flat(), unreadable, checked: answers.length, rules };
}

/** An object of Istio's that no CRD is about is not checked by anybody: the chart does not know it. */
function foreign(file: string, { apiVersion, kind }: Manifest["object"]): string[][] {
  return apiVersion.includes(".istio.io/")
    ? [[`${file}: the chart has no CRD for ${apiVersion} ${kind}`]]
    : [];
}
