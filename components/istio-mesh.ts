import { createHash } from "node:crypto";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { IstioSettings } from "../settings/index.ts";
import type { ChartSource, Sources } from "../sources/index.ts";
import { podSecurity } from "./bank-namespace.ts";
import { type HelmValues, baseValues, istiodValues } from "./istio-values.ts";
import { Chart, Namespace, NamespacePatch } from "./kubernetes.ts";

/** Namespace of Istio's control plane; also its root namespace. */
export const istioNamespace = "istio-system";

export interface IstioMeshArgs {
  /** Settings of the control plane and the proxies. */
  readonly istio: IstioSettings;
  /** Where charts and images come from. */
  readonly sources: Sources["istio"];
  /** Kubeconfig for the check that the webhooks answer. @default no check: there is nobody to answer */
  readonly kubeconfig?: pulumi.Input<string> | undefined;
  /** Annotations of the namespace. @default none */
  readonly namespaceAnnotations?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Use the namespace that is there. @default false */
  readonly adoptNamespace?: boolean;
  /** Use the Istio that is there: no namespace and no charts, only the check. @default false */
  readonly adoptIstio?: boolean;
}

/**
 * Istio's control plane: namespace, charts base and istiod, and a check that its webhooks answer.
 *
 * What comes after depends on `ready`: from then on pods are injected and wrong objects are refused.
 */
export class IstioMesh extends pulumi.ComponentResource {
  /** Namespace of the control plane. */
  public readonly namespace: string;
  /** Istio's version. */
  public readonly version: string;
  /** Done when injection and validation answer. */
  public readonly ready: pulumi.Resource[];

  /**
   * @param name logical name
   * @param args settings and sources
   * @param opts resource options; `provider` is the cluster's
   */
  constructor(name: string, args: IstioMeshArgs, opts?: pulumi.ComponentResourceOptions) {
    const { version } = args.sources;
    super("bankmesh:mesh:IstioMesh", name, { version, revision: args.istio.revision }, opts);
    const child = { parent: this };
    this.namespace = istioNamespace;
    this.version = version;

    const charts = args.adoptIstio ? [] : install(name, args, child);
    // the charts come with it; each resource that waited for them by name would bear their names in the state
    this.ready = args.kubeconfig
      ? [checkWebhooks(name, args, args.kubeconfig, { ...child, dependsOn: charts })]
      : charts;
    this.registerOutputs({ namespace: this.namespace, version });
  }
}

function install(
  name: string,
  args: IstioMeshArgs,
  child: pulumi.ComponentResourceOptions,
): Chart[] {
  const { charts, version } = args.sources;
  const namespace = createNamespace(name, args, child);
  const base = istioChart(
    `${name}-base`,
    {
      release: "istio-base",
      source: charts.base,
      version,
      values: baseValues(args),
      postRenderer: slimCrds,
    },
    { ...child, dependsOn: namespace },
  );
  const istiod = istioChart(
    `${name}-istiod`,
    { release: "istiod", source: charts.istiod, version, values: istiodValues(args) },
    {
      ...child,
      dependsOn: namespace,
      transforms: [waitForInjector, skipServiceAwait, deploymentAfter(base), askEverySecond],
    },
  );
  return [base, istiod];
}

function createNamespace(
  name: string,
  args: IstioMeshArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const metadata = {
    name: istioNamespace,
    // somebody else's has labels of its own
    ...(!args.adoptNamespace && { labels: podSecurity }),
    ...(args.namespaceAnnotations && { annotations: args.namespaceAnnotations }),
  };
  // the annotation says whose the Istio in it is, and goes with the stack; the namespace stays
  if (args.adoptNamespace) return [new NamespacePatch(`${name}-namespace`, { metadata }, opts)];
  return [new Namespace(`${name}-namespace`, { metadata }, opts)];
}

/** What one of Istio's charts is made from; plain values only, because an unknown one would hide it from previews. */
export interface IstioChart {
  readonly release: string;
  readonly source: ChartSource;
  readonly version: string;
  readonly values: HelmValues;
  /** Command that the rendered manifests go through. @default none */
  readonly postRenderer?: { readonly command: string; readonly args: string[] };
}

/** One of Istio's charts. */
export function istioChart(
  name: string,
  { release, source, version, values, postRenderer }: IstioChart,
  opts: pulumi.ComponentResourceOptions,
): Chart {
  return new Chart(
    name,
    {
      chart: source.chart,
      name: release,
      namespace: istioNamespace,
      values,
      ...(source.repo && { version, repositoryOpts: { repo: source.repo } }),
      ...(postRenderer && { postRenderer }),
    },
    opts,
  );
}

/**
 * Istio's CRDs, less their prose and their wish to be kept: half of what they weigh in the state, which is
 * written after every step. Not a transform: the CRDs, half a megabyte, would go to Node.js and back.
 */
export const slimCrds = { command: "awk", args: ["-f", "components/istio-mesh/slim-crds.awk"] };

function checkWebhooks(
  name: string,
  args: IstioMeshArgs,
  kubeconfig: pulumi.Input<string>,
  opts: pulumi.CustomResourceOptions,
): command.local.Command {
  // asks again when istiod changes
  const hash = createHash("sha256")
    .update(JSON.stringify(istiodValues(args)))
    .digest("hex")
    .slice(0, 12);
  return new command.local.Command(
    `${name}-webhook-check`,
    {
      create: "bash components/istio-mesh/check-webhooks.sh",
      environment: { VALUES: hash },
      stdin: kubeconfig,
      // what is wrong is shown, never the input, which is the kubeconfig
      logging: "stderr",
    },
    opts,
  );
}

/** istiod puts its CA into the webhook once it can answer; pods made before that would have no sidecar. */
export const waitForInjector: pulumi.ResourceTransform = ({ type, props, opts }) => {
  if (!type.endsWith(":MutatingWebhookConfiguration")) return undefined;
  const waitFor = { "pulumi.com/waitFor": "jsonpath={.webhooks[*].clientConfig.caBundle}" };
  return { props: annotate(props, waitFor), opts };
};

const deploymentType = "kubernetes:apps/v1:Deployment";

interface DeploymentProps extends pulumi.Inputs {
  readonly spec: { template: { spec: { containers: { readinessProbe?: object }[] } } };
}

/** An upgrade of istiod needs its CRDs first; the rest of its chart, some twenty objects, needs not wait for them. */
export function deploymentAfter(base: pulumi.Resource): pulumi.ResourceTransform {
  return ({ type, props, opts }) => {
    if (type !== deploymentType) return undefined;
    // the engine hands it over as a list
    const others = (opts.dependsOn ?? []) as pulumi.Resource[];
    return { props, opts: { ...opts, dependsOn: [...others, base] } };
  };
}

/**
 * istiod is asked every three seconds whether it is ready, and everything waits for the answer. Every second it comes
 * two seconds earlier; as before, istiod is taken out after nine seconds without one. The chart has no value for it.
 */
export const askEverySecond: pulumi.ResourceTransform = ({ type, props, opts }) => {
  if (type !== deploymentType) return undefined;
  const { spec, ...rest } = structuredClone(props) as DeploymentProps;
  for (const { readinessProbe } of spec.template.spec.containers)
    if (readinessProbe) Object.assign(readinessProbe, { periodSeconds: 1, failureThreshold: 9 });
  return { props: { ...rest, spec }, opts };
};

/** A Service says nothing that the Deployment behind it does not say; the provider would wait 10 s more for it. */
export const skipServiceAwait: pulumi.ResourceTransform = ({ type, props, opts }) => {
  if (type !== "kubernetes:core/v1:Service") return undefined;
  return { props: annotate(props, { "pulumi.com/skipAwait": "true" }), opts };
};

function annotate(props: pulumi.Inputs, annotations: Record<string, string>): pulumi.Inputs {
  const metadata = props.metadata as { annotations?: Record<string, string> } | undefined;
  return {
    ...props,
    metadata: { ...metadata, annotations: { ...metadata?.annotations, ...annotations } },
  };
}
