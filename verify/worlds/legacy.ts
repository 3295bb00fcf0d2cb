import { serviceObject } from "../../components/bank-service.ts";
import { type KubernetesObject, istioObjects } from "../../manifests/object.ts";
import { nakedPod } from "./naked.ts";
import {
  type TlsServer,
  tlsServerContainer,
  tlsServerObjects,
  tlsServerVolumes,
} from "./tls-server.ts";
import { type WorldArgs, serviceHost } from "./world.ts";

/** A workload without a sidecar: answers HTTP on 80, and ends TLS itself on 443. */
export const legacy = "legacy";
/** The same behind a rule of the settings by which clients of the mesh dial mTLS. */
export const dialled = "legacy-dialled";
/** One Service for a workload with a sidecar and the one without. */
export const mixed = "mixed";
/** Header by which a call to it says which of the two it wants. */
export const subsetHeader = "x-subset";
/** Version of the two, by which the Service finds them. */
export const mixedVersion = "mixed";

/** A Service that leads to a workload of the mesh, and that the settings' client rules except: plaintext is dialled. */
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
    make("networking", "v1", "DestinationRule", mixed, {
      ...{ host: serviceHost(mixed, place), subsets },
    }),
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
  const pod = nakedPod(legacy, world, mixedVersion);
  const { containers } = pod.spec;
  const server = tlsServer(world);
  const nginx = {
    ...tlsServerContainer(server),
    securityContext: containers[0]!.securityContext,
    resources: containers[0]!.resources,
  };
  const volumes = tlsServerVolumes(server);
  return { ...pod, spec: { ...pod.spec, containers: [...containers, nginx], volumes } };
}
