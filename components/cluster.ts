import * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../settings/index.ts";
import type { Sources } from "../sources/index.ts";
import { ExistingCluster } from "./existing-cluster.ts";
import { istioNamespace } from "./istio-mesh.ts";
import type { GatewayServiceArgs } from "./istio-values.ts";
import { KindCluster, gatewayNodePorts } from "./kind-cluster.ts";
import { Provider } from "./kubernetes.ts";

/** Options of everything that lives inside the cluster. */
export interface InCluster {
  /** Talks to the cluster. */
  readonly provider: Provider;
  /** What takes everything inside with it when it is deleted. */
  readonly deletedWith?: pulumi.Resource;
}

/** A cluster, whoever made it, as the rest of the program sees it. */
export interface Cluster {
  /** Name of the kind cluster, or the context of an existing one. */
  readonly name: pulumi.Output<string>;
  /** Admin kubeconfig; a secret. Undefined where manifests are written down and nobody is there to ask. */
  readonly kubeconfig?: pulumi.Output<string>;
  /** How the gateway's Service is reached there. */
  readonly gatewayService: GatewayServiceArgs;
  /** Annotations of the namespaces that the stack makes. */
  readonly namespaceAnnotations?: Record<string, pulumi.Input<string>>;
  /** Options for what lives inside. */
  readonly inCluster: InCluster;
}

/**
 * The cluster that the settings ask for: a kind cluster that is made, or one that exists. Where the sources name a
 * folder for manifests, none.
 */
export function cluster(settings: Settings, sources: Sources): Cluster {
  if (sources.renderTo !== undefined) return renderedCluster(settings, sources.renderTo);
  return settings.cluster === "kind" ? kindCluster(settings, sources) : existingCluster(settings);
}

/** Looks to all others like the one that the settings ask for, and writes their objects to a folder. */
function renderedCluster(settings: Settings, folder: string): Cluster {
  const existing = settings.cluster === "existing";
  return {
    name: pulumi.output(existing ? settings.context! : settings.clusterName),
    gatewayService: existing
      ? { type: settings.gatewayServiceType! }
      : { type: "NodePort", nodePorts: gatewayNodePorts },
    // a random id of the stack's on a real cluster
    ...(existing && { namespaceAnnotations: { "bankmesh/owner": "rendered" } }),
    inCluster: { provider: new Provider("cluster", { renderYamlToDirectory: folder }) },
  };
}

function kindCluster(settings: Settings, sources: Sources): Cluster {
  const { clusterName, throwAway, workers, httpPort, httpsPort, preloadImages, registryMirrors } =
    settings;
  const made = new KindCluster("kind", {
    clusterName,
    throwAway,
    workers,
    httpPort,
    httpsPort,
    preloadImages,
    registryMirrors,
    nodeImage: settings.nodeImage ?? sources.node.image,
    ...(sources.node.imageRepository && { imageRepository: sources.node.imageRepository }),
  });
  return {
    name: made.clusterName,
    kubeconfig: made.kubeconfig,
    gatewayService: { type: "NodePort", nodePorts: gatewayNodePorts },
    inCluster: { provider: provider(made.kubeconfig, made.creationId), deletedWith: made.lifetime },
  };
}

function existingCluster(settings: Settings): Cluster {
  const found = new ExistingCluster("existing", {
    context: settings.context!,
    namespaces: [
      ...new Set([istioNamespace, settings.namespace, ...settings.clients.map((c) => c.namespace)]),
    ],
    adopt: settings.adopt,
  });
  return {
    name: pulumi.output(settings.context!),
    kubeconfig: found.kubeconfig,
    gatewayService: { type: settings.gatewayServiceType! },
    namespaceAnnotations: { "bankmesh/owner": found.owner },
    inCluster: { provider: provider(found.kubeconfig, found.creationId) },
  };
}

/**
 * Never `deleteUnreachable`: it empties the state when Docker is merely stopped. Secrets and ConfigMaps change in
 * place, so that a renewed certificate is an update and not a delete and create.
 */
function provider(
  kubeconfig: pulumi.Output<string>,
  clusterIdentifier: pulumi.Output<string>,
): Provider {
  return new Provider("cluster", {
    kubeconfig,
    clusterIdentifier,
    enableSecretMutable: true,
    enableConfigMapMutable: true,
  });
}
