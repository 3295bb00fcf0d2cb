import { createHash } from "node:crypto";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { stringify } from "yaml";
import { knownOr, nobody } from "./known.ts";

/**
 * Node ports that the gateway's Service takes on kind; the node maps them to the host. Below 30086: from there on
 * Kubernetes picks ports by itself, and one in some 2,700 times it would pick this one for something else first.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/service/#avoid-nodeport-collisions
 */
export const gatewayNodePorts = { http: 30080, https: 30043 } as const;

/** Folder of the commands, relative to the program: an absolute path would differ from machine to machine. */
const scripts = "components/kind-cluster";

export interface KindClusterArgs {
  /** Name of the cluster. */
  readonly clusterName: string;
  /** Put a random suffix behind the name, so that several can live side by side. @default false */
  readonly throwAway?: boolean;
  /** Node image of kind. */
  readonly nodeImage: string;
  /** Repository that kubeadm takes Kubernetes' own images from. @default kubeadm's */
  readonly imageRepository?: string;
  /** Worker nodes beside the control plane. @default 0 */
  readonly workers?: number;
  /** Port of 127.0.0.1 that reaches the gateway's 80. */
  readonly httpPort: number;
  /** Port of 127.0.0.1 that reaches the gateway's 443. */
  readonly httpsPort: number;
  /** Images of the host's Docker that are loaded into the nodes. @default none */
  readonly preloadImages?: readonly string[];
  /** Mirrors by registry host. @default none */
  readonly registryMirrors?: Readonly<Record<string, readonly string[]>>;
}

/**
 * A Kubernetes cluster in Docker, by the kind CLI.
 *
 * A command has no read, so each run, previews too, first asks Docker: the creation id that is stamped into the
 * living node if it is of today's configuration, else a fresh one. The id is the command's trigger, so a cluster
 * that was deleted behind Pulumi's back, or whose configuration changed, is made again by a plain `pulumi up`.
 * A stopped cluster is started. A Docker that does not answer is an error, never "gone".
 */
export class KindCluster extends pulumi.ComponentResource {
  /** Name, with its suffix if it is a throw-away. */
  public readonly clusterName: pulumi.Output<string>;
  /** Admin kubeconfig; a secret. */
  public readonly kubeconfig: pulumi.Output<string>;
  /** Changes with each creation of the cluster, and only then. */
  public readonly creationId: pulumi.Output<string>;
  /** The resource whose deletion takes everything inside the cluster with it. */
  public readonly lifetime: pulumi.Resource;

  /**
   * @param name logical name
   * @param args what the cluster is made of
   * @param opts resource options
   */
  constructor(name: string, args: KindClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    const { clusterName, nodeImage, workers, httpPort, httpsPort } = args;
    super(
      "bankmesh:cluster:KindCluster",
      name,
      { clusterName, nodeImage, workers, httpPort, httpsPort },
      opts,
    );
    const child = { parent: this };
    const config = kindConfig(args);
    const hash = configHash(config, args.preloadImages);

    this.clusterName = uniqueName(name, args, child);
    const owner = new random.RandomId(`${name}-owner`, { byteLength: 8 }, child);
    this.creationId = askCreationId(this.clusterName, owner.hex, hash);
    const cluster = makeCluster(name, this, owner.hex, config, args.preloadImages ?? []);
    waitForNodes(name, this, cluster);
    this.kubeconfig = pulumi.secret(cluster.stdout);
    this.lifetime = cluster;
    this.registerOutputs({
      clusterName: this.clusterName,
      kubeconfig: this.kubeconfig,
      creationId: this.creationId,
    });
  }
}

function uniqueName(
  name: string,
  args: KindClusterArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  if (!args.throwAway) return pulumi.output(args.clusterName);
  const suffix = new random.RandomString(
    `${name}-suffix`,
    { length: 5, upper: false, special: false },
    opts,
  );
  return pulumi.interpolate`${args.clusterName}-${suffix.result}`;
}

function askCreationId(
  clusterName: pulumi.Output<string>,
  owner: pulumi.Output<string>,
  hash: string,
): pulumi.Output<string> {
  const answer = command.local.runOutput({
    command: `bash ${scripts}/ask.sh`,
    environment: { CLUSTER: clusterName, OWNER: knownOr(owner, nobody), CONFIG_HASH: hash },
    logging: "stderr",
  });
  return answer.stdout;
}

function makeCluster(
  name: string,
  cluster: KindCluster,
  owner: pulumi.Output<string>,
  config: string,
  preloadImages: readonly string[],
): command.local.Command {
  return new command.local.Command(
    `${name}-cluster`,
    {
      create: `bash ${scripts}/create.sh`,
      delete: `bash ${scripts}/delete.sh`,
      environment: {
        CLUSTER: cluster.clusterName,
        OWNER: owner,
        CREATION_ID: cluster.creationId,
        PRELOAD_IMAGES: [...preloadImages].sort().join(" "),
      },
      stdin: config,
      triggers: [cluster.creationId],
      // what is wrong is shown; standard output is the kubeconfig and is not
      logging: "stderr",
    },
    { parent: cluster, additionalSecretOutputs: ["stdout"] },
  );
}

/** Waits until the nodes are Ready, while CRDs, ServiceAccounts and Services, which need no node, are made. */
function waitForNodes(name: string, parent: KindCluster, cluster: command.local.Command): void {
  new command.local.Command(
    `${name}-ready`,
    {
      create: `bash ${scripts}/ready.sh`,
      environment: { CLUSTER: parent.clusterName },
      triggers: [parent.creationId],
      logging: "stderr",
    },
    { parent, dependsOn: cluster, deletedWith: cluster },
  );
}

/** kind's configuration file, with sorted keys so that the same arguments give the same text. */
export function kindConfig(args: KindClusterArgs): string {
  const mapping = (containerPort: number, hostPort: number) => ({
    containerPort,
    hostPort,
    listenAddress: "127.0.0.1",
  });
  const controlPlane = {
    role: "control-plane",
    image: args.nodeImage,
    extraPortMappings: [
      mapping(gatewayNodePorts.http, args.httpPort),
      mapping(gatewayNodePorts.https, args.httpsPort),
    ],
  };
  const workers = Array.from({ length: args.workers ?? 0 }, () => ({
    role: "worker",
    image: args.nodeImage,
  }));
  const mirrors = Object.entries(args.registryMirrors ?? {}).sort(([a], [b]) => a.localeCompare(b));
  return stringify({
    apiVersion: "kind.x-k8s.io/v1alpha4",
    kind: "Cluster",
    ...(args.imageRepository && {
      kubeadmConfigPatches: [
        stringify({ kind: "ClusterConfiguration", imageRepository: args.imageRepository }),
      ],
    }),
    ...(mirrors.length > 0 && {
      containerdConfigPatches: mirrors.map(([host, urls]) => mirrorPatch(host, urls)),
    }),
    nodes: [controlPlane, ...workers],
  });
}

function mirrorPatch(host: string, urls: readonly string[]): string {
  const endpoints = urls.map((url) => JSON.stringify(url)).join(", ");
  return `[plugins."io.containerd.grpc.v1.cri".registry.mirrors.${JSON.stringify(host)}]\n  endpoint = [${endpoints}]\n`;
}

/** Twelve hex digits that change when the cluster has to be made anew. */
export function configHash(config: string, preloadImages: readonly string[] = []): string {
  return createHash("sha256")
    .update(JSON.stringify([config, [...preloadImages].sort()]))
    .digest("hex")
    .slice(0, 12);
}
