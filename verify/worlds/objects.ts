import { accessObjects } from "../../manifests/access.ts";
import { mtlsObjects, routeObjects, serviceObjects } from "../../manifests/bank.ts";
import { type KubernetesObject, istioObjects } from "../../manifests/object.ts";
import { clientRules } from "../../policies/mtls.ts";
import type { Settings } from "../../settings/index.ts";
import { callerObjects, lifetimeSeconds, runLabel } from "../callers/objects.ts";
import { credentialObjects, gatewayObjects } from "./gateway-objects.ts";
import type { World, WorldArgs } from "./world.ts";

/** What of the stack beside it a world has to allow for. */
export type Surroundings = Pick<Settings, "istio" | "meshDefaultDeny" | "destinationRule">;

/** Namespace of a world. */
export function worldNamespace(
  { run, namespace }: { readonly run: string; readonly namespace: string },
  { istio: { revision } }: Surroundings,
): KubernetesObject {
  const injection: Record<string, string> = revision
    ? { "istio.io/rev": revision }
    : { "istio-injection": "enabled" };
  return {
    ...{ apiVersion: "v1", kind: "Namespace" },
    metadata: { name: namespace, labels: { ...injection, [runLabel]: run } },
  };
}

/** All that stands in a world's namespace: rules first, pods last. */
export function worldObjects(
  world: World,
  args: WorldArgs,
  around: Surroundings,
): KubernetesObject[] {
  const { place, keys, images } = args;
  const s = world.settings(place);
  const { run, namespace, gateway } = place;
  return [
    ...mtlsObjects(s),
    ...clientObjects(s),
    ...neutral(s, around),
    ...credentialObjects(gateway, keys.server, keys.ca.certPem),
    ...routeObjects(s, undefined, gateway),
    ...(s.authorization === "off" ? [] : accessObjects(s, world.keySets(keys), gateway)),
    ...world.extras(args),
    ...gatewayObjects(gateway, s),
    ...serviceObjects(s, images.echo).map((o) => podOf(o, world.servers[o.metadata.name] ?? [])),
    ...callerObjects({ run, namespace, image: images.curl }, world.callers),
  ];
}

/** How clients dial; all in the world's namespace, as no world says so for the whole mesh. */
function clientObjects(s: Settings): KubernetesObject[] {
  const make = istioObjects(s.namespace);
  return clientRules(s, s.namespace).map(({ name, spec }) =>
    make("networking", "v1", "DestinationRule", name, spec),
  );
}

/** What takes back, for a world alone, what the stack says for the whole mesh. */
function neutral(s: Settings, { meshDefaultDeny, destinationRule }: Surroundings) {
  const make = istioObjects(s.namespace);
  const inside = `*.${s.namespace}.svc.cluster.local`;
  return [
    // as open as without rules
    ...(meshDefaultDeny && s.authorization !== "enforce"
      ? [make("security", "v1", "AuthorizationPolicy", "open", { action: "ALLOW", rules: [{}] })]
      : []),
    // the nearest rule counts, and one that says nothing leaves it to auto mTLS
    ...(destinationRule?.scope === "mesh" && s.destinationRule?.scope !== "namespace"
      ? [make("networking", "v1", "DestinationRule", "as-ever", { host: inside })]
      : []),
  ];
}

interface Container extends Readonly<Record<string, unknown>> {
  readonly env: readonly { readonly name: string; readonly value: string }[];
}
interface Template {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: Readonly<Record<string, unknown>> & { readonly containers: readonly Container[] };
}

/**
 * A Deployment's one pod without the Deployment, which nothing here would replace, and with a server on each further
 * port. Whatever else stays as it is.
 */
export function podOf(object: KubernetesObject, furtherPorts: readonly number[]): KubernetesObject {
  if (object.kind !== "Deployment") return object;
  const { metadata, spec } = (object.spec as { template: Template }).template;
  const [first] = spec.containers as readonly [Container];
  const further = furtherPorts.map((port) => {
    const { startupProbe, readinessProbe, livenessProbe, ports, ...rest } = first;
    void [startupProbe, readinessProbe, livenessProbe, ports];
    const env = first.env.map((e) => (e.name === "PORT" ? { ...e, value: String(port) } : e));
    return { ...rest, name: `app-${port}`, env };
  });
  return {
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata: { ...object.metadata, labels: { ...metadata.labels } },
    spec: {
      ...spec,
      activeDeadlineSeconds: lifetimeSeconds,
      terminationGracePeriodSeconds: 1,
      containers: [first, ...further],
    },
  };
}
