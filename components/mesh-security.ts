import * as pulumi from "@pulumi/pulumi";
import { clientRules, namespaceMtls, workloadMtls } from "../policies/mtls.ts";
import type { MtlsMode, Settings, WorkloadMtls } from "../settings/index.ts";
import { istioNamespace } from "./istio-mesh.ts";
import { istioObject } from "./istio-object.ts";

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

    peerAuthentications(name, args, child);
    destinationRules(name, args, child);
    this.registerOutputs({ mtlsMode });
  }
}

function peerAuthentications(
  name: string,
  args: MeshSecurityArgs,
  opts: pulumi.CustomResourceOptions,
): void {
  const make = (role: string, objectName: string, namespace: string, spec: object) =>
    istioObject(
      `${name}-${role}`,
      "PeerAuthentication",
      { name: objectName, namespace },
      spec,
      opts,
    );
  make("namespace-mtls", "default", args.namespace, namespaceMtls(args.mtlsMode));
  if (args.meshMtlsMode)
    make("mesh-mtls", "default", istioNamespace, namespaceMtls(args.meshMtlsMode));
  for (const w of args.workloadMtls ?? [])
    make(`workload-${w.service}-mtls`, `${w.service}-mtls`, args.namespace, workloadMtls(w));
}

function destinationRules(
  name: string,
  args: MeshSecurityArgs,
  opts: pulumi.CustomResourceOptions,
): void {
  for (const { role, name: objectName, namespace, spec } of clientRules(args, istioNamespace))
    istioObject(`${name}-${role}`, "DestinationRule", { name: objectName, namespace }, spec, opts);
}
