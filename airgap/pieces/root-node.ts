import { installedRoot } from "./chroot.ts";
import type { Piece } from "./piece.ts";
import { clean, pack } from "./root-files.ts";

/** What kind's own base image installs, as far as a single node needs it. */
const nodePackages = [
  "containerd",
  "containernetworking-plugins",
  "ethtool",
  "hostname",
  "kmod",
  "libseccomp2",
  "nftables",
  "pigz",
  "procps",
  "runc",
  "socat",
  "systemd",
  "systemd-sysv",
];

const rootNode: Piece = {
  name: "root-node",
  files: ["pieces/root-node.ts", "pieces/chroot.ts"],
  inputs: { nodePackages },
  needs: ["root-base"],
  go: false,
  weight: { cores: 0.5, memory: 500, seconds: 40 },
  async build(context) {
    const root = await installedRoot(context, nodePackages);
    clean(root);
    await pack(context, root);
  },
};

export const rootNodePieces: readonly Piece[] = [rootNode];
