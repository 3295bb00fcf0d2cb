import { answer } from "../meaning/answer.ts";
import type { Manifest } from "../meaning/manifests/objects.ts";
import { platformOf } from "../meaning/manifests/platform.ts";
import { ofProbe, reasonFor } from "../meaning/of-probe.ts";
import { gatewayNamespace } from "../settings/index.ts";
import type { Kubectl } from "./kubectl.ts";
import type { ProbeTarget } from "./probe.ts";
import type { Outcome } from "./runner.ts";

/** What manifests alone say of the questions that were asked, beside what traffic said: `npm run diff` reads the same way. */
export interface Agreement {
  /** Questions that manifests decide. */
  readonly compared: number;
  /** Those with two answers. */
  readonly apart: readonly Apart[];
}

/** A question that manifests and traffic answer differently. */
export interface Apart {
  readonly id: string;
  readonly item: string;
  /** Answer by the manifests; undefined where they cannot be judged. */
  readonly manifests: string | undefined;
  readonly traffic: string;
  /** What the answer stands on: an object, or why it cannot be judged. */
  readonly by: string | undefined;
}

/** Kinds that decide who gets what, in all namespaces. */
const kinds = [
  ...["namespaces", "services", "deployments", "mutatingwebhookconfigurations"],
  ...["peerauthentications", "requestauthentications", "authorizationpolicies"].map(
    (kind) => `${kind}.security.istio.io`,
  ),
  ...["destinationrules", "gateways", "virtualservices", "envoyfilters"].map(
    (kind) => `${kind}.networking.istio.io`,
  ),
];

/**
 * Reads the objects that run, and holds the evaluator's answer against each answer of traffic.
 *
 * @param outcomes of the stack itself
 * @throws Error with kubectl's words when objects cannot be read
 */
export async function agreementOf(
  kubectl: Kubectl,
  outcomes: readonly Outcome[],
  target: ProbeTarget,
): Promise<Agreement> {
  const [objects, mesh] = await Promise.all([
    read(kubectl, ["get", kinds.join(","), "--all-namespaces"]),
    read(kubectl, ["get", "configmaps", `--namespace=${gatewayNamespace}`]),
  ]);
  return compare([...objects, ...mesh], outcomes, target);
}

/** The same for objects that are known. */
export function compare(
  objects: readonly Manifest[],
  outcomes: readonly Outcome[],
  target: ProbeTarget,
): Agreement {
  const platform = platformOf(objects);
  const compared = outcomes.flatMap(({ id, item, request, got }) => {
    const asked = ofProbe(request, target);
    if (!asked) return [];
    const said = answer(platform, asked);
    return [{ id, item, manifests: reasonFor(said, request), traffic: got, by: said.by }];
  });
  const apart = compared.filter(({ manifests, traffic }) => manifests !== traffic);
  return { compared: compared.length, apart };
}

async function read(kubectl: Kubectl, args: readonly string[]): Promise<Manifest[]> {
  const { items } = await kubectl.json<{ items: Omit<Manifest, "place">[] }>(args);
  return items.map((object) => ({ ...object, place: { file: "the cluster", line: 1 } }));
}

/** What is said of it. */
export function agreementLines({ compared, apart }: Agreement): string[] {
  const agree = `manifests and traffic agree in ${compared - apart.length} of ${compared} questions that manifests decide`;
  const lines = apart.map(
    ({ id, item, manifests, traffic, by }) =>
      `  ${[id, item].filter(Boolean).join(" ")}: ${manifests ?? "cannot judge"} by the manifests${by ? ` (${by})` : ""}, ${traffic} by traffic`,
  );
  return [agree, ...lines];
}
