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
  /** Questions about something in which manifests cannot be judged; none of them is compared. */
  readonly unjudged: readonly Apart[];
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
  ...["namespaces", "services", "mutatingwebhookconfigurations"],
  ...["deployments", "statefulsets", "daemonsets"],
  ...["peerauthentications", "requestauthentications", "authorizationpolicies"].map(
    (kind) => `${kind}.security.istio.io`,
  ),
  ...[
    ...["destinationrules", "gateways", "virtualservices", "envoyfilters"],
    ...["sidecars", "serviceentries", "workloadentries", "proxyconfigs"],
  ].map((kind) => `${kind}.networking.istio.io`),
  "wasmplugins.extensions.istio.io",
];

/**
 * Reads the objects that run and decide who gets what.
 *
 * @throws Error with kubectl's words when they cannot be read
 */
export async function runningObjects(kubectl: Kubectl): Promise<Manifest[]> {
  const [objects, mesh] = await Promise.all([
    read(kubectl, ["get", kinds.join(","), "--all-namespaces"]),
    read(kubectl, ["get", "configmaps", `--namespace=${gatewayNamespace}`]),
  ]);
  return [...objects, ...mesh];
}

/** Holds the evaluator's answer against each answer of traffic. */
export function compare(
  objects: readonly Manifest[],
  outcomes: readonly Outcome[],
  target: ProbeTarget,
): Agreement {
  const platform = platformOf(objects);
  const all = outcomes.flatMap(({ id, item, request, got, probe }): Apart[] => {
    const asked = probe?.beyondManifests ? undefined : ofProbe(request, target);
    if (!asked) return [];
    const said = answer(platform, asked);
    return [{ id, item, manifests: reasonFor(said, request), traffic: got, by: said.by }];
  });
  const unjudged = all.filter(({ manifests }) => manifests === undefined);
  const apart = all.filter((a) => a.manifests !== undefined && a.manifests !== a.traffic);
  return { compared: all.length - unjudged.length, apart, unjudged };
}

/** What several comparisons say together. */
export function together(all: readonly Agreement[]): Agreement {
  return {
    compared: all.reduce((sum, { compared }) => sum + compared, 0),
    apart: all.flatMap(({ apart }) => apart),
    unjudged: all.flatMap(({ unjudged }) => unjudged),
  };
}

async function read(kubectl: Kubectl, args: readonly string[]): Promise<Manifest[]> {
  const { items } = await kubectl.json<{ items: Omit<Manifest, "place">[] }>(args);
  return items.map(placed);
}

/** An object that no file holds. */
export function placed(object: Omit<Manifest, "place">): Manifest {
  return { ...object, place: { file: "the cluster", line: 1 } };
}

/** A question and its two answers, in words. */
export function apartText({ id, item, manifests, traffic, by }: Apart): string {
  return `${[id, item].filter(Boolean).join(" ")}: ${manifests ?? "cannot judge"} by the manifests${by ? ` (${by})` : ""}, ${traffic} by traffic`;
}

/** What is said of it. */
export function agreementLines({ compared, apart, unjudged }: Agreement): string[] {
  const agree = `manifests and traffic agree in ${compared - apart.length} of ${compared} questions that manifests decide`;
  const [first] = unjudged;
  return [
    agree,
    ...apart.map((a) => `  ${apartText(a)}`),
    ...(first ? [`not compared: ${unjudged.length}, first ${apartText(first)}`] : []),
  ];
}
