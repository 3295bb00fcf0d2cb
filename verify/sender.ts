import type { TokenKey } from "../components/signing-keys.ts";
import type { Settings } from "../settings/index.ts";
import type { HostCaller } from "./callers/host.ts";
import { kindOf } from "./callers/kinds.ts";
import type { PodCallers } from "./callers/pods.ts";
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
  readonly pods: Pick<PodCallers, "sendUntil">;
  /** @default requests of this machine cannot be sent */
  readonly host?: Pick<HostCaller, "send">;
  readonly tools: Pick<ToolCaller, "askAll">;
  readonly makeToken: (spec: TokenSpec) => string;
}

/** Sends the requests of a round side by side: from pods, from this machine, and by tools. */
export function roundSender({ pods, host, tools, makeToken: make }: SenderArgs): RoundSender {
  return async (requests, deadline) => {
    const found = new Map<ProbeRequest, Evidence>();
    const answered = (request: ProbeRequest, evidence: Evidence) => found.set(request, evidence);
    const fromPod = requests.filter((r): r is PodRequest => r.from !== "host" && r.from !== "tool");
    const fromPods = [...Map.groupBy(fromPod, kindOf)].map(([kind, own]) =>
      pods.sendUntil(deadline, kind, own, make, answered),
    );
    const hosts = requests.filter((r): r is HostRequest => r.from === "host");
    const fromHost = inPool(hosts, requestsAtOnce, async (r) => {
      if (!deadline.signal.aborted) answered(r, await host!.send(r));
    });
    const asked = requests.filter((r) => r.from === "tool");
    const fromTools = tools.askAll(asked, deadline.signal, answered);
    await deadline.bound(Promise.all([...fromPods, fromHost, fromTools]));
    // what still comes is too late
    return new Map(found);
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
