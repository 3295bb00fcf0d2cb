import * as path from "node:path";
import { tryLock } from "../bootstrap/lock.mjs";
import { UserError } from "../errors.ts";
import { local } from "../paths.ts";

/**
 * One command at a time changes a stack of this checkout. Pulumi's own lock covers its run alone, not what is repaired
 * before it.
 *
 * @returns gives the stack free
 * @throws UserError that names who has it
 */
export function tryRunLock(stack: string, what: string): () => void {
  const got = tryLock(path.join(local, "locks", `stack-${stack}.json`), what);
  if ("release" in got) return got.release;
  const { pid, since } = got.owner;
  throw new UserError(
    `${got.owner.what} already works on stack "${stack}" (process ${pid}, since ${since}): wait for it, or end it with kill -INT ${pid}`,
  );
}
