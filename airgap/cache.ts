import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as lockfile from "proper-lockfile";
import { isAlive } from "../scripts/bootstrap/processes.mjs";

import { sha256 } from "./archive.ts";

/** One file of a finished piece. */
interface FileRecord {
  readonly size: number;
  readonly mode: number;
  /** When it was written; a file with another time is hashed again. */
  readonly modified: number;
  readonly sha256: string;
}

/** piece.json: written last, so that a folder without it was never finished. */
export interface PieceRecord {
  readonly name: string;
  readonly key: string;
  readonly seconds: number;
  readonly builtAt: string;
  readonly files: Readonly<Record<string, FileRecord>>;
  /** sha256 over `files`. */
  readonly manifest: string;
}

export type State = "ready" | "missing" | "building" | "broken";

/** Who holds the lock of a piece. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

export interface Obtained {
  readonly dir: string;
  readonly seconds: number;
  /** Whether this call built it. */
  readonly built: boolean;
}

export interface Workspace {
  readonly dir: string;
  readonly scratch: string;
  readonly log: string;
}

const recordName = "piece.json";
/** A holder that does not renew its lock for this long is dead. */
const staleAfter = 15_000;

/** Finished pieces by name and key. Several processes may use it at once. */
export class Cache {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  folder(name: string, key: string): string {
    return path.join(this.root, "pieces", name, key);
  }

  log(name: string, key: string): string {
    return path.join(this.root, "logs", `${name}-${key.slice(0, 12)}.log`);
  }

  /** Whether the piece can be used. `deep` reads every byte of it. */
  async state(name: string, key: string, deep = false): Promise<State> {
    const folder = this.folder(name, key);
    if (fs.existsSync(folder)) {
      return (await readPiece(folder, name, key, deep)) === undefined ? "broken" : "ready";
    }
    return this.holder(name, key) === undefined ? "missing" : "building";
  }

  record(name: string, key: string): PieceRecord | undefined {
    return readRecord(this.folder(name, key), name, key);
  }

  /**
   * The folder of a piece, built if it is not there. Another process that builds the same piece is
   * waited for. What is left of an interrupted build is never used: the build happens in a folder
   * of its own that gets the piece's name when everything is on disk.
   */
  async obtain(
    name: string,
    key: string,
    build: (workspace: Workspace) => Promise<void>,
    onWait: (holder: Holder | undefined) => void = () => undefined,
  ): Promise<Obtained> {
    const folder = this.folder(name, key);
    const ready = async (): Promise<Obtained | undefined> => {
      const record = await readPiece(folder, name, key, false);
      return record && { dir: folder, seconds: record.seconds, built: false };
    };
    const early = await ready();
    if (early !== undefined) {
      return early;
    }
    const release = await this.lock(name, key, onWait);
    try {
      const late = await ready();
      if (late !== undefined) {
        return late;
      }
      fs.rmSync(folder, { recursive: true, force: true });
      return await this.build(name, key, build);
    } finally {
      await release();
    }
  }

  private async build(
    name: string,
    key: string,
    build: (workspace: Workspace) => Promise<void>,
  ): Promise<Obtained> {
    this.removeLeftovers();
    const folder = this.folder(name, key);
    const log = this.log(name, key);
    const temporary = path.join(
      this.root,
      "tmp",
      `${os.hostname()}.${process.pid}.${name}.${randomBytes(4).toString("hex")}`,
    );
    const dir = path.join(temporary, "piece");
    const scratch = path.join(temporary, "scratch");
    for (const needed of [dir, scratch, path.dirname(folder), path.dirname(log)]) {
      fs.mkdirSync(needed, { recursive: true });
    }
    fs.writeFileSync(log, "");
    const started = performance.now();
    try {
      await build({ dir, scratch, log });
      const seconds = Math.round((performance.now() - started) / 100) / 10;
      await writeRecord(dir, name, key, seconds);
      try {
        fs.renameSync(dir, folder);
      } catch (error) {
        // Somebody else was faster, see takeFromDead.
        if ((await readPiece(folder, name, key, false)) === undefined) {
          throw error;
        }
        return { dir: folder, seconds, built: false };
      }
      return { dir: folder, seconds, built: true };
    } finally {
      fs.rmSync(temporary, { recursive: true, force: true });
    }
  }

  /** Removes the folders of builds whose process is gone. */
  private removeLeftovers(): void {
    const folder = path.join(this.root, "tmp");
    for (const entry of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
      const [host, pid] = splitLeft(entry, os.hostname());
      if (host === os.hostname() && Number(pid) > 0 && !isAlive(Number(pid))) {
        fs.rmSync(path.join(folder, entry), { recursive: true, force: true });
      }
    }
  }

  private lockFile(name: string, key: string): string {
    return path.join(this.root, "locks", `${name}-${key.slice(0, 12)}`);
  }

  private async lock(
    name: string,
    key: string,
    onWait: (holder: Holder | undefined) => void,
  ): Promise<() => Promise<void>> {
    const file = this.lockFile(name, key);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    for (;;) {
      try {
        const release = await lockfile.lock(file, {
          realpath: false,
          stale: staleAfter,
          update: 3_000,
          // Losing the lock costs a second build at worst: pieces appear by one rename.
          onCompromised: () => undefined,
        });
        const holder: Holder = {
          pid: process.pid,
          host: os.hostname(),
          since: new Date().toISOString(),
        };
        fs.writeFileSync(`${file}.holder`, JSON.stringify(holder));
        return async () => {
          fs.rmSync(`${file}.holder`, { force: true });
          await release().catch(() => undefined);
        };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ELOCKED") {
          throw error;
        }
        if (this.takeFromDead(file)) {
          continue;
        }
        onWait(this.holder(name, key));
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    }
  }

  /**
   * Frees a lock whose holder on this machine is gone, without waiting for it to grow stale. Two
   * processes that do this at once may both build; the one that is later uses the other's piece.
   */
  private takeFromDead(file: string): boolean {
    const holder = readHolder(file);
    if (holder === undefined || holder.host !== os.hostname() || isAlive(holder.pid)) {
      return false;
    }
    fs.rmSync(`${file}.holder`, { force: true });
    fs.rmSync(`${file}.lock`, { recursive: true, force: true });
    return true;
  }

  /** Who builds the piece right now, as far as it can be told. */
  holder(name: string, key: string): Holder | undefined {
    const file = this.lockFile(name, key);
    const lock = fs.statSync(`${file}.lock`, { throwIfNoEntry: false });
    if (lock === undefined || Date.now() - lock.mtimeMs > staleAfter) {
      return undefined;
    }
    const holder = readHolder(file);
    return holder?.host === os.hostname() && !isAlive(holder.pid) ? undefined : holder;
  }

  /** Removes every finished piece that is not in `keep` (as name/key); returns what went. */
  prune(keep: ReadonlySet<string>): string[] {
    const removed: string[] = [];
    const pieces = path.join(this.root, "pieces");
    for (const name of fs.existsSync(pieces) ? fs.readdirSync(pieces) : []) {
      for (const key of fs.readdirSync(path.join(pieces, name))) {
        if (!keep.has(`${name}/${key}`) && this.holder(name, key) === undefined) {
          fs.rmSync(path.join(pieces, name, key), { recursive: true, force: true });
          removed.push(`${name}/${key}`);
        }
      }
    }
    this.removeLeftovers();
    return removed;
  }
}

function readHolder(lockFile: string): Holder | undefined {
  try {
    return JSON.parse(fs.readFileSync(`${lockFile}.holder`, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

function splitLeft(entry: string, host: string): [string, string] {
  return entry.startsWith(`${host}.`)
    ? [host, entry.slice(host.length + 1).split(".")[0] ?? ""]
    : ["", ""];
}

async function writeRecord(dir: string, name: string, key: string, seconds: number): Promise<void> {
  const files: Record<string, FileRecord> = {};
  for (const file of listFiles(dir)) {
    const full = path.join(dir, file);
    const { size, mode, mtimeMs } = fs.statSync(full);
    files[file] = { size, mode: mode & 0o777, modified: mtimeMs, sha256: await sha256(full) };
  }
  const record: PieceRecord = {
    name,
    key,
    seconds,
    builtAt: new Date().toISOString(),
    files,
    manifest: digestOf(files),
  };
  fs.writeFileSync(path.join(dir, recordName), `${JSON.stringify(record, null, 2)}\n`);
}

/** The record of a piece that is whole, or undefined. */
async function readPiece(
  folder: string,
  name: string,
  key: string,
  deep: boolean,
): Promise<PieceRecord | undefined> {
  const record = readRecord(folder, name, key);
  if (record === undefined) {
    return undefined;
  }
  try {
    const present = listFiles(folder).filter((file) => file !== recordName);
    if (present.join("\n") !== Object.keys(record.files).sort().join("\n")) {
      return undefined;
    }
    for (const [file, expected] of Object.entries(record.files)) {
      const full = path.join(folder, file);
      const { size, mode, mtimeMs } = fs.statSync(full);
      if (size !== expected.size || (mode & 0o777) !== expected.mode) {
        return undefined;
      }
      const suspicious = deep || mtimeMs !== expected.modified;
      if (suspicious && (await sha256(full)) !== expected.sha256) {
        return undefined;
      }
    }
  } catch {
    return undefined;
  }
  return record;
}

function readRecord(folder: string, name: string, key: string): PieceRecord | undefined {
  try {
    const record = JSON.parse(
      fs.readFileSync(path.join(folder, recordName), "utf8"),
    ) as PieceRecord;
    const whole =
      record.name === name && record.key === key && record.manifest === digestOf(record.files);
    return whole ? record : undefined;
  } catch {
    return undefined;
  }
}

function digestOf(files: Readonly<Record<string, FileRecord>>): string {
  return createHash("sha256").update(JSON.stringify(files)).digest("hex");
}

function listFiles(dir: string): string[] {
  return fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
    .sort();
}
