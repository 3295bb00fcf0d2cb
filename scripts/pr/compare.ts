import * as fs from "node:fs";
import * as path from "node:path";
import { UserError } from "../errors.ts";
import { root } from "../paths.ts";
import { guardrailFlags } from "../stack/guardrails.ts";
import { run } from "../stack/pulumi.ts";
import type { Manifests } from "../render/manifests.ts";
import {
  checkRun,
  render,
  seenBy,
  type ThrowAway,
  withThrowAway,
  writeDown,
} from "../render/throw-away.ts";
import {
  type EngineViolation,
  isOnlyRefused,
  splitViolations,
  withoutRefusal,
} from "./engine-violations.ts";
import { packFolder } from "./guardrail-texts.ts";
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
  /** What the head's guardrails say in the preview. @default nothing: the stack is gone, or the head has none */
  readonly violations?: readonly EngineViolation[];
}

/** Says what a head changes of the base. */
export type Compare = (head: Side) => Promise<StackChange>;

/**
 * Brings a stack up as the base has it, in a state that is thrown away, and lets the work ask what heads would change
 * there. No cluster is touched.
 *
 * @throws UserError that says which side cannot be rendered, and why
 */
export async function withBase<T>(
  stack: string,
  base: Side,
  env: NodeJS.ProcessEnv,
  work: (compare: Compare) => Promise<T>,
): Promise<T> {
  if (base.config === undefined) return work((head) => allNew(stack, head, env));
  const up = async (throwAway: ThrowAway) => {
    const before = await side("base", stack, () => writeDown(throwAway));
    return work(async (head) => {
      const after = await manifestsOf(stack, head, env);
      if (head.config === undefined) return { stack, before, after, preview: undefined };
      const seen = await previewed(seenBy(throwAway, head.program, head.config));
      return { stack, before, after, ...seen };
    });
  };
  return withThrowAway(stack, base.program, env, up, base.config);
}

/** Previewed on a state with nothing in it. */
async function allNew(stack: string, head: Side, env: NodeJS.ProcessEnv): Promise<StackChange> {
  const after = await manifestsOf(stack, head, env);
  const seen = await withThrowAway(stack, head.program, env, previewed, head.config);
  return { stack, before: new Map(), after, ...seen };
}

async function manifestsOf(
  stack: string,
  { program, config }: Side,
  env: NodeJS.ProcessEnv,
): Promise<Manifests> {
  if (config === undefined) return new Map();
  return side("head", stack, () => render(stack, program, env, config));
}

async function side<T>(name: string, stack: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    if (!(e instanceof UserError)) throw e;
    throw new UserError(`stack "${stack}" of the ${name} cannot be rendered: ${e.message}`);
  }
}

/** A preview, and what the guardrails say in it. */
type Seen = Required<Pick<StackChange, "violations">> & { readonly preview: string };

/** A preview that guardrails of the program refuse is one all the same: what they say is for the comment. */
async function previewed({ stack, folder }: ThrowAway): Promise<Seen> {
  const { name, program = root } = stack;
  // an older commit has none
  const guarded = fs.existsSync(path.join(program, packFolder));
  const flags = ["--diff", ...(guarded ? guardrailFlags(name, program) : [])];
  const result = await run(stack, "preview", flags, true);
  const said = splitViolations(fs.readFileSync(result.log, "utf8"));
  if (!isOnlyRefused(said)) checkRun(result, folder, `the preview of stack "${name}"`);
  return { preview: tidied(withoutRefusal(said.preview), folder), violations: said.violations };
}
