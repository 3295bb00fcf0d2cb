import * as fs from "node:fs";
import * as path from "node:path";

import { packLayer } from "../archive.ts";
import type { Layer } from "../archive.ts";
import { debianMirror } from "../host.ts";
import { run } from "../run.ts";
import { debianSuite } from "../versions.ts";
import type { BuildContext, Piece } from "./piece.ts";

/** For kube-proxy and the proxies (iptables, conntrack) and for the curl image. */
const basePackages = ["ca-certificates", "conntrack", "curl", "iproute2", "iptables", "openssl"];

/** Texts that no container reads; dpkg leaves them out when it unpacks. */
const unread = ["doc/*", "man/*", "locale/*", "info/*", "lintian/*", "bash-completion/*"];
/** Images are built once and thrown away on failure: no need to flush each file to disk. */
const dpkgSettings = `force-unsafe-io\n${unread.map((part) => `path-exclude=/usr/share/${part}`).join("\n")}\n`;

function prepare(root: string): void {
  const folder = path.join(root, "etc/dpkg/dpkg.cfg.d");
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, "bankmesh"), dpkgSettings);
}

/** Removes what belongs to this machine or is of no use in a container. */
export function clean(root: string): void {
  const remove = [
    "etc/apt/sources.list",
    "etc/resolv.conf",
    "etc/hostname",
    "var/cache",
    "var/lib/apt/lists",
    "var/log",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
  ];
  for (const part of remove) {
    fs.rmSync(path.join(root, part), { recursive: true, force: true });
  }
  for (const folder of ["var/cache/apt/archives/partial", "var/lib/apt/lists/partial", "var/log"]) {
    fs.mkdirSync(path.join(root, folder), { recursive: true });
  }
  fs.writeFileSync(path.join(root, "etc/machine-id"), "");
  fs.rmSync(path.join(root, "var/lib/dbus/machine-id"), { force: true });
}

export async function pack(context: BuildContext, root: string): Promise<void> {
  const tar = path.join(context.dir, "root.tar");
  const layer = await packLayer(root, tar, context.log);
  fs.writeFileSync(path.join(context.dir, "digest"), `${layer.digest}\n`);
}

/** The layer that a root piece holds. */
export function readLayer(piece: string): Layer {
  const digest = fs.readFileSync(path.join(piece, "digest"), "utf8").trim();
  return { tar: path.join(piece, "root.tar"), digest };
}

const rootBase: Piece = {
  name: "root-base",
  files: ["pieces/root-files.ts"],
  inputs: { debianSuite, basePackages, dpkgSettings },
  needs: [],
  go: false,
  weight: { cores: 0.5, memory: 500, seconds: 130 },
  async build(context) {
    const mirror = await debianMirror();
    const root = path.join(context.scratch, "root");
    prepare(root);
    await run(
      "debootstrap",
      [
        "--variant=minbase",
        `--include=${basePackages.join(",")}`,
        debianSuite,
        root,
        mirror.address,
      ],
      { log: context.log, env: mirror.env },
    );
    fs.copyFileSync(
      path.join(root, "etc/ssl/certs/ca-certificates.crt"),
      path.join(context.dir, "ca-certificates.crt"),
    );
    clean(root);
    await pack(context, root);
  },
};

export const rootPieces: readonly Piece[] = [rootBase];
