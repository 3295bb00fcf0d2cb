import * as fs from "node:fs";
import * as path from "node:path";
import { local, privateFolder, writePrivate } from "../../scripts/paths.ts";
import type { ObjectRef } from "./mutation.ts";
import { refOf } from "./objects.ts";
import type { Applied } from "./owned.ts";

/** What a change has to be undone with; kept on disk from before the change until it is undone. */
export interface ChangeRecord {
  /** The mutation. */
  readonly mutation: string;
  /** Uid of the cluster's first namespace: another one is another cluster, where there is nothing to undo. */
  readonly cluster: string;
  readonly since: string;
  /** Objects that are changed or deleted, as they were, with who applied them. */
  readonly originals: readonly Applied[];
  /** Objects that are made. */
  readonly added: readonly ObjectRef[];
  /** Deployments whose pods are made anew. */
  readonly restarts: readonly ObjectRef[];
  readonly remounts: boolean;
}

/** Where the record of a stack is. It may hold keys: nobody else can read it. */
export function recordFile(stack: string): string {
  return path.join(privateFolder(local, "mutations"), `${stack}.json`);
}

export function writeRecord(file: string, record: ChangeRecord): void {
  writePrivate(file, JSON.stringify(record));
}

/** The record of a change that was not undone; undefined when there is none. */
export function readRecord(file: string): ChangeRecord | undefined {
  if (!fs.existsSync(file)) return undefined;
  return JSON.parse(fs.readFileSync(file, "utf8")) as ChangeRecord;
}

export function removeRecord(file: string): void {
  fs.rmSync(file, { force: true });
}

/** A call of kubectl. */
export interface KubectlCall {
  readonly args: readonly string[];
  readonly input: string;
  /** What is called instead when it fails. */
  readonly otherwise?: readonly KubectlCall[];
}

/** Puts an object where it was, under the name of who applied it: what a change set beside is dropped. */
export function applyCall({ manager, object }: Applied): KubectlCall {
  const server = ["--server-side", "--force-conflicts", `--field-manager=${manager}`];
  return { args: ["apply", ...server, "--filename", "-"], input: listOf([object]) };
}

export function deleteCall(object: ObjectRef, wait = true): KubectlCall {
  const options = ["--ignore-not-found", `--wait=${wait}`, "--filename", "-"];
  return { args: ["delete", ...options], input: listOf([object]) };
}

/** All that undoes a change. */
export function undoCalls({ originals, added }: ChangeRecord, wait = true): KubectlCall[] {
  return [
    ...originals.map((original): KubectlCall => {
      const apply = applyCall(original);
      // an apply cannot empty a spec: it makes null of it, which the API server refuses
      return { ...apply, otherwise: [deleteCall(refOf(original.object), wait), apply] };
    }),
    ...added.map((object) => deleteCall(object, wait)),
  ];
}

export function listOf(items: readonly object[]): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}
