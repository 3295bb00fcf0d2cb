import * as pulumi from "@pulumi/pulumi";
import { clientRules, namespaceMtls, workloadMtls } from "../policies/mtls.ts";
import type { MtlsMode, Settings, WorkloadMtls } from "../settings/index.ts";
import { istioNamespace } from "./istio-mesh.ts";
import { istioObject } from "./istio-object.ts";
import type { CustomResource } from "./kubernetes.ts";

export interface MeshSecurityArgs {
  /** How the bank's workloads receive traffic. */
  readonly mtlsMode: MtlsMode;
  /** The same for the whole mesh. @default none, Istio's PERMISSIVE */
  readonly meshMtlsMode?: MtlsMode;
  /** Workloads that differ. @default none */
  readonly workloadMtls?: readonly WorkloadMtls[];
  /** Write auto mTLS down as DestinationRules. @default no rule, Istio finds out by itself */
  readonly destinationRule?: Settings["destinationRule"];
  /** Namespace of the bank. */
  readonly namespace: string;
}

/** The mesh's security objects: who must speak mTLS. */
export class MeshSecurity extends pulumi.ComponentResource {
  /** Mode of the bank's namespace. */
  public readonly mtlsMode: MtlsMode;
  /** Its objects. */
  public readonly policies: CustomResource[];

  /**
   * @param name logical name
   * @param args modes
   * @param opts resource options; depends on the mesh and on the bank's namespace
   */
  constructor(name: string, args: MeshSecurityArgs, opts?: pulumi.ComponentResourceOptions) {
    const { mtlsMode, meshMtlsMode, namespace } = args;
    super("bankmesh:mesh:MeshSecurity", name, { mtlsMode, meshMtlsMode, namespace }, opts);
    const child = { parent: this };
    this.mtlsMode = mtlsMode;

    this.policies = [
      ...peerAuthentications(name, args, child),
      ...destinationRules(name, args, child),
    ];
    this.registerOutputs({ mtlsMode });
  }
}

function peerAuthentications(
  name: string,
  args: MeshSecurityArgs,
  opts: pulumi.CustomResourceOptions,
): CustomResource[] {
  const make = (role: string, objectName: string, namespace: string, spec: object) =>
    istioObject(
      `${name}-${role}`,
      "PeerAuthentication",
      { name: objectName, namespace },
      spec,
      opts,
    );
  const { namespace, mtlsMode, meshMtlsMode } = args;
  return [
    make("namespace-mtls", "default", namespace, namespaceMtls(mtlsMode)),
    ...(meshMtlsMode
      ? [make("mesh-mtls", "default", istioNamespace, namespaceMtls(meshMtlsMode))]
      : []),
    ...(args.workloadMtls ?? []).map((w) =>
      make(`workload-${w.service}-mtls`, `${w.service}-mtls`, namespace, workloadMtls(w)),
    ),
  ];
}

function destinationRules(
  name: string,
  args: MeshSecurityArgs,
  opts: pulumi.CustomResourceOptions,
): CustomResource[] {
  return clientRules(args, istioNamespace).map(({ role, name: objectName, namespace, spec }) =>
    istioObject(`${name}-${role}`, "DestinationRule", { name: objectName, namespace }, spec, opts),
  );
}
