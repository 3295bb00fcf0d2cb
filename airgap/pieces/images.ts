import * as fs from "node:fs";
import * as path from "node:path";

import { packLayer, writeImages } from "../archive.ts";
import type { Image, ImageConfig, Layer } from "../archive.ts";
import { readLayer } from "./root-files.ts";
import {
  corednsTag,
  etcdTag,
  imageRoot,
  istioHub,
  istioVersion,
  kubernetesRepository,
  kubernetesVersion,
  pauseTag,
} from "../versions.ts";
import type { BuildContext, Piece } from "./piece.ts";

export const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** The user that Istio's charts run pilot and the proxies as. */
const istioUser = 1337;
const curlUser = 65532;

/** A tag that says which key an image was made under. */
export function keyTag(key: string): string {
  return key.slice(0, 12);
}

export const pilotImage = (key: string) => `${istioHub}/pilot:${istioTag(key)}`;
export const proxyImage = (key: string) => `${istioHub}/proxyv2:${istioTag(key)}`;
export const istioTag = (key: string) => `${istioVersion}-${keyTag(key)}`;
export const echoImage = (key: string) => `${imageRoot}/echo:${keyTag(key)}`;
export const curlImage = (key: string) => `${imageRoot}/curl:${keyTag(key)}`;
export const pauseImage = `${kubernetesRepository}/pause:${pauseTag}`;

/** Puts files into a folder tree and packs it as one layer. */
async function filesLayer(
  context: BuildContext,
  name: string,
  files: Readonly<Record<string, string | { text: string; mode?: number }>>,
  folders: Readonly<Record<string, number>> = {},
): Promise<Layer> {
  const root = path.join(context.scratch, name);
  fs.mkdirSync(root, { recursive: true });
  for (const [folder, owner] of Object.entries(folders)) {
    fs.mkdirSync(path.join(root, folder), { recursive: true });
    fs.chownSync(path.join(root, folder), owner, owner);
    fs.chmodSync(path.join(root, folder), folder === "tmp" ? 0o1777 : 0o755);
  }
  for (const [target, source] of Object.entries(files)) {
    const file = path.join(root, target);
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
    if (typeof source === "string") {
      fs.copyFileSync(source, file);
      fs.chmodSync(file, 0o755);
    } else {
      fs.writeFileSync(file, source.text);
      fs.chmodSync(file, source.mode ?? 0o644);
    }
  }
  // Only folders that say so belong to another user than root.
  const layer = await packLayer(root, `${root}.tar`, context.log);
  fs.rmSync(root, { recursive: true });
  return layer;
}

const accounts = (name: string, id: number) => ({
  "etc/passwd": {
    text: `root:x:0:0:root:/root:/sbin/nologin\n${name}:x:${id}:${id}::/nonexistent:/sbin/nologin\n`,
  },
  "etc/group": { text: `root:x:0:\n${name}:x:${id}:\n` },
});

function certificates(context: BuildContext) {
  const bundle = path.join(context.piece("root-base"), "ca-certificates.crt");
  return { "etc/ssl/certs/ca-certificates.crt": { text: fs.readFileSync(bundle, "utf8") } };
}

const kubernetesImages: Piece = {
  name: "images-kubernetes",
  files: ["pieces/images.ts", "archive.ts"],
  inputs: { kubernetesVersion, etcdTag, corednsTag, pauseTag, kubernetesRepository },
  needs: ["kubernetes", "etcd", "coredns", "pause", "root-base"],
  go: false,
  weight: { cores: 1, memory: 500, seconds: 15 },
  async build(context) {
    const base = readLayer(context.piece("root-base"));
    const images: Image[] = [];
    const add = async (
      name: string,
      binary: string,
      target: string,
      below: readonly Layer[] = [],
      env: readonly string[] = [searchPath],
    ) => {
      const layer = await filesLayer(context, path.basename(binary), { [target]: binary });
      const config: ImageConfig = { Entrypoint: [`/${target}`], Env: env };
      images.push({
        name: `${kubernetesRepository}/${name}`,
        layers: [...below, layer],
        config,
      });
    };
    const kubernetes = context.piece("kubernetes");
    for (const part of ["kube-apiserver", "kube-controller-manager", "kube-scheduler"]) {
      await add(`${part}:${kubernetesVersion}`, `${kubernetes}/${part}`, `usr/local/bin/${part}`);
    }
    // kube-proxy calls iptables and conntrack.
    await add(
      `kube-proxy:${kubernetesVersion}`,
      `${kubernetes}/kube-proxy`,
      "usr/local/bin/kube-proxy",
      [base],
    );
    await add(`etcd:${etcdTag}`, `${context.piece("etcd")}/etcd`, "usr/local/bin/etcd");
    await add(`coredns:${corednsTag}`, `${context.piece("coredns")}/coredns`, "coredns");
    await add(`pause:${pauseTag}`, `${context.piece("pause")}/pause`, "pause");
    writeImages(images, context.dir);
  },
};

const istioImages: Piece = {
  name: "images-istio",
  files: ["pieces/images.ts", "archive.ts"],
  inputs: { istioHub, istioVersion },
  needs: ["istio", "envoy", "root-base"],
  go: false,
  weight: { cores: 1, memory: 500, seconds: 10 },
  async build(context) {
    const base = readLayer(context.piece("root-base"));
    const istio = context.piece("istio");
    const user = accounts("istio-proxy", istioUser);
    const pilot = await filesLayer(
      context,
      "pilot",
      {
        ...user,
        ...certificates(context),
        "usr/local/bin/pilot-discovery": `${istio}/pilot-discovery`,
      },
      { tmp: 0 },
    );
    const bootstrap = fs.readFileSync(`${istio}/envoy_bootstrap.json`, "utf8");
    const proxy = await filesLayer(
      context,
      "proxy",
      {
        ...user,
        "var/lib/istio/envoy/envoy_bootstrap_tmpl.json": { text: bootstrap },
        "usr/local/bin/envoy": `${context.piece("envoy")}/envoy`,
        "usr/local/bin/pilot-agent": `${istio}/pilot-agent`,
      },
      { "var/lib/istio/data": istioUser, "etc/istio/proxy": istioUser },
    );
    const tag = context.key;
    writeImages(
      [
        {
          name: pilotImage(tag),
          layers: [pilot],
          config: {
            Entrypoint: ["/usr/local/bin/pilot-discovery"],
            Env: [searchPath],
            User: `${istioUser}:${istioUser}`,
          },
        },
        {
          name: proxyImage(tag),
          layers: [base, proxy],
          config: { Entrypoint: ["/usr/local/bin/pilot-agent"], Env: [searchPath] },
        },
      ],
      context.dir,
    );
  },
};

const echo: Piece = {
  name: "image-echo",
  files: ["pieces/images.ts", "archive.ts"],
  inputs: { imageRoot },
  needs: ["echo"],
  go: false,
  weight: { cores: 0.5, memory: 200, seconds: 1 },
  async build(context) {
    const binary = `${context.piece("echo")}/echo`;
    const layer = await filesLayer(context, "echo", {
      ...accounts("echo", curlUser),
      "usr/local/bin/echo-server": binary,
    });
    const image: Image = {
      name: echoImage(context.key),
      layers: [layer],
      config: {
        Entrypoint: ["/usr/local/bin/echo-server"],
        Env: [searchPath],
        User: `${curlUser}:${curlUser}`,
        ExposedPorts: { "80/tcp": {} },
      },
    };
    writeImages([image], context.dir);
  },
};

const curl: Piece = {
  name: "image-curl",
  files: ["pieces/images.ts", "archive.ts"],
  inputs: { imageRoot },
  needs: ["root-base"],
  go: false,
  weight: { cores: 0.5, memory: 200, seconds: 2 },
  build(context) {
    const image: Image = {
      name: curlImage(context.key),
      layers: [readLayer(context.piece("root-base"))],
      config: {
        Entrypoint: [],
        Cmd: ["/bin/sh"],
        Env: [searchPath],
        User: `${curlUser}:${curlUser}`,
        WorkingDir: "/tmp",
      },
    };
    writeImages([image], context.dir);
    return Promise.resolve();
  },
};

export const imagePieces: readonly Piece[] = [kubernetesImages, istioImages, echo, curl];
