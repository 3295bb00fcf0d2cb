/** A Kubernetes object as it is applied. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string } & Record<
    string,
    unknown
  >;
  readonly [key: string]: unknown;
}

/** Makes objects of Istio's in one namespace. */
export function istioObjects(namespace: string) {
  return (
    group: "networking" | "security",
    version: "v1" | "v1alpha3",
    kind: string,
    name: string,
    spec: object,
    annotations?: Readonly<Record<string, string>>,
  ): KubernetesObject => ({
    apiVersion: `${group}.istio.io/${version}`,
    kind,
    metadata: { name, namespace, ...(annotations && { annotations }) },
    spec,
  });
}
