// Every pinned version in one place. The air-gapped route's own pins are in airgap/versions.ts.

/** Kubernetes of the node image and of kubectl. 1.35 and later refuse cgroup v1 hosts by default. */
export const kubernetesVersion = "1.34.4";

/** kind CLI. */
export const kindVersion = "0.33.0";

/** Pulumi CLI that both routes install. */
export const pulumiVersion = "3.250.0";

/** Istio charts and images of the official route; the floor of the 2026 bulletins is 1.31.1. */
export const istioVersion = "1.31.1";
/** helm of the official route: what `npm run bench` compares with. The program needs none. */
export const helmVersion = "3.22.0";

/** Echo server of the official route (Docker Hub). */
export const echoImage = "ealen/echo-server:0.9.2";

/** curl image that the probes bring along. */
export const curlImage = "curlimages/curl:8.9.1";
