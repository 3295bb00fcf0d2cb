import * as fs from "node:fs";
import * as path from "node:path";
import { YAMLParseError, parse, stringify } from "yaml";
import { nearest } from "../../settings/nearest.ts";
import { UserError } from "../errors.ts";
import { local, privateFolder, root, writePrivate } from "../paths.ts";

/** Keys of a stack file that say how its secrets are encrypted. */
const secretKeys = ["secretsprovider", "encryptedkey", "encryptionsalt"] as const;

/** Stacks that have a file in the checkout. */
export function stackNames(folder = root): string[] {
  const names = fs.readdirSync(folder).flatMap((f) => /^Pulumi\.(.+)\.yaml$/.exec(f)?.[1] ?? []);
  return names.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

function rank(name: string): number {
  const known = ["dev", "staging", "prod"].indexOf(name);
  return known < 0 ? 3 : known;
}

/** The stack that a command is for; dev when none is named. */
export function requireStack(name: string | undefined, folder = root): string {
  const wanted = name ?? "dev";
  const names = stackNames(folder);
  if (names.includes(wanted)) return wanted;
  const near = nearest(wanted, names);
  throw new UserError(
    `there is no stack "${wanted}"${near ? `; did you mean ${near}?` : ""}\n` +
      `stacks: ${names.join(", ")} (each has a file Pulumi.<stack>.yaml)\n` +
      `to add one: cp Pulumi.dev.yaml Pulumi.${safe(wanted)}.yaml, then give it a clusterName and ports of its own`,
  );
}

function safe(name: string): string {
  return /^[A-Za-z0-9_.-]+$/.test(name) ? name : "<stack>";
}

export function trackedFile(stack: string, folder = root): string {
  return path.join(folder, `Pulumi.${stack}.yaml`);
}

export const projectFile = path.join(root, "Pulumi.yaml");

/**
 * The stack file that the CLI works with. Pulumi writes the salt of a stack's secrets into its file; the tracked one
 * has to stay as it is, so the CLI gets a copy that carries the salt from run to run.
 *
 * @param tracked text of the file in the checkout
 * @param working text of the copy of the last run
 * @returns the tracked text; with the copy's salt unless it has encryption of its own
 */
export function mergeStackFile(tracked: string, working: string | undefined): string {
  const own = (parse(tracked) ?? {}) as Record<string, unknown>;
  const kept = ((working && parse(working)) ?? {}) as Record<string, unknown>;
  if (secretKeys.some((key) => own[key] !== undefined)) return tracked;
  const missing = Object.fromEntries(
    secretKeys.flatMap((key) => (kept[key] === undefined ? [] : [[key, kept[key]]])),
  );
  if (Object.keys(missing).length === 0) return tracked;
  const text = tracked === "" || tracked.endsWith("\n") ? tracked : `${tracked}\n`;
  // {} is YAML for an empty file, and nothing may follow it
  return `${Object.keys(own).length === 0 ? "" : text}${stringify(missing, { lineWidth: 0 })}`;
}

/** Brings the working copy up to date. Returns its path and the folder in which `stack init` finds it. */
export function prepareStackFile(stack: string): {
  readonly file: string;
  readonly folder: string;
} {
  const folder = privateFolder(local, "stacks");
  const file = path.join(folder, `Pulumi.${stack}.yaml`);
  const working = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : undefined;
  const merged = mergeStackFile(fs.readFileSync(trackedFile(stack), "utf8"), working);
  if (merged !== working) writePrivate(file, merged);
  writePrivate(path.join(folder, "Pulumi.yaml"), fs.readFileSync(projectFile, "utf8"));
  return { file, folder };
}

/** Forgets the salt of a stack that is gone. */
export function removeStackFile(stack: string): void {
  fs.rmSync(path.join(local, "stacks", `Pulumi.${stack}.yaml`), { force: true });
}

/** How a stack's secrets are encrypted, as far as its file says. */
export function secretsProvider(stack: string): string | undefined {
  const file = trackedFile(stack);
  const own = readable(
    file,
    () => (parse(fs.readFileSync(file, "utf8")) ?? {}) as Record<string, unknown>,
  );
  return typeof own.secretsprovider === "string" ? own.secretsprovider : undefined;
}

/**
 * What comes of reading a stack's file.
 *
 * @throws UserError that names the file and the place when it is not YAML
 */
export function readable<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (e) {
    if (!(e instanceof YAMLParseError)) throw e;
    const [what, ...place] = e.message.split("\n");
    throw new UserError(
      `${path.basename(file)} is not YAML; nothing was touched\n  ${what}\n${place
        .filter((line) => line.trim() !== "")
        .map((line) => `    ${line}`)
        .join(
          "\n",
        )}\nfix: correct the line; git diff ${path.basename(file)} shows what was changed`,
    );
  }
}
