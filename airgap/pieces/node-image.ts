import * as fs from "node:fs";
import * as path from "node:path";

import { imageParts, packLayer, writeImages } from "../archive.ts";
import { capture, run } from "../run.ts";
import { imageRoot, kindVersion, kubernetesVersion } from "../versions.ts";
import { goModuleFolder } from "./go-tools.ts";
import { keyTag, pauseImage } from "./images.ts";
import type { BuildContext, Piece } from "./piece.ts";
import { readLayer } from "./root-files.ts";

export const nodeRepository = `${imageRoot}/node`;
export const nodeImage = (key: string) => `${nodeRepository}:${kubernetesVersion}-${keyTag(key)}`;

const imagePieces = [
  ...["images-kubernetes", "images-istio", "image-echo", "image-curl"],
  ...["images-web", "image-istio-app"],
];
const units = ["kubelet.service", "containerd.service", "undo-mount-hacks.service"];

/** One node needs no routes between nodes: a bridge is the whole network. */
const network = {
  cniVersion: "0.4.0",
  name: "bridge",
  plugins: [
    {
      type: "bridge",
      bridge: "cni0",
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: {
        type: "host-local",
        ranges: [[{ subnet: "10.244.0.0/24" }]],
        routes: [{ dst: "0.0.0.0/0" }],
      },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
};

/** kind applies this file as its network; ours is a file of the node already. */
const noManifest =
  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cni, namespace: kube-system}\ndata: {cni: bridge}\n";

/** The class that kind falls back to: the controller manager's own provisioner. */
const storageClass = `apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: standard
  annotations:
    storageclass.kubernetes.io/is-default-class: "true"
provisioner: kubernetes.io/host-path
`;

const node: Piece = {
  name: "node-image",
  files: ["pieces/node-image.ts", "archive.ts"],
  inputs: { kindVersion, kubernetesVersion, imageRoot },
  needs: [...imagePieces, "root-node", "kubernetes", "runc-caps", "kind"],
  go: false,
  weight: { cores: 1, memory: 1000, seconds: 60 },
  async build(context) {
    const root = path.join(context.scratch, "root");
    fs.mkdirSync(root);
    const base = readLayer(context.piece("root-node")).tar;
    await run("tar", ["-C", root, "--numeric-owner", "-xpf", base], { log: context.log });
    await addKindFiles(context, root);
    addBinaries(context, root);
    await addServices(context, root);
    await addContainerSpec(root);
    await preload(context, root);
    relocate(root);
    const layer = await packLayer(root, path.join(context.scratch, "node.tar"), context.log);
    writeImages(
      [
        {
          name: nodeImage(context.key),
          layers: [layer],
          config: {
            Entrypoint: ["/usr/local/bin/entrypoint", "/sbin/init"],
            Env: [
              "container=docker",
              "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ],
            StopSignal: "SIGRTMIN+3",
          },
        },
      ],
      context.dir,
    );
  },
};

/** kind's own files: entrypoint, systemd units, containerd's configuration, sysctls. */
async function addKindFiles(context: BuildContext, root: string): Promise<void> {
  const module = await goModuleFolder("kind", "sigs.k8s.io/kind", context.goEnv);
  const files = path.join(module, "images/base/files");
  copyTree(path.join(files, "etc"), path.join(root, "etc"), () => 0o644);
  copyTree(path.join(files, "kind"), path.join(root, "kind"), (file) =>
    file.endsWith(".sh") ? 0o755 : 0o644,
  );
  copyTree(path.join(files, "usr/local/bin"), path.join(root, "usr/local/bin"), () => 0o755);
  write(root, "kind/version", `${kubernetesVersion}\n`);
  write(root, "kind/manifests/default-cni.yaml", noManifest);
  write(root, "kind/manifests/default-storage.yaml", storageClass);
  write(root, "etc/cni/net.d/10-bridge.conflist", `${JSON.stringify(network, null, 2)}\n`);
  fs.mkdirSync(path.join(root, "etc/kubernetes/manifests"), { recursive: true });
}

function addBinaries(context: BuildContext, root: string): void {
  const kubernetes = context.piece("kubernetes");
  for (const binary of ["kubelet", "kubeadm", "kubectl"]) {
    install(path.join(kubernetes, binary), path.join(root, "usr/bin", binary));
  }
  // A no-op on hosts that have every capability, see runc-caps/.
  const runc = path.join(context.piece("runc-caps"), "runc-caps");
  install(runc, path.join(root, "usr/local/sbin/runc"));
  for (const binary of ["containerd", "ctr"]) {
    link(root, `/usr/bin/${binary}`, `usr/local/bin/${binary}`);
  }
  for (const plugin of ["bridge", "host-local", "loopback", "portmap", "ptp"]) {
    link(root, `/usr/lib/cni/${plugin}`, `opt/cni/bin/${plugin}`);
  }
}

/** The same choice of services as kind's base image, for a host that may lack capabilities. */
async function addServices(context: BuildContext, root: string): Promise<void> {
  edit(root, "etc/containerd/config.toml", [
    [/sandbox_image = ".*"/, `sandbox_image = "${pauseImage}"`],
    // Lowering the score needs CAP_SYS_RESOURCE.
    ["restrict_oom_score_adj = false", "restrict_oom_score_adj = true"],
    [/SystemdCgroup = true/g, "SystemdCgroup = false"],
  ]);
  // Not systemd as the driver of cgroups: on cgroup v1 it removes an empty group while the kubelet
  // makes a pod's group in it. The pod is tried again after 15 s then, seen with kube-apiserver.
  edit(root, "etc/default/kubelet", [[/^KUBELET_EXTRA_ARGS=.*$/m, "$& --cgroup-driver=cgroupfs"]]);
  // Raising limits needs CAP_SYS_RESOURCE, and containerd does not start when it fails.
  edit(root, "etc/systemd/system/containerd.service", [
    [/^(LimitNOFILE|LimitNPROC|LimitCORE|OOMScoreAdjust|TasksMax)=.*\n/gm, ""],
  ]);
  emptyFolder(root, "lib/systemd/system/multi-user.target.wants");
  emptyFolder(root, "lib/systemd/system/local-fs.target.wants");
  emptyFolder(root, "lib/systemd/system/basic.target.wants");
  emptyFolder(root, "lib/systemd/system/sockets.target.wants", /udev|initctl/);
  emptyFolder(root, "lib/systemd/system/sysinit.target.wants", /^systemd-tmpfiles-setup\.service$/);
  for (const folder of fs.readdirSync(path.join(root, "etc/systemd/system"))) {
    if (folder.endsWith(".wants")) {
      emptyFolder(root, path.join("etc/systemd/system", folder));
    }
  }
  fs.appendFileSync(path.join(root, "etc/systemd/journald.conf"), "ReadKMsg=no\n");
  link(root, "/usr/lib/systemd/systemd", "sbin/init");
  await run("chroot", [root, "systemctl", "enable", ...units], { log: context.log });
  await run("chroot", [root, "systemctl", "mask", "systemd-binfmt.service"], { log: context.log });
}

/**
 * The OCI specification that containers start from, without limits that need CAP_SYS_RESOURCE.
 * kind's hook that gives each node another hardware id is left out: this node is the only one, and
 * the hook runs four commands for every container.
 */
async function addContainerSpec(root: string): Promise<void> {
  const spec = JSON.parse(await capture("chroot", [root, "ctr", "oci", "spec"])) as {
    process: { rlimits?: unknown };
  };
  delete spec.process.rlimits;
  write(root, "etc/containerd/cri-base.json", `${JSON.stringify(spec)}\n`);
}

/** Runs the node's own containerd to import and unpack every image. */
async function preload(context: BuildContext, root: string): Promise<void> {
  const archives = path.join(root, "archives");
  fs.mkdirSync(archives);
  for (const name of imagePieces) {
    fs.mkdirSync(path.join(archives, name));
    for (const part of imageParts(context.piece(name))) {
      fs.linkSync(path.join(context.piece(name), part), path.join(archives, name, part));
    }
  }
  const inside = [
    "set -e",
    "containerd --log-level warn & pid=$!",
    'for try in $(seq 100); do ctr version >/dev/null 2>&1 && break; kill -0 "$pid"; sleep 0.1; done',
    "for archive in /archives/*; do",
    '  tar -C "$archive" -cf - . | ctr --namespace k8s.io images import --all-platforms -',
    "done",
    'kill "$pid"; wait "$pid" || true',
  ].join("\n");
  // Own namespaces: nothing stays mounted and containerd ends when the build is interrupted.
  const outside = [
    'mount -t proc proc "$0/proc"',
    'mount -t tmpfs tmpfs "$0/run"',
    'mount -t tmpfs tmpfs "$0/tmp"',
    'exec chroot "$0" sh -c "$1"',
  ].join(" && ");
  await run(
    "unshare",
    ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", outside, root, inside],
    { log: context.log },
  );
  fs.rmSync(archives, { recursive: true });
}

/**
 * Moves what containerd holds out of /var, with links in its place. kind mounts a volume on /var,
 * and Docker copies the image's /var into it whenever a cluster is made: that would copy every
 * binary of every image. The files stay read-only lower layers for the containers in the node.
 */
function relocate(root: string): void {
  const store = path.join(root, "var/lib/containerd");
  const target = "/kind/containerd";
  fs.mkdirSync(path.join(root, target), { recursive: true });
  const move = (from: string, to: string) => {
    fs.renameSync(from, path.join(root, to));
    fs.symlinkSync(to, from);
  };
  const content = path.join(store, "io.containerd.content.v1.content");
  dropLayers(path.join(content, "blobs/sha256"));
  move(content, `${target}/content`);
  const snapshots = path.join(store, "io.containerd.snapshotter.v1.overlayfs/snapshots");
  for (const id of fs.readdirSync(snapshots)) {
    move(path.join(snapshots, id, "fs"), `${target}/snapshot-${id}`);
  }
}

/**
 * Removes the packed layers, half of the node's size: every image is unpacked, and containerd needs
 * only manifests and configurations (both JSON) to run it. It does the same with images it pulls
 * (discard_unpacked_layers in kind's configuration).
 */
function dropLayers(blobs: string): void {
  for (const blob of fs.readdirSync(blobs)) {
    const file = path.join(blobs, blob);
    const descriptor = fs.openSync(file, "r");
    const first = Buffer.alloc(1);
    fs.readSync(descriptor, first, 0, 1, 0);
    fs.closeSync(descriptor);
    if (first.toString() !== "{") {
      fs.rmSync(file);
    }
  }
}

function copyTree(from: string, to: string, mode: (file: string) => number): void {
  fs.mkdirSync(to, { recursive: true });
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const source = path.join(from, entry.name);
    const target = path.join(to, entry.name);
    if (entry.isDirectory()) {
      copyTree(source, target, mode);
    } else {
      fs.rmSync(target, { force: true });
      fs.copyFileSync(source, target);
      fs.chmodSync(target, mode(target));
    }
  }
}

function install(from: string, to: string): void {
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.copyFileSync(from, to);
  fs.chmodSync(to, 0o755);
}

function link(root: string, target: string, name: string): void {
  const file = path.join(root, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.rmSync(file, { force: true });
  fs.symlinkSync(target, file);
}

function write(root: string, name: string, text: string): void {
  const file = path.join(root, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}

/** Replaces texts and fails when one is not there: kind's files have changed then. */
function edit(
  root: string,
  name: string,
  changes: readonly (readonly [string | RegExp, string])[],
) {
  const file = path.join(root, name);
  let text = fs.readFileSync(file, "utf8");
  for (const [from, to] of changes) {
    const changed = text.replace(from, to);
    if (changed === text) {
      throw new Error(`${name} does not hold ${String(from)}`);
    }
    text = changed;
  }
  fs.writeFileSync(file, text);
}

function emptyFolder(root: string, name: string, only = /./): void {
  const folder = path.join(root, name);
  if (!fs.existsSync(folder)) {
    return;
  }
  for (const entry of fs.readdirSync(folder)) {
    if (only.test(entry)) {
      fs.rmSync(path.join(folder, entry), { recursive: true });
    }
  }
}

export const nodePieces: readonly Piece[] = [node];
