import * as fs from "node:fs";
import { UserError } from "../errors.ts";
import { run } from "../stack/pulumi.ts";
import type { Manifests } from "../render/manifests.ts";
import { render, seenBy, type ThrowAway, withThrowAway, writeDown } from "../render/throw-away.ts";
import { tidied } from "./preview.ts";

/** A program with the file of one of its stacks. */
export interface Side {
  /** Folder of the program. */
  readonly program: string;
  /** Text of the stack's file; undefined when there is no such stack on this side. */
  readonly config: string | undefined;
}

/** What a change does to one stack. */
export interface StackChange {
  readonly stack: string;
  readonly before: Manifests;
  readonly after: Manifests;
  /** What Pulumi would do, in its own words; undefined when the stack is gone. */
  readonly preview: string | undefined;
}

/**
 * Brings a stack up as the base has it, in a state that is thrown away, and asks the head what it would change there.
 * No cluster is touched.
 *
 * @throws UserError that says which side cannot be rendered, and why
 */
export async function compareStack(
  stack: string,
  base: Side,
  head: Side,
  env: NodeJS.ProcessEnv,
): Promise<StackChange> {
  const after =
    head.config === undefined
      ? new Map<string, string>()
      : await side("head", stack, () => render(stack, head.program, env, head.config));
  if (base.config === undefined) {
    // all of it is new: previewed on a state with nothing in it
    const preview = await withThrowAway(stack, head.program, env, previewed, head.config!);
    return { stack, before: new Map(), after, preview };
  }
  return withThrowAway(
    stack,
    base.program,
    env,
    async (throwAway) => {
      const before = await side("base", stack, () => writeDown(throwAway));
      if (head.config === undefined) return { stack, before, after, preview: undefined };
      const preview = await previewed(seenBy(throwAway, head.program, head.config));
      return { stack, before, after, preview };
    },
    base.config,
  );
}

async function side<T>(name: string, stack: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    if (!(e instanceof UserError)) throw e;
    throw new UserError(`stack "${stack}" of the ${name} cannot be rendered: ${e.message}`);
  }
}

async function previewed({ stack, folder }: ThrowAway): Promise<string> {
  const result = await run(stack, "preview", ["--diff"], true);
  const text = tidied(fs.readFileSync(result.log, "utf8"), folder);
  if (result.code !== 0)
    throw new UserError(`the preview of stack "${stack.name}" failed:\n${text}`);
  return text;
}
