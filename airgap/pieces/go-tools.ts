import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { capture, run } from "../run.ts";
import {
  helmVersion,
  istioCommit,
  istioHub,
  istioModule,
  istioVersion,
  kubernetesVersion,
  pulumiVersion,
} from "../versions.ts";
import type { BuildContext, Piece } from "./piece.ts";

const airgap = path.resolve(import.meta.dirname, "..");

interface GoTool {
  readonly name: string;
  /** Go module that it is built in, relative to airgap/. */
  readonly module: string;
  readonly packages: readonly string[];
  /** Variables that the linker sets. */
  readonly variables?: Readonly<Record<string, string>>;
  /** What `go build` would name after the package's folder, under its real name. */
  readonly rename?: Readonly<Record<string, string>>;
  readonly seconds: number;
  readonly memory: number;
  /** More to do with the module once it is there. */
  readonly after?: (context: BuildContext) => Promise<void>;
  /** Local sources: the whole folder is an input, not just go.mod and go.sum. */
  readonly own?: boolean;
  /** Other folders of airgap/ whose Go code is in it. */
  readonly shares?: readonly string[];
}

const [, minor] = kubernetesVersion.split(".");
const istioBuild = "istio.io/istio/pkg/version";
const kubernetesCommands = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kube-proxy",
  "kubelet",
  "kubeadm",
  "kubectl",
];

const tools: readonly GoTool[] = [
  {
    name: "kubernetes",
    module: "tools/kubernetes",
    packages: kubernetesCommands.map((command) => `k8s.io/kubernetes/cmd/${command}`),
    variables: {
      "k8s.io/component-base/version.gitVersion": kubernetesVersion,
      "k8s.io/component-base/version.gitMajor": "1",
      "k8s.io/component-base/version.gitMinor": minor ?? "",
      "k8s.io/component-base/version.gitTreeState": "clean",
      "k8s.io/client-go/pkg/version.gitVersion": kubernetesVersion,
    },
    seconds: 750,
    memory: 5000,
  },
  {
    name: "pulumi",
    module: "tools/pulumi",
    packages: ["github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
    variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${pulumiVersion}` },
    seconds: 570,
    memory: 3000,
  },
  {
    name: "istio",
    module: "tools/istio",
    packages: [
      "istio.io/istio/pilot/cmd/pilot-discovery",
      "istio.io/istio/pilot/cmd/pilot-agent",
      "istio.io/istio/istioctl/cmd/istioctl",
    ],
    variables: {
      [`${istioBuild}.buildVersion`]: istioVersion,
      [`${istioBuild}.buildTag`]: istioVersion,
      [`${istioBuild}.buildGitRevision`]: istioCommit,
      [`${istioBuild}.buildStatus`]: "Clean",
      [`${istioBuild}.buildHub`]: istioHub,
    },
    seconds: 600,
    memory: 5000,
    async after(context) {
      const module = await goModuleFolder("istio", istioModule, context.goEnv);
      const template = path.join(module, "tools/packaging/common/envoy_bootstrap.json");
      fs.copyFileSync(template, path.join(context.dir, "envoy_bootstrap.json"));
      fs.chmodSync(path.join(context.dir, "envoy_bootstrap.json"), 0o644);
    },
  },
  {
    name: "istio-app",
    module: "tools/istio-app",
    packages: ["istio.io/istio/pkg/test/echo/cmd/server"],
    rename: { server: "istio-app" },
    seconds: 60,
    memory: 1500,
  },
  {
    name: "helm",
    module: "tools/helm",
    packages: ["helm.sh/helm/v3/cmd/helm"],
    variables: { "helm.sh/helm/v3/internal/version.version": `v${helmVersion}` },
    seconds: 120,
    memory: 2000,
  },
  {
    name: "plugins",
    module: "plugins",
    packages: ["./cmd/..."],
    own: true,
    shares: ["lifetime"],
    seconds: 150,
    memory: 3000,
  },
  {
    name: "language-host",
    module: "language-host",
    packages: ["."],
    rename: { "language-host": "pulumi-language-nodejs" },
    own: true,
    shares: ["lifetime"],
    seconds: 40,
    memory: 1500,
  },
  {
    name: "coredns",
    module: "tools/coredns",
    packages: ["."],
    own: true,
    seconds: 150,
    memory: 2000,
  },
  {
    name: "etcd",
    module: "tools/etcd",
    packages: ["go.etcd.io/etcd/server/v3"],
    rename: { server: "etcd" },
    seconds: 70,
    memory: 1500,
  },
  { name: "kind", module: "tools/kind", packages: ["sigs.k8s.io/kind"], seconds: 15, memory: 800 },
  { name: "echo", module: "echo", packages: ["."], own: true, seconds: 10, memory: 500 },
  { name: "pause", module: "pause", packages: ["."], own: true, seconds: 3, memory: 300 },
  { name: "runc-caps", module: "runc-caps", packages: ["."], own: true, seconds: 3, memory: 300 },
];

/**
 * Flags of every Go build here; no C compiler is needed and no path of this machine gets in. The linker would drop the
 * tables for debuggers anyway; not making them takes a twelfth off a build.
 */
export const goFlags = {
  CGO_ENABLED: "0",
  GOFLAGS: "-mod=readonly -trimpath -buildvcs=false -gcflags=all=-dwarf=false",
  GOTOOLCHAIN: "local",
  GOWORK: "off",
} as const;

function goPiece(tool: GoTool): Piece {
  const variables = Object.entries(tool.variables ?? {}).map(
    ([name, value]) => `-X ${name}=${value}`,
  );
  const linker = ["-s", "-w", ...variables].join(" ");
  const { packages, rename } = tool;
  return {
    name: tool.name,
    files: tool.own
      ? [tool.module, ...(tool.shares ?? [])]
      : [`${tool.module}/go.mod`, `${tool.module}/go.sum`],
    inputs: { packages, linker, rename, goFlags },
    needs: [],
    go: true,
    weight: { cores: 1, memory: tool.memory, seconds: tool.seconds },
    async build(context) {
      // More at once takes memory rather than time: several builds run side by side.
      const parallel = String(Math.min(4, os.availableParallelism()));
      await run(
        "go",
        ["build", "-p", parallel, "-ldflags", linker, "-o", `${context.dir}/`, ...packages],
        {
          cwd: path.join(airgap, tool.module),
          log: context.log,
          env: { ...context.goEnv, ...lessCollecting() },
          nice: true,
        },
      );
      for (const [from, to] of Object.entries(rename ?? {})) {
        fs.renameSync(path.join(context.dir, from), path.join(context.dir, to));
      }
      await tool.after?.(context);
    },
  };
}

/** Where memory abounds, a compiler that collects its garbage less often is a twentieth faster. */
function lessCollecting(): Record<string, string> {
  return os.totalmem() > 15 * 2 ** 30 ? { GOGC: "400" } : {};
}

/** The folder of a downloaded module that one of the tools' modules requires. */
export async function goModuleFolder(
  tool: string,
  module: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const cwd = path.join(airgap, "tools", tool);
  const answer = await capture("go", ["mod", "download", "-json", module.replace(/@.*/, "")], {
    cwd,
    env,
  });
  return (JSON.parse(answer) as { Dir: string }).Dir;
}

export const goPieces: readonly Piece[] = tools.map(goPiece);
