import { deployment, serviceObject } from "../../components/bank-service.ts";
import { type KubernetesObject, istioObjects } from "../../manifests/object.ts";
import { podOf } from "./objects.ts";
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
    ...tlsServer({ place, keys, images }),
    legacyPod({ place, keys, images }),
  ];
}

const web = { name: "http", port: 80, targetPort: 8080 };

/** What the server that ends TLS reads. */
function tlsServer({ place: { namespace }, keys: { backend } }: WorldArgs): KubernetesObject[] {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const config = `
    pid /tmp/nginx.pid;
    error_log stderr;
    events {}
    http {
      access_log off;
      ${temporary.map((t) => `${t}_temp_path /tmp/${t};`).join(" ")}
      server {
        listen ${tlsPort} ssl;
        ssl_certificate /tls/tls.crt;
        ssl_certificate_key /tls/tls.key;
        location / { return 200 'passed through\n'; }
      }
    }`;
  const metadata = { name: `${legacy}-tls`, namespace };
  return [
    { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "nginx.conf": config } },
    {
      ...{ apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls", metadata },
      stringData: { "tls.crt": backend.certPem, "tls.key": backend.keyPem },
    },
  ];
}

function legacyPod({ place: { namespace }, images }: WorldArgs): KubernetesObject {
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
  const mount = (name: string) => ({ name, mountPath: `/${name}` });
  const nginx = {
    ...{ name: "tls", image: images.nginx, imagePullPolicy: "IfNotPresent" },
    command: ["nginx", "-c", "/config/nginx.conf", "-g", "daemon off;"],
    securityContext: containers[0]!.securityContext,
    resources: containers[0]!.resources,
    readinessProbe: { tcpSocket: { port: tlsPort }, periodSeconds: 1 },
    volumeMounts: ["config", "tls", "tmp"].map(mount),
  };
  const name = `${legacy}-tls`;
  const volumes = [
    { name: "config", configMap: { name } },
    { name: "tls", secret: { secretName: name } },
    { name: "tmp", emptyDir: {} },
  ];
  const { labels } = pod.metadata as unknown as { labels: Record<string, string> };
  return {
    ...pod,
    metadata: { ...pod.metadata, labels: { ...labels, "sidecar.istio.io/inject": "false" } },
    spec: { ...spec, containers: [...containers, nginx], volumes },
  };
}
