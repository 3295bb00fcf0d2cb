import * as fs from "node:fs";
import * as path from "node:path";

import { debianMirror } from "../host.ts";
import { run } from "../run.ts";
import { debianSuite } from "../versions.ts";
import type { BuildContext } from "./piece.ts";
import { readLayer } from "./root-files.ts";

/**
 * A copy of the base system with packages of Debian on top.
 *
 * @param options more options of `apt-get install`
 */
export async function installedRoot(
  context: BuildContext,
  packages: readonly string[],
  ...options: string[]
): Promise<string> {
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
    ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, root].concat(
      options,
      packages,
    ),
    { log: context.log, env: mirror.env },
  );
  return root;
}
