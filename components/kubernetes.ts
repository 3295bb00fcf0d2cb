/**
 * What the program uses of `@pulumi/kubernetes`, class by class.
 *
 * The package's index tells the SDK to make an object of each resource that comes back in an output. A chart's
 * outputs name all that it holds: every one would be read from the engine and decoded, CRDs included, in each run and
 * for nothing, and the index itself loads some 700 files. Measured: docs/decisions.md, "Speed".
 */
export { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
export { Deployment, type DeploymentArgs } from "@pulumi/kubernetes/apps/v1/deployment.js";
export { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
export { NamespacePatch } from "@pulumi/kubernetes/core/v1/namespacePatch.js";
export { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
export { Service, type ServiceArgs } from "@pulumi/kubernetes/core/v1/service.js";
export {
  ServiceAccount,
  type ServiceAccountArgs,
} from "@pulumi/kubernetes/core/v1/serviceAccount.js";
export { Chart } from "@pulumi/kubernetes/helm/v4/chart.js";
export {
  PodDisruptionBudget,
  type PodDisruptionBudgetArgs,
} from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
export { Provider } from "@pulumi/kubernetes/provider.js";
