import * as fs from "node:fs";
import * as path from "node:path";

import { debianMirror } from "../host.ts";
import { run } from "../run.ts";
import { debianSuite } from "../versions.ts";
import type { Piece } from "./piece.ts";
import { clean, pack, readLayer } from "./root-files.ts";

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
  files: ["pieces/root-node.ts"],
  inputs: { nodePackages },
  needs: ["root-base"],
  go: false,
  weight: { cores: 0.5, memory: 500, seconds: 40 },
  async build(context) {
    const mirror = await debianMirror();
    const root = path.join(context.scratch, "root");
    fs.mkdirSync(root);
    const base = readLayer(context.piece("root-base")).tar;
    await run("tar", ["-C", root, "--numeric-owner", "-xpf", base], { log: context.log });
    const sources = `deb ${mirror.address} ${debianSuite} main\n`;
    fs.writeFileSync(path.join(root, "etc/apt/sources.list"), sources);
    fs.copyFileSync("/etc/resolv.conf", path.join(root, "etc/resolv.conf"));
    // An own mount namespace: nothing stays mounted when the build is interrupted.
    const script = [
      'mount -t proc proc "$0/proc"',
      "export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1",
      'chroot "$0" apt-get -q update',
      'exec chroot "$0" apt-get -q install --yes --no-install-recommends "$@"',
    ].join(" && ");
    await run(
      "unshare",
      ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, root, ...nodePackages],
      { log: context.log, env: mirror.env },
    );
    clean(root);
    await pack(context, root);
  },
};

export const rootNodePieces: readonly Piece[] = [rootNode];
