import * as fs from "node:fs";
import type { ParsedArguments } from "../scripts/arguments.ts";
import { confirmed } from "../scripts/commands/confirm.ts";
import { UserError } from "../scripts/errors.ts";
import { shown } from "../scripts/paths.ts";
import { type Reporter, createReporter } from "../scripts/progress.ts";
import { wasInterrupted } from "../scripts/signals.ts";
import { requireStack } from "../scripts/stack/files.ts";
import { type RunResult, run } from "../scripts/stack/pulumi.ts";
import { tryRunLock } from "../scripts/stack/run-lock.ts";
import type { Settings } from "../settings/index.ts";
import { askAll } from "./ask-all.ts";
import { findEdge } from "./edge-address.ts";
import { type Platform, openPlatform } from "./platform.ts";
import { Breakage } from "./mutations/breakage.ts";
import { allMutations, reasonAgainst } from "./mutations/index.ts";
import type { Mutation } from "./mutations/mutation.ts";
import { type MutateOptions, optionsIn } from "./mutations/options.ts";
import { readRecord, recordFile, removeRecord } from "./mutations/record.ts";
import {
  type UnbrokenRound,
  lineOf,
  notForLines,
  summaryOf,
  unbrokenSummary,
} from "./mutations/report.ts";
import { type Ask, type MutationResult, runMutation } from "./mutations/run.ts";
import { summary, table } from "./reports/terminal.ts";
import { type Edge, Verifier } from "./verifier.ts";

/** Exit code for a run that could not ask; 0 says that all were caught, 1 that some were not. */
const couldNotAsk = 2;

/** Breaks a running stack in every way that is known, one at a time, and holds what the probes say against it. */
export async function main(args: ParsedArguments): Promise<number> {
  try {
    const name = requireStack(args.positional[0]);
    const options = optionsIn(args.flags);
    const rounds = options.unbroken;
    if (rounds === undefined && /prod/i.test(name) && !options.yes)
      await confirmed(name, {
        does: `This breaks stack "${name}" on purpose, in one way after another, and puts it back each time.`,
        refusal: `stack "${name}" is broken only when asked for twice: npm run verify:mutate -- ${name} --yes`,
      });
    const release = tryRunLock(name, "npm run verify:mutate");
    try {
      return await onPlatform(createReporter(), name, options);
    } finally {
      release();
    }
  } catch (error) {
    if (!(error instanceof UserError))
      throw Object.assign(error as Error, { exitCode: couldNotAsk });
    throw new UserError(error.message, couldNotAsk);
  }
}

async function onPlatform(
  reporter: Reporter,
  name: string,
  options: MutateOptions,
): Promise<number> {
  const platform = await openPlatform(reporter, name, (s) => refuseForeign(s, options));
  const { settings, kubectl, curlImage } = platform;
  let verifier: Verifier | undefined;
  try {
    const breakage = new Breakage(kubectl, recordFile(name));
    await undoLeftover(reporter, breakage, recordFile(name));
    const found = settings.cluster === "kind" ? undefined : await findEdge(kubectl);
    const edge = typeof found === "string" ? undefined : found;
    if (options.unbroken !== undefined) return await askUnbroken(reporter, platform, options, edge);
    verifier = await Verifier.open({ kubectl, settings, curlImage, ...(edge && { edge }) });
    return await mutateAll(reporter, platform, verifier, breakage, options);
  } finally {
    await verifier?.close();
    kubectl.close();
  }
}

function refuseForeign({ cluster }: Settings, { existing, unbroken }: MutateOptions): void {
  if (cluster === "kind" || existing || unbroken !== undefined) return;
  throw new UserError(
    "the stack stands on a cluster that it did not make, where others may feel what is broken; nothing was touched\n" +
      "fix: --existing breaks it all the same: policies, the gateway and pods of the stack, for some seconds each",
  );
}

/** Puts back what a run that was killed could not. */
async function undoLeftover(reporter: Reporter, breakage: Breakage, file: string): Promise<void> {
  const record = readRecord(file);
  if (!record) return;
  if (record.cluster !== (await breakage.cluster())) {
    removeRecord(file);
    reporter.note(`the cluster that a run left broken (${record.mutation}) is gone`);
    return;
  }
  const step = reporter.step(`putting back what a run left broken on ${record.since}`);
  await breakage.undo(record);
  step.done(record.mutation);
}

async function mutateAll(
  reporter: Reporter,
  platform: Platform,
  verifier: Verifier,
  breakage: Breakage,
  options: MutateOptions,
): Promise<number> {
  const { settings, subject } = platform;
  const begun = performance.now();
  const { otherCa, namesakeCa } = verifier.strangers;
  const ask: Ask = (probes, how, trusts) =>
    verifier.ask({ ...subject, ...(trusts && { caPem: namesakeCa.certPem }) }, how, probes);
  const materials = { settings, otherCa, namesakeCa };
  const { everyProbe } = options;
  const wanted = allMutations.filter(({ id }) => options.only?.includes(id) ?? true);
  const reasons = wanted.flatMap((m): (readonly [Mutation, string])[] => {
    const reason = reasonAgainst(m, settings);
    return reason === undefined ? [] : [[m, reason]];
  });
  const mine = wanted.filter((m) => !reasons.some(([other]) => other === m));
  if (mine.length === 0)
    throw new UserError(
      ["none of these mutations is for this stack", ...notForLines(reasons)].join("\n"),
    );
  const unasked = await requireUnbroken(reporter, platform, verifier);
  const width = Math.max(...mine.map(({ id }) => id.length));
  const results: MutationResult[] = [];
  for (const [i, mutation] of mine.entries()) {
    const step = reporter.step(`${i + 1} of ${mine.length}: ${mutation.id}`);
    const run = { ask, breaker: breakage, materials, everyProbe, unasked };
    const result = await runMutation(mutation, settings, run);
    results.push(result);
    step.done(result.verdict);
    process.stdout.write(`${lineOf(result, width)}\n`);
  }
  for (const line of notForLines(reasons)) process.stdout.write(`${line}\n`);
  const clean = await isAsBefore(reporter, platform, verifier);
  const seconds = (performance.now() - begun) / 1000;
  const after = clean ? "the stack is as before" : "the stack is NOT as before";
  const figures = `${summaryOf(results, reasons.length)}, ${after}, in ${seconds.toFixed(0)} s`;
  process.stdout.write(`${figures}\n`);
  return clean && results.every((r) => r.verdict === "caught") ? 0 : 1;
}

/**
 * Every probe holds before anything is broken, or nothing is learned from one that is red then.
 *
 * @returns probes that cannot be asked here
 */
async function requireUnbroken(
  reporter: Reporter,
  { name, subject }: Platform,
  verifier: Verifier,
): Promise<Set<string>> {
  const step = reporter.step(`asking stack ${name} before anything is broken`);
  const leftOut = new Set<string>();
  const outcomes = await verifier.ask(subject, {
    onLeftOut: (id) => leftOut.add(id),
  });
  step.done(summary(outcomes));
  const red = outcomes.filter((o) => o.verdict !== "holds");
  if (red.length > 0)
    throw new UserError(
      `stack "${name}" is not as it says before anything is broken; nothing was touched\n${table(red)}`,
    );
  return new Set([...leftOut].filter((id) => !outcomes.some((o) => o.id === id)));
}

/** Whether all probes hold again, and the cluster is what the stack's state says, to the field. */
async function isAsBefore(
  reporter: Reporter,
  { name, stack, subject }: Platform,
  verifier: Verifier,
): Promise<boolean> {
  const step = reporter.step("asking once more, with nothing broken");
  const outcomes = await verifier.ask(subject);
  step.done(summary(outcomes));
  const red = outcomes.filter((o) => o.verdict !== "holds");
  if (red.length > 0) process.stdout.write(`${table(red)}\n`);
  const look = reporter.step(`npm run preview -- ${name} --refresh`);
  const preview = await run(stack, "preview", ["--refresh"], true);
  // while Pulumi runs a signal goes to it alone
  if (wasInterrupted())
    throw new UserError("interrupted in the last look at the stack; nothing is broken any more");
  const clean = preview.code === 0 && isClean(preview);
  if (clean) look.done("no changes");
  else look.fail(`there is something left to change: ${shown(preview.log)}`);
  return red.length === 0 && clean;
}

/**
 * Whether nothing is left to change but the gate's question, which follows the cluster's count of changes: what was
 * broken and put back has been changed twice.
 */
function isClean({ changes = {}, log }: RunResult): boolean {
  const left = Object.entries(changes).filter(([kind, n]) => n > 0 && kind !== "same");
  if (left.length === 0) return true;
  const gate = /^ ~ +command:local:Command gate-check update/m.test(fs.readFileSync(log, "utf8"));
  return gate && left.every(([kind, n]) => kind === "update" && n === 1);
}

/**
 * Asks a platform that nobody broke, and fixtures beside it, as `npm run verify` does, over and over: a red answer there is
 * the probes' own mistake.
 */
async function askUnbroken(
  reporter: Reporter,
  platform: Platform,
  { unbroken: count = 1, fixtures }: MutateOptions,
  edge?: Edge,
): Promise<number> {
  const rounds: UnbrokenRound[] = [];
  const withFixtures = fixtures && platform.settings.cluster === "kind";
  for (let round = 1; round <= count; round++) {
    const step = reporter.step(`round ${round} of ${count}, with nothing broken`);
    const begun = performance.now();
    const progress = (text: string) => step.update(text);
    const { outcomes } = await askAll(platform, withFixtures, progress, edge);
    rounds.push({ outcomes, seconds: (performance.now() - begun) / 1000 });
    step.done(summary(outcomes));
    const red = outcomes.filter((o) => o.verdict !== "holds");
    if (red.length > 0) process.stdout.write(`round ${round}:\n${table(red)}\n`);
  }
  process.stdout.write(`${unbrokenSummary(rounds)}\n`);
  return rounds.every((r) => r.outcomes.every((o) => o.verdict === "holds")) ? 0 : 1;
}
