import type { RequestAuthenticationSpec } from "../../policies/authentication.ts";
import { type ExpiryFilter, countsAt, expiryFilterOf } from "../evaluate/expiry-filter.ts";
import { type Labels, type Manifest, namespaceOf, selects } from "./objects.ts";
import { type Unjudged, scopeOf, unjudged } from "./unjudged.ts";
import type { Policy } from "./platform.ts";
import type { Workload } from "./workloads.ts";

export interface ExpiryContext {
  readonly root: string;
  readonly workloads: ReadonlyMap<string, Workload>;
  readonly requestAuthentications: readonly Policy<RequestAuthenticationSpec<string>>[];
}

/**
 * What EnvoyFilters about the expiry of tokens do beside that: each of their providers stands in place of one that istiod
 * makes of a pod's issuers, `origins-<n>` in the order of their names, and has to be the same.
 */
export function expiryProblems(objects: readonly Manifest[], context: ExpiryContext): Unjudged[] {
  const version = versionOf(objects);
  return objects.flatMap((object) => {
    if (object.kind !== "EnvoyFilter") return [];
    const filter = expiryFilterOf(object.spec ?? {});
    if (!filter) return [];
    const text = versionProblem(filter, version) ?? providerProblem(object, filter, context);
    return text === undefined ? [] : [unjudged(object, text, scopeOf(object, context.root))];
  });
}

/** Version of istiod's proxies, where the manifests tell it. */
function versionOf(objects: readonly Manifest[]): string | undefined {
  const values = objects.find(
    (o) => o.kind === "ConfigMap" && /^istio-sidecar-injector(-|$)/.test(o.metadata.name),
  )?.data?.values;
  const tag = typeof values === "string" && /"tag":\s*"([^"]+)"/.exec(values)?.[1];
  return tag && /^\d+\.\d+/.test(tag) ? tag : undefined;
}

function versionProblem(
  { proxyVersion }: ExpiryFilter,
  version: string | undefined,
): string | undefined {
  if (proxyVersion === undefined) return undefined;
  const at = "spec.configPatches[0].match.proxy.proxyVersion";
  // the program's own: two minor versions
  if (!/^\^\d+\\\.\(\d+\|\d+\)\\\.$/.test(proxyVersion))
    return `${at}: which proxies ${JSON.stringify(proxyVersion)} is about is not read here`;
  return version === undefined || new RegExp(proxyVersion).test(version)
    ? undefined
    : `${at}: ${JSON.stringify(proxyVersion)} is not about proxies of ${version}`;
}

function providerProblem(
  object: Manifest,
  filter: ExpiryFilter,
  { root, workloads, requestAuthentications }: ExpiryContext,
): string | undefined {
  const namespace = namespaceOf(object);
  const { labels } = (object.spec?.workloadSelector ?? {}) as { labels?: Labels };
  const about = [...workloads.values()].filter(
    (w) =>
      (namespace === root || namespace === w.namespace) &&
      selects(labels, w.labels) &&
      countsAt(filter, w.proxy),
  );
  const place = "spec.configPatches[0].patch.value.typed_config.providers";
  for (const workload of about) {
    const issuers = requestAuthentications
      .filter(
        ({ namespace: ns, spec }) =>
          (ns === root || ns === workload.namespace) &&
          !spec.targetRef &&
          !spec.targetRefs?.length &&
          selects(spec.selector?.matchLabels, workload.labels),
      )
      .flatMap(({ spec }) => spec.jwtRules ?? [])
      .sort((a, b) => ((a.issuer ?? "") < (b.issuer ?? "") ? -1 : 1));
    // without issuers there is no filter that it could be about
    if (issuers.length === 0) continue;
    const wanted = issuers.map(({ issuer = "", audiences = [] }, i) =>
      textOf(`origins-${i}`, { issuer, audiences }),
    );
    const found = [...filter.providers].map(([key, provider]) => textOf(key, provider)).sort();
    if (JSON.stringify(found) !== JSON.stringify(wanted.sort()))
      return `${place}: are not the issuers that ${workload.id} has`;
  }
  return undefined;
}

function textOf(
  key: string,
  { issuer, audiences }: { readonly issuer: string; readonly audiences: readonly string[] },
): string {
  return JSON.stringify([key, issuer, [...audiences].sort()]);
}
