import { createHash } from "node:crypto";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { enforcementQuestions } from "../policies/enforcement.ts";
import type { Settings } from "../settings/index.ts";
import type { CustomResource, Deployment } from "./kubernetes.ts";

export interface EnforcementGateArgs {
  /** What the mesh has to enforce. */
  readonly settings: Settings;
  /** Kubeconfig of the cluster; goes to the command by standard input. */
  readonly kubeconfig: pulumi.Input<string>;
  /** Certificate and key of the external client, for gateways that ask for one; PEM. @default none is shown */
  readonly client?: {
    readonly certPem: pulumi.Input<string>;
    readonly keyPem: pulumi.Input<string>;
  };
  /** Image with curl and a shell, for the caller. */
  readonly curlImage: string;
  /** Image of services that name none: another one is another workload. */
  readonly echoImage: string;
  /** Objects that the answers come from. */
  readonly policies: readonly CustomResource[];
  /** The workloads. */
  readonly deployments: readonly Deployment[];
  /** How often it has to have been asked again. @default 0 */
  readonly asks?: pulumi.Input<number>;
}

/**
 * Green only when the mesh enforces what the stack says: a command on this machine that brings a caller, asks each
 * replica of each proxy until all answer by today's rules, and takes the caller away. It runs again when policies or
 * workloads change, back to what they were too, after an update that deleted policies which were in its way, when the
 * certificate is renewed that it shows, and not otherwise.
 */
export class EnforcementGate extends pulumi.ComponentResource {
  /** How long enforcement took, in words. */
  public readonly enforcement: pulumi.Output<string>;

  /**
   * @param name logical name
   * @param args settings and cluster
   * @param opts resource options; depends on policies and workloads
   */
  constructor(name: string, args: EnforcementGateArgs, opts?: pulumi.ComponentResourceOptions) {
    const { timeoutSeconds } = args.settings.enforcementGate;
    super("bankmesh:mesh:EnforcementGate", name, { timeoutSeconds }, opts);
    const { namespace, gatewayTls } = args.settings;
    const questions = enforcementQuestions(args.settings);
    const input = {
      ...(gatewayTls === "MUTUAL" && { client: args.client }),
      ...{ namespace, image: args.curlImage, questions, timeoutSeconds },
      policies: args.policies.map(({ kind, metadata }) => ({
        kind,
        namespace: metadata.namespace,
        name: metadata.name,
      })),
    };

    const check = new command.local.Command(
      `${name}-check`,
      {
        create: "node verify/gate/main.ts",
        environment: {
          ENFORCED: pulumi.interpolate`${enforcedHash(args)} ${madeHash(args)} ${args.asks ?? 0}`,
        },
        stdin: pulumi.secret(pulumi.jsonStringify({ ...input, kubeconfig: args.kubeconfig })),
        // what is wrong is shown, never the input, which has the kubeconfig in it
        logging: "stderr",
      },
      { parent: this },
    );
    // a secret came in, none goes out
    this.enforcement = pulumi.unsecret(check.stdout);
    this.registerOutputs({ enforcement: this.enforcement });
  }
}

/**
 * Changes with each change of the objects, as the cluster counts them: settings that go back to what they were, after an
 * update that failed, are asked about as well.
 */
function madeHash({ policies, deployments }: EnforcementGateArgs): pulumi.Output<string> {
  const made = [...policies, ...deployments].map(({ metadata }) => metadata);
  return pulumi
    .all(made)
    .apply((all) => short(JSON.stringify(all.map(({ uid, generation }) => [uid, generation]))));
}

/** Changes with what policies and workloads are made from, and with nothing else. */
export function enforcedHash({
  settings: s,
  echoImage,
}: Pick<EnforcementGateArgs, "settings" | "echoImage">): string {
  const { mtlsMode, meshMtlsMode, workloadMtls, destinationRule } = s;
  const { authorization, authentication, rollout, meshDefaultDeny } = s;
  const { gatewayTls, host, trustedProxies, services, namespace, istio } = s;
  const modes = { mtlsMode, meshMtlsMode, workloadMtls, destinationRule, gatewayTls };
  const access = { authorization, authentication, rollout, meshDefaultDeny, trustedProxies };
  const workloads = { services, namespace, host, istio, echoImage };
  return short(JSON.stringify({ modes, access, workloads }));
}

function short(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
