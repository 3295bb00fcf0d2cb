import type { TokenKey } from "../components/signing-keys.ts";
import type { Settings } from "../settings/index.ts";
import type { HostCaller } from "./callers/host.ts";
import { type PodCallers, kindOf } from "./callers/pods.ts";
import type { ToolCaller } from "./callers/tools.ts";
import type { Evidence } from "./evidence.ts";
import { inPool } from "./pool.ts";
import type { HostRequest, PodRequest, ProbeRequest } from "./probe.ts";
import type { RoundSender } from "./runner.ts";
import { type TokenSpec, makeToken } from "./tokens.ts";

/**
 * Requests of this machine that are under way at once. Most of their time they wait for an alert that does not come; of
 * many hundreds, two cores would have no time for some in five seconds.
 */
const requestsAtOnce = 160;
/** A token that has just ended, or is about to, is one for so long; in ms. */
const tokenLasts = 20_000;

/** Who sends what. */
export interface SenderArgs {
  readonly pods: PodCallers;
  /** @default requests of this machine cannot be sent */
  readonly host?: HostCaller;
  readonly tools: ToolCaller;
  readonly makeToken: (spec: TokenSpec) => string;
}

/** Sends the requests of a round side by side: from pods, from this machine, and by tools. */
export function roundSender({ pods, host, tools, makeToken: make }: SenderArgs): RoundSender {
  return async (requests) => {
    const found = new Map<ProbeRequest, Evidence>();
    const fromPod = requests.filter((r): r is PodRequest => r.from !== "host" && r.from !== "tool");
    const fromPods = [...Map.groupBy(fromPod, kindOf)].map(async ([kind, own]) => {
      const answers = await pods.send(kind, own, make);
      own.forEach((r, i) => found.set(r, answers[i]!));
    });
    const hosts = requests.filter((r): r is HostRequest => r.from === "host");
    const fromHost = inPool(hosts, requestsAtOnce, async (r) => {
      found.set(r, await host!.send(r));
    });
    const fromTools = tools.askAll(requests.filter((r) => r.from === "tool"));
    await Promise.all([...fromPods, fromHost]);
    for (const [request, evidence] of await fromTools) found.set(request, evidence);
    return found;
  };
}

/** Makes each token once for the rounds of some seconds; what its times say would be over in a long run. */
export function tokenMaker({
  settings,
  signingKeys = {},
}: {
  readonly settings: Settings;
  readonly signingKeys?: Readonly<Record<string, TokenKey>>;
}): (spec: TokenSpec) => string {
  const { issuers } = settings.authentication;
  const made = new Map<string, { readonly token: string; readonly at: number }>();
  return (spec) => {
    const text = JSON.stringify(spec);
    const key = signingKeys[spec.key ?? spec.issuer];
    if (!key) throw new Error(`the stack has no key of issuer ${spec.key ?? spec.issuer}`);
    const known = made.get(text);
    if (known && Date.now() - known.at < tokenLasts) return known.token;
    const token = makeToken(spec, issuers, key);
    made.set(text, { token, at: Date.now() });
    return token;
  };
}
