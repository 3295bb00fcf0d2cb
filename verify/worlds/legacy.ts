import { deployment, serviceObject } from "../../components/bank-service.ts";
import { type KubernetesObject, istioObjects } from "../../manifests/object.ts";
import { podOf } from "./objects.ts";
import {
  type TlsServer,
  tlsServerContainer,
  tlsServerObjects,
  tlsServerVolumes,
} from "./tls-server.ts";
import { type WorldArgs, serviceHost } from "./world.ts";

/** A workload without a sidecar: answers HTTP on 80, and ends TLS itself on 443. */
export const legacy = "legacy";
/** The same behind a rule by which clients of the mesh dial mTLS. */
export const dialled = "legacy-dialled";
/** One Service for a workload with a sidecar and the one without. */
export const mixed = "mixed";
/** Header by which a call to it says which of the two it wants. */
export const subsetHeader = "x-subset";
/** Version of the two, by which the Service finds them. */
export const mixedVersion = "mixed";

/** Names of a Service that leads to a workload of the mesh, past which a client rule says plaintext. */
export const plainlyDialled = "strict-plain";

const tlsPort = 8443;

/**
 * The workload, and Services and client rules around it and one of the mesh.
 *
 * @param inMesh service of the mesh that stands beside it
 * @param strict service that takes mTLS alone
 */
export function legacyObjects(
  { place, keys, images }: WorldArgs,
  { inMesh, strict }: { readonly inMesh: string; readonly strict: string },
): KubernetesObject[] {
  const { namespace } = place;
  const make = istioObjects(namespace);
  const args = {
    service: { name: legacy, version: mixedVersion },
    namespace,
    echoImage: images.echo,
  };
  const service = (name: string, selector: object, ports: readonly object[] = [web]) => ({
    ...{ apiVersion: "v1", kind: "Service", metadata: { name, namespace } },
    spec: { selector, ports },
  });
  const rule = (name: string, spec: object) =>
    make("networking", "v1", "DestinationRule", name, { host: serviceHost(name, place), ...spec });
  const dial = (mode: string) => ({ trafficPolicy: { tls: { mode } } });
  const subsets = [legacy, inMesh].map((name) => ({ name, labels: { app: name } }));
  const route = (subset: string) => [
    { destination: { host: serviceHost(mixed, place), port: { number: 80 }, subset } },
  ];
  return [
    { apiVersion: "v1", kind: "Service", ...serviceObject(args) } as KubernetesObject,
    service(dialled, { app: legacy }),
    service(`${legacy}-tls`, { app: legacy }, [{ name: "tls", port: 443, targetPort: tlsPort }]),
    service(mixed, { version: mixedVersion }),
    service(plainlyDialled, { app: strict }),
    rule(dialled, dial("ISTIO_MUTUAL")),
    rule(plainlyDialled, dial("DISABLE")),
    rule(mixed, { subsets }),
    make("networking", "v1", "VirtualService", mixed, {
      hosts: [serviceHost(mixed, place)],
      http: [
        { match: [{ headers: { [subsetHeader]: { exact: legacy } } }], route: route(legacy) },
        { route: route(inMesh) },
      ],
    }),
    ...tlsServerObjects(tlsServer({ place, keys, images })),
    legacyPod({ place, keys, images }),
  ];
}

const web = { name: "http", port: 80, targetPort: 8080 };

/** The server that ends TLS. */
const tlsServer = ({ place: { namespace }, keys, images }: WorldArgs): TlsServer => ({
  metadata: { name: `${legacy}-tls`, namespace },
  ...{ image: images.nginx, port: tlsPort, certificate: keys.backend },
  locations: ["location / { return 200 'passed through\n'; }"],
});

function legacyPod(world: WorldArgs): KubernetesObject {
  const { place, images } = world;
  const { namespace } = place;
  const args = {
    service: { name: legacy, version: mixedVersion },
    namespace,
    echoImage: images.echo,
  };
  const made = { apiVersion: "apps/v1", kind: "Deployment", ...deployment(args) };
  const pod = podOf(made as unknown as KubernetesObject, []);
  const { containers, serviceAccountName, ...spec } = pod.spec as {
    containers: readonly Readonly<Record<string, unknown>>[];
    serviceAccountName: string;
  };
  // the world has no account of its own for it: the default one will do, so this one is only taken out
  void serviceAccountName;
  const server = tlsServer(world);
  const nginx = {
    ...tlsServerContainer(server),
    securityContext: containers[0]!.securityContext,
    resources: containers[0]!.resources,
  };
  const volumes = tlsServerVolumes(server);
  const { labels } = pod.metadata as unknown as { labels: Record<string, string> };
  return {
    ...pod,
    metadata: { ...pod.metadata, labels: { ...labels, "sidecar.istio.io/inject": "false" } },
    spec: { ...spec, containers: [...containers, nginx], volumes },
  };
}
