import { setTimeout as sleep } from "node:timers/promises";
import { requestAuthentication } from "../../policies/authentication.ts";
import { workloadMtls } from "../../policies/mtls.ts";
import { type KubernetesObject, istioObjects } from "../../manifests/object.ts";
import type { PodCallers } from "../callers/pods.ts";
import { istioctl } from "../callers/istioctl.ts";
import type { ToolCallerArgs } from "../callers/tools.ts";
import { classify } from "../classify.ts";
import type { Kubectl } from "../kubectl.ts";
import { countedRequests, flipFindings, secretsIn } from "./findings.ts";
import { keySetOf, type WorldKeys } from "./keys.ts";
import { type WorldPlace, serviceHost } from "./world.ts";

export interface CheckArgs {
  readonly kubectl: Kubectl;
  /** Callers of the run, with a sidecar and without one. */
  readonly callers: PodCallers;
  readonly place: WorldPlace;
  readonly keys: WorldKeys;
  /** Namespaces whose proxies' logs are read. */
  readonly namespaces: readonly string[];
  /** When the run began, RFC 3339. */
  readonly since: string;
}

/** Calls that are sent to be counted. */
const countedCalls = 20;
/**
 * Traffic of a flip, in s: how long it lasts before the mode changes; how long it goes on once plaintext is refused, for
 * connections are drained meanwhile; and after which time its pod ends it in any case.
 */
const flip = { before: 2, after: 6, most: 60 };
/** How long plaintext may still be taken once the mode has changed: configuration takes time. */
const flipPatience = 20_000;

/** What tools are asked of a world, by name. */
export function worldChecks(args: CheckArgs): NonNullable<ToolCallerArgs["checks"]> {
  return {
    flip: (service) => flipUnderTraffic(args, service),
    flagged: (what) => flagged(args, what),
    webhook: () => refusedByWebhook(args),
    counted: (service) => counted(args, service),
    "secrets-in-logs": () => secretsInLogs(args),
  };
}

async function flipUnderTraffic(args: CheckArgs, service: string): Promise<string[]> {
  const { kubectl, callers, place } = args;
  const url = `http://${serviceHost(service, place)}/`;
  const plaintext = async () => {
    const [answer] = await callers.send("plain", [{ from: "plain", url }], noTokens);
    return classify(answer!, false);
  };
  const before = await plaintext();
  const curl = `curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}\\n' ${url}`;
  const stop = `/tmp/flip-${service}`;
  const loop = `end=$(($(date +%s) + ${flip.most})); while [ ! -e ${stop} ] && [ $(date +%s) -lt $end ]; do ${curl}; done; rm -f ${stop}`;
  const traffic = callers.shell("mesh", loop);
  await sleep(flip.before * 1000);
  const strict = workloadMtls({ service, mode: "STRICT" });
  const make = istioObjects(place.namespace);
  await kubectl.apply([make("security", "v1", "PeerAuthentication", `${service}-mtls`, strict)]);
  const until = Date.now() + flipPatience;
  let after = await plaintext();
  while (after === "ok" && Date.now() < until) {
    await sleep(300);
    after = await plaintext();
  }
  await sleep(flip.after * 1000);
  await callers.shell("mesh", `touch ${stop}`);
  return flipFindings(before, after, (await traffic).split("\n").filter(Boolean));
}

/** `IST0127 name`: the code of a message that istioctl has to have about an object of that name. */
async function flagged({ kubectl, place }: CheckArgs, what: string): Promise<string[]> {
  const [code, name] = what.split(" ");
  const text = await istioctl(kubectl, [
    ...["analyze", "--namespace", place.namespace, "--output", "json"],
  ]);
  const messages = JSON.parse(text) as { code: string; origin?: string }[];
  const found = messages.some((m) => m.code === code && m.origin?.endsWith(`/${name}`));
  return found ? [] : [`istioctl says no ${code} about ${name}`];
}

async function refusedByWebhook({ kubectl, place, keys }: CheckArgs): Promise<string[]> {
  const attempt = async (jwks: string) => {
    const issuer = { name: "x", issuer: "https://x.verify.local", audiences: ["bank"], jwks };
    const spec = requestAuthentication({ issuers: [issuer], ownKeys: {}, forward: false });
    const object: KubernetesObject = istioObjects(place.namespace)(
      ...(["security", "v1", "RequestAuthentication", "attempt", spec] as const),
    );
    const command = ["apply", "--dry-run=server", "--filename", "-"];
    return kubectl.run(command, JSON.stringify(object)).then(
      () => "",
      (error: Error) => error.message,
    );
  };
  const [wrong, right] = await Promise.all([
    attempt('{"keys"'),
    attempt(keySetOf(keys.tokens.first)),
  ]);
  return [
    ...(/jwks/i.test(wrong) ? [] : [`not refused for its keys: ${wrong || "it was taken"}`]),
    ...(right === "" ? [] : [`the control was refused: ${right}`]),
  ];
}

async function counted({ kubectl, callers, place }: CheckArgs, service: string): Promise<string[]> {
  const at = `/api/v1/namespaces/${place.namespace}/pods/${service}:15090/proxy/stats/prometheus`;
  const count = async () =>
    countedRequests(await kubectl.run(["get", "--raw", at]), callers.identity);
  const before = await count();
  const request = { from: "mesh", url: `http://${serviceHost(service, place)}/` } as const;
  const requests = Array.from({ length: countedCalls }, () => ({ ...request }));
  const answers = await callers.send("mesh", requests, noTokens);
  const failed = answers.filter((a) => classify(a, false) !== "ok").length;
  if (failed > 0) return [`${failed} of ${countedCalls} calls were not answered`];
  let grown = (await count()) - before;
  for (let i = 0; i < 10 && grown < countedCalls; i++) {
    await sleep(500);
    grown = (await count()) - before;
  }
  return grown === countedCalls
    ? []
    : [`${countedCalls} calls were sent, and the count grew by ${grown}`];
}

async function secretsInLogs({ kubectl, namespaces, since }: CheckArgs): Promise<string[]> {
  const read = (namespace: string, selector: string, container: string) =>
    kubectl.run([
      ...["logs", `--namespace=${namespace}`, `--selector=${selector}`],
      ...[`--container=${container}`, `--since-time=${since}`, "--tail=-1"],
      "--max-log-requests=200",
    ]);
  const logs = await Promise.all([
    // whatever Istio injected a proxy into, gateways too
    ...namespaces.map((n) => read(n, "service.istio.io/canonical-name", "istio-proxy")),
    read("istio-system", "app=istio-ingressgateway", "istio-proxy"),
    read("istio-system", "app=istiod", "discovery"),
  ]);
  return secretsIn(logs.join("\n"));
}

function noTokens(): never {
  throw new Error("none of these calls brings a token");
}
