import { deployment } from "../../components/bank-service.ts";
import type { KubernetesObject } from "../../manifests/object.ts";
import { podOf } from "./objects.ts";
import { type WorldArgs, type WorldPlace, serviceHost } from "./world.ts";

/** A workload without a sidecar, in a namespace for which a client rule says mTLS. */
export const naked = "naked";
/** The same behind a Service that the rule excepts. */
export const spared = "naked-spared";

export interface NakedPod {
  readonly metadata: KubernetesObject["metadata"];
  readonly spec: { readonly containers: readonly Readonly<Record<string, unknown>>[] };
}

/** A pod of a service that has no sidecar, and no account but the default one. */
export function nakedPod(
  name: string,
  { place: { namespace }, images }: WorldArgs,
  version?: string,
): KubernetesObject & NakedPod {
  const service = { name, ...(version !== undefined && { version }) };
  const args = { service, namespace, echoImage: images.echo };
  const made = { apiVersion: "apps/v1", kind: "Deployment", ...deployment(args) };
  const pod = podOf(made as unknown as KubernetesObject, []) as KubernetesObject & NakedPod;
  const { serviceAccountName, ...spec } = pod.spec as NakedPod["spec"] & {
    serviceAccountName: string;
  };
  // a world has no account of its own for it
  void serviceAccountName;
  const labels = {
    ...(pod.metadata.labels as object),
    ...{ "sidecar.istio.io/inject": "false" },
  };
  return { ...pod, metadata: { ...pod.metadata, labels }, spec };
}

/** Name of the Service that is excepted, in full. */
export const sparedHost = (place: WorldPlace) => serviceHost(spared, place);

/** The workload and its two Services. */
export function nakedObjects(args: WorldArgs): KubernetesObject[] {
  const { namespace } = args.place;
  const service = (name: string): KubernetesObject => ({
    ...{ apiVersion: "v1", kind: "Service", metadata: { name, namespace } },
    spec: { selector: { app: naked }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
  });
  return [nakedPod(naked, args), service(naked), service(spared)];
}
