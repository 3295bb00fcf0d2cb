import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { UserError } from "../errors.ts";
import { local, privateFolder } from "../paths.ts";

/** Where the state of the stacks is. */
export interface Backend {
  /** As PULUMI_BACKEND_URL wants it; undefined leaves it to Pulumi's own login. */
  readonly url?: string;
  /** In words. */
  readonly description: string;
  /** Folder of a file backend. */
  readonly folder?: string;
}

/** The user's own backend or login wins; else the state is in the checkout. Set by the environment alone. */
export function chooseBackend(env: NodeJS.ProcessEnv, create = true): Backend {
  if (env.PULUMI_BACKEND_URL) return describeBackend(env.PULUMI_BACKEND_URL, "PULUMI_BACKEND_URL");
  const login = currentLogin(env);
  if (login) return { ...describeBackend(login, "your Pulumi login"), url: undefined };
  if (env.PULUMI_ACCESS_TOKEN) return { description: "Pulumi Cloud (PULUMI_ACCESS_TOKEN)" };
  const folder = create ? privateFolder(local, "state") : path.join(local, "state");
  return {
    // without a second file, which holds a checksum that nobody reads, beside each file of the state
    url: `file://${folder}?metadata=skip`,
    folder,
    description: "a local file backend in .bankmesh/state",
  };
}

/**
 * Removes what a file backend keeps of a stack that is gone: backups and history, which hold its secrets, encrypted.
 * Only in the project's own folder; in a backend of the user's they are the user's.
 */
export function forgetStack(
  backend: Backend,
  project: string,
  stack: string,
  ours = path.join(local, "state"),
): void {
  if (backend.folder !== ours) return;
  const kept = path.join(backend.folder, ".pulumi");
  for (const kind of ["backups", "history"])
    fs.rmSync(path.join(kept, kind, project, stack), { recursive: true, force: true });
  fs.rmSync(path.join(kept, "stacks", project, `${stack}.json.bak`), { force: true });
}

function describeBackend(url: string, source: string): Backend {
  const folder = /^file:\/\/([^?]*)/.exec(url)?.[1]?.replace(/^~/, os.homedir());
  // an address may carry a password
  const shownUrl = url.replace(/\/\/[^@/]*@/, "//");
  return {
    url,
    description: `${shownUrl} (${source})`,
    ...(folder !== undefined && { folder: path.resolve(folder) }),
  };
}

/** The backend that `pulumi login` chose; undefined when nobody is logged in. */
export function currentLogin(env: NodeJS.ProcessEnv): string | undefined {
  const home = env.PULUMI_CREDENTIALS_PATH || env.PULUMI_HOME || path.join(os.homedir(), ".pulumi");
  try {
    const text = fs.readFileSync(path.join(home, "credentials.json"), "utf8");
    const { current } = JSON.parse(text) as { current?: unknown };
    return typeof current === "string" && current !== "" ? current : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The environment that encrypts and decrypts the stack's secrets.
 *
 * @throws UserError for a stack other than dev that has no passphrase
 */
export function passphraseEnv(
  stack: string,
  backend: Backend,
  env: NodeJS.ProcessEnv,
  provider?: string,
): NodeJS.ProcessEnv {
  const ownKeys = provider !== undefined && provider !== "passphrase" && provider !== "default";
  if (ownKeys || isCloud(backend)) return {};
  const file = env.PULUMI_CONFIG_PASSPHRASE_FILE;
  if (file) {
    if (readable(file)) return {};
    throw new UserError(
      `PULUMI_CONFIG_PASSPHRASE_FILE names ${file}, which cannot be read: write the passphrase there`,
    );
  }
  if (env.PULUMI_CONFIG_PASSPHRASE) return {};
  if (mayBeEmpty(stack)) return { PULUMI_CONFIG_PASSPHRASE: "" };
  throw new UserError(
    `stack "${stack}" has no passphrase: its state holds private keys, and only dev may keep them under an empty one\n` +
      "a stack that is there needs the one that it was made with; for a new one, make one, once, and use it\n" +
      "(paste all three lines; keep the file, without it the state cannot be read):\n" +
      `  mkdir -p ~/.config/bankmesh\n` +
      `  (umask 077; test -e ~/.config/bankmesh/${stack}.passphrase || openssl rand -base64 32 > ~/.config/bankmesh/${stack}.passphrase)\n` +
      `  export PULUMI_CONFIG_PASSPHRASE_FILE=~/.config/bankmesh/${stack}.passphrase`,
  );
}

/** dev, and the throw-away stacks of the tests. */
function mayBeEmpty(stack: string): boolean {
  return stack === "dev" || stack.startsWith("e2e-");
}

/** Whether the service itself keeps the keys. */
function isCloud(backend: Backend): boolean {
  return (
    backend.description.startsWith("https://") || backend.description.startsWith("Pulumi Cloud")
  );
}

function readable(file: string): boolean {
  try {
    return fs.readFileSync(file, "utf8").trim() !== "";
  } catch {
    return false;
  }
}
