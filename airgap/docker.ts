import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { missingCapabilities } from "./capabilities.ts";
import { UserError } from "../scripts/errors.ts";
import { checkHost, hasSystemd, installPackages } from "./host.ts";
import { installRuncCaps } from "./builder.ts";
import type { Reporter } from "../scripts/progress.ts";
import { capture, tail } from "./run.ts";
import { onPath } from "../scripts/setup/tools.ts";
import { cacheFolder } from "../scripts/bootstrap/node.mjs";

/** What became of the question whether a Docker Engine answers. */
type Answer =
  | { readonly kind: "ok"; readonly version: string; readonly runtime: string }
  | { readonly kind: "no-client" }
  | { readonly kind: "absent"; readonly reason: string }
  | { readonly kind: "refused" | "silent"; readonly reason: string };

const patience = 10_000;
const startPatience = 60_000;
/** The name that the capability wrapper gets as a runtime. */
const runtime = "bankmesh";

/** Makes sure that a Docker Engine answers; starts one where that can be done safely. */
export async function ensureDocker(report: Reporter): Promise<void> {
  const answer = await ask();
  if (answer.kind === "ok") {
    warnAboutCapabilities(answer.runtime, report);
    return;
  }
  if (answer.kind === "refused" || answer.kind === "silent") {
    throw new UserError(answer.reason);
  }
  const place = process.env["DOCKER_HOST"];
  if (place) {
    throw new UserError(
      `No Docker Engine answers at ${place} (DOCKER_HOST). Start it, or unset DOCKER_HOST.`,
    );
  }
  await refuseOtherContext();
  refuseUnlessOurs();
  const step = report.step("Docker Engine");
  try {
    if (!onPath("dockerd") || !onPath("docker") || !onPath("iptables")) {
      step.update("installing docker.io and iptables from Debian");
      await installPackages(["docker.io", "iptables"], logFile("apt-docker.log"));
    }
    // Debian's package starts its service where there is systemd.
    if (hasSystemd()) {
      await waitForService();
    } else {
      step.update("starting dockerd");
      await startDaemon(report);
    }
    const now = await ask();
    if (now.kind !== "ok") {
      throw new UserError(now.kind === "no-client" ? "docker is not on PATH" : now.reason);
    }
    warnAboutCapabilities(now.runtime, report);
    step.done(`Docker Engine ${now.version} started, log ${logFile("dockerd.log")}`);
  } catch (error) {
    step.fail("no Docker Engine");
    throw error;
  }
}

async function ask(): Promise<Answer> {
  if (!onPath("docker")) {
    return { kind: "no-client" };
  }
  try {
    const text = await capture(
      "docker",
      ["info", "--format", "{{.ServerVersion}}|{{.DefaultRuntime}}|{{json .ServerErrors}}"],
      { timeout: patience },
    );
    const [version = "", name = "", errors = ""] = text.split("|");
    return version === "" ? classify(errors) : { kind: "ok", version, runtime: name };
  } catch (error) {
    return classify(error instanceof Error ? error.message : String(error));
  }
}

/** Tells a daemon that is not there from one that does not answer or does not want us. */
export function classify(message: string): Answer {
  if (/permission denied/i.test(message)) {
    return {
      kind: "refused",
      reason:
        "Docker Engine refuses this user. Run as root, or: sudo usermod -aG docker $USER, then log in again.",
    };
  }
  if (/no answer in time/i.test(message)) {
    return {
      kind: "silent",
      reason: `Docker Engine does not answer within ${patience / 1000} s. See its log, or restart it: service docker restart`,
    };
  }
  return { kind: "absent", reason: `No Docker Engine answers: ${message.trim()}` };
}

/** A context that names another engine: starting one here would not help. */
async function refuseOtherContext(): Promise<void> {
  const format = "{{.Name}} {{.Endpoints.docker.Host}}";
  const text = await capture("docker", ["context", "inspect", "--format", format]).catch(() => "");
  const [name = "", host = ""] = text.trim().split(" ");
  if (host !== "" && !/^unix:\/\/(\/var)?\/run\/docker\.sock$/.test(host)) {
    throw new UserError(
      `No Docker Engine answers at ${host} (context ${name}). Start it, or: docker context use default`,
    );
  }
}

function refuseUnlessOurs(): void {
  if (process.getuid?.() !== 0) {
    throw new UserError(
      "No Docker Engine answers, and starting one needs root. Run: sudo apt-get install docker.io && sudo service docker start",
    );
  }
  try {
    checkHost();
  } catch {
    throw new UserError(
      "No Docker Engine answers, and this program starts one on Debian (Linux x86-64) only. " +
        "Install and start Docker Engine: https://docs.docker.com/engine/install/",
    );
  }
}

async function waitForService(): Promise<void> {
  await capture("systemctl", ["start", "docker"], { timeout: startPatience });
}

/** Starts dockerd in a session of its own, so that it outlives this program and its terminal. */
async function startDaemon(report: Reporter): Promise<void> {
  removeStalePidFile("/var/run/docker.pid");
  const args: string[] = [];
  if (missingCapabilities().length > 0) {
    const wrapper = await installRuncCaps(report);
    args.push("--add-runtime", `${runtime}=${wrapper}`, "--default-runtime", runtime);
  }
  const log = logFile("dockerd.log");
  const output = fs.openSync(log, "a");
  const child = spawn("dockerd", args, { detached: true, stdio: ["ignore", output, output] });
  fs.closeSync(output);
  let ended: string | undefined;
  child.on("error", (error) => (ended = error.message));
  child.on("exit", (code, signal) => (ended = `ended with ${code ?? signal}`));
  fs.writeFileSync(logFile("dockerd.pid"), `${child.pid ?? ""}\n`);
  child.unref();
  const deadline = Date.now() + startPatience;
  while ((await ask()).kind !== "ok") {
    if (ended !== undefined || Date.now() > deadline) {
      const what = ended ?? `does not answer after ${startPatience / 1000} s`;
      throw new UserError(`dockerd ${what}.\n${tail(log, 8)}\nFull log: ${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** dockerd refuses to start when its pid file names a process that lives, whatever it is. */
function removeStalePidFile(file: string): void {
  try {
    const pid = Number(fs.readFileSync(file, "utf8").trim());
    const command = fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    if (command !== "dockerd") {
      fs.rmSync(file);
    }
  } catch {
    // No pid file, or no such process: dockerd copes with both.
  }
}

function warnAboutCapabilities(name: string, report: Reporter): void {
  const lacking = process.env["DOCKER_HOST"] ? [] : missingCapabilities();
  if (lacking.length > 0 && name !== runtime) {
    report.note(
      `This machine lacks ${lacking.join(", ")}, and the running Docker Engine has no runtime that copes with it: ` +
        "the cluster's privileged container may be refused. Stop that engine and run this again to have one started that does.",
    );
  }
}

function logFile(name: string): string {
  const folder = path.join(cacheFolder(), "logs");
  fs.mkdirSync(folder, { recursive: true });
  return path.join(folder, name);
}
