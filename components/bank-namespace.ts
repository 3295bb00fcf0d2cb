import * as pulumi from "@pulumi/pulumi";
import { Namespace, NamespacePatch } from "./kubernetes.ts";

export interface BankNamespaceArgs {
  /** Its name. */
  readonly namespace: string;
  /** Istio revision that injects the pods. @default the default one */
  readonly revision?: string;
  /** Annotations of the namespace. @default none */
  readonly namespaceAnnotations?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Use the namespace that is there; it gets the label for injection. @default false */
  readonly adoptNamespace?: boolean;
}

/**
 * Pods that are not what the restricted standard asks for are told of. They are not refused: beside the sidecar comes a
 * container that sets up the interception, which needs NET_ADMIN and NET_RAW.
 *
 * @see https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
 */
export const podSecurity: Readonly<Record<string, string>> = {
  "pod-security.kubernetes.io/warn": "restricted",
  "pod-security.kubernetes.io/audit": "restricted",
};

/** The bank's namespace, with injection on. Its policies come next, before the first workload. */
export class BankNamespace extends pulumi.ComponentResource {
  /** For what has to come after the namespace. */
  public readonly ready: pulumi.Resource[];

  /**
   * @param name logical name
   * @param args name and injection
   * @param opts resource options
   */
  constructor(name: string, args: BankNamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("bankmesh:bank:BankNamespace", name, { namespace: args.namespace }, opts);
    // it was a child of Bank once; a namespace that is made anew takes the whole bank with it
    const aliases = [{ parent: pulumi.createUrn(name, "bankmesh:bank:Bank") }];
    this.ready = createNamespace(name, args, { parent: this, aliases });
    this.registerOutputs({});
  }
}

function createNamespace(
  name: string,
  args: BankNamespaceArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const labels: Record<string, string> = {
    // somebody else's has its own
    ...(!args.adoptNamespace && podSecurity),
    ...(args.revision ? { "istio.io/rev": args.revision } : { "istio-injection": "enabled" }),
  };
  const annotations = args.namespaceAnnotations;
  const metadata = { name: args.namespace, labels, ...(annotations && { annotations }) };
  if (args.adoptNamespace) return [new NamespacePatch(`${name}-namespace`, { metadata }, opts)];
  return [new Namespace(`${name}-namespace`, { metadata }, opts)];
}
