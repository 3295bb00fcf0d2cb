import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { knownOr, nobody } from "./known.ts";

export interface ExistingClusterArgs {
  /** Context of the user's kubeconfig ($KUBECONFIG or ~/.kube/config). */
  readonly context: string;
  /** Namespaces that this stack makes, and refuses to find made by others. */
  readonly namespaces: readonly string[];
  /** Use what is there although others made it: istio, a namespace's name, or namespaces for all. @default nothing */
  readonly adopt?: readonly string[];
}

/**
 * A cluster that somebody else runs. Each run asks it first: who is it, and is anything in the way that this stack
 * did not make? Namespaces and an Istio of others are refused by name unless adopted.
 */
export class ExistingCluster extends pulumi.ComponentResource {
  /** Kubeconfig of that one context; a secret. */
  public readonly kubeconfig: pulumi.Output<string>;
  /** UID of the cluster's kube-system namespace: who the cluster is. */
  public readonly creationId: pulumi.Output<string>;
  /** Marks what this stack makes; an annotation of its namespaces. */
  public readonly owner: pulumi.Output<string>;

  /**
   * @param name logical name
   * @param args context and what may be there
   * @param opts resource options
   */
  constructor(name: string, args: ExistingClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super(
      "bankmesh:cluster:ExistingCluster",
      name,
      { context: args.context, adopt: args.adopt },
      opts,
    );
    const owner = new random.RandomId(`${name}-owner`, { byteLength: 8 }, { parent: this });
    this.owner = owner.hex;
    this.creationId = this.ask("who", args);
    this.kubeconfig = pulumi.secret(this.ask("kubeconfig", args));
    this.registerOutputs({
      creationId: this.creationId,
      kubeconfig: this.kubeconfig,
      owner: this.owner,
    });
  }

  private ask(question: "who" | "kubeconfig", args: ExistingClusterArgs): pulumi.Output<string> {
    const answer = command.local.runOutput({
      command: `bash components/existing-cluster/ask.sh ${question}`,
      environment: {
        KUBECONTEXT: args.context,
        OWNER: knownOr(this.owner, nobody),
        NAMESPACES: args.namespaces.join(" "),
        ADOPT: (args.adopt ?? []).join(" "),
      },
      // what is wrong is shown; one answer is the kubeconfig and is not
      logging: "stderr",
    });
    return answer.stdout;
  }
}
