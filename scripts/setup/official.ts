import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { execa } from "execa";
import {
  helmVersion,
  istioVersion,
  kindVersion,
  kubernetesVersion,
  pulumiVersion,
} from "../../versions.ts";
import { waitForLock } from "../bootstrap/lock.mjs";
import { UserError } from "../errors.ts";
import { cache } from "../paths.ts";
import type { Reporter, Step } from "../progress.ts";
import type { ExtraTool, ToolName } from "./tools.ts";

/** One file of a vendor's release. */
export interface Download {
  readonly tool: ToolName | ExtraTool;
  readonly version: string;
  readonly url: string;
  /** The vendor's published list of SHA-256 sums, or the sum alone. */
  readonly sums: string;
  /** Folders of an archive that the tool stands in. @default 1 */
  readonly depth?: number;
}

/** The official releases for this machine. */
export function downloads(platform = process.platform, arch = process.arch): Download[] {
  const go = arch === "x64" ? "amd64" : arch;
  if (!(platform === "linux" || platform === "darwin") || !(arch === "x64" || arch === "arm64")) {
    throw new UserError(
      `there are no official tools for ${platform} ${arch}: use Linux or macOS on x86-64 or arm64`,
    );
  }
  const kind = `https://github.com/kubernetes-sigs/kind/releases/download/v${kindVersion}/kind-${platform}-${go}`;
  const kubectl = `https://dl.k8s.io/release/v${kubernetesVersion}/bin/${platform}/${go}/kubectl`;
  const pulumi = "https://get.pulumi.com/releases/sdk/pulumi";
  const system = platform === "darwin" ? "osx" : platform;
  const istioctl = `https://github.com/istio/istio/releases/download/${istioVersion}/istioctl-${istioVersion}-${system}-${go}.tar.gz`;
  const helm = `https://get.helm.sh/helm-v${helmVersion}-${platform}-${go}.tar.gz`;
  return [
    {
      tool: "pulumi",
      version: pulumiVersion,
      url: `${pulumi}-v${pulumiVersion}-${platform}-${arch}.tar.gz`,
      sums: `${pulumi}-${pulumiVersion}-checksums.txt`,
    },
    { tool: "kind", version: kindVersion, url: kind, sums: `${kind}.sha256sum` },
    { tool: "kubectl", version: kubernetesVersion, url: kubectl, sums: `${kubectl}.sha256` },
    {
      ...{ tool: "istioctl", version: istioVersion, url: istioctl },
      ...{ sums: `${istioctl}.sha256`, depth: 0 },
    },
    { tool: "helm", version: helmVersion, url: helm, sums: `${helm}.sha256sum` },
  ];
}

/**
 * Brings the official tools into the cache, each verified by the vendor's checksum.
 *
 * @returns folders for PATH
 */
export async function ensureOfficialTools(
  report: Reporter,
  names: readonly (ToolName | ExtraTool)[],
): Promise<string[]> {
  const wanted = downloads().filter((d) => names.includes(d.tool));
  const folders: string[] = [];
  for (const [i, download] of wanted.entries()) {
    folders.push(await ensureTool(report, download, `${i + 1} of ${wanted.length}`));
  }
  return folders;
}

async function ensureTool(report: Reporter, download: Download, position: string): Promise<string> {
  const home = path.join(cache, "official", `${download.tool}-${download.version}`);
  const bin = path.join(home, "bin");
  if (fs.existsSync(bin)) return bin;
  const lock = path.join(cache, "locks", `official-${download.tool}.json`);
  const release = await waitForLock(lock, `downloads ${download.tool}`, (owner) =>
    report.note(`waiting for process ${owner.pid}, which downloads ${download.tool}`),
  );
  try {
    if (fs.existsSync(bin)) return bin;
    const step = report.step(`${download.tool} ${download.version} (${position})`);
    try {
      await install(download, home, step);
      step.done("downloaded and verified");
    } catch (e) {
      step.fail((e as Error).message);
      throw e;
    }
    return bin;
  } finally {
    release();
  }
}

async function install(download: Download, home: string, step: Step): Promise<void> {
  const temporary = path.join(cache, "tmp", `${path.basename(home)}-${process.pid}`);
  fs.rmSync(temporary, { recursive: true, force: true });
  fs.mkdirSync(path.join(temporary, "bin"), { recursive: true });
  try {
    const file = path.join(temporary, path.basename(new URL(download.url).pathname));
    const expected = findSum(await (await get(download.sums)).text(), path.basename(file));
    if (expected === undefined)
      throw new UserError(`${download.sums} does not name ${path.basename(file)}`);
    const got = await fetchFile(download.url, file, step);
    if (got !== expected) {
      throw new UserError(
        `${download.url} is not what its vendor published: SHA-256 ${got} instead of ${expected}`,
      );
    }
    if (file.endsWith(".tar.gz")) {
      const strip = `--strip-components=${download.depth ?? 1}`;
      await execa("tar", ["-xzf", file, "-C", path.join(temporary, "bin"), strip]);
      fs.rmSync(file);
    } else {
      fs.chmodSync(file, 0o755);
      fs.renameSync(file, path.join(temporary, "bin", download.tool));
    }
    fs.mkdirSync(path.dirname(home), { recursive: true });
    fs.renameSync(temporary, home);
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

/** The sum of a file in a vendor's list; a list may be just the sum. */
export function findSum(text: string, name: string): string | undefined {
  const lines = text
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+\*?/));
  const line = lines.find((words) => words[1] === name || words[1] === `./${name}`);
  const sum =
    line?.[0] ?? (lines.length === 1 && lines[0]!.length === 1 ? lines[0]![0] : undefined);
  return sum !== undefined && /^[0-9a-f]{64}$/i.test(sum) ? sum.toLowerCase() : undefined;
}

async function fetchFile(url: string, file: string, step: Step): Promise<string> {
  const answer = await get(url);
  const total = Number(answer.headers.get("content-length")) || undefined;
  const hash = createHash("sha256");
  let bytes = 0;
  let shown = 0;
  const body = Readable.fromWeb(answer.body as ReadableStream<Uint8Array>);
  body.on("data", (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
    if (bytes - shown < 16e6) return;
    shown = bytes;
    step.update(`${Math.round(bytes / 1e6)}${total ? ` of ${Math.round(total / 1e6)}` : ""} MB`);
  });
  await pipeline(body, fs.createWriteStream(file));
  return hash.digest("hex");
}

async function get(url: string): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url);
  } catch (e) {
    const cause = (e as { cause?: Error }).cause?.message ?? (e as Error).message;
    throw new UserError(
      `${new URL(url).host} does not answer: ${cause}; BANKMESH_ROUTE=airgap builds the tools instead`,
    );
  }
  if (!answer.ok || !answer.body)
    throw new UserError(`${url}: HTTP ${answer.status} ${answer.statusText}`);
  return answer;
}
