import { unknown } from "../../scripts/arguments.ts";
import { UserError } from "../../scripts/errors.ts";
import { allMutations } from "./index.ts";

/** How `npm run verify:mutate` was called. */
export interface MutateOptions {
  /** Ids of the mutations that are wanted. @default all */
  readonly only?: readonly string[];
  /** Ask every probe of each broken platform. */
  readonly everyProbe: boolean;
  /** Ask the unbroken platform this often, and break nothing. @default break it */
  readonly unbroken?: number;
  /** Ask fixtures beside the unbroken platform, on a kind cluster. */
  readonly fixtures: boolean;
  /** Break a cluster that the stack did not make. */
  readonly existing: boolean;
  /** Do not ask before. */
  readonly yes: boolean;
}

/** @throws UserError that names the option, what is allowed, and the nearest mutation */
export function optionsIn(flags: Readonly<Record<string, string | true>>): MutateOptions {
  const { only, unbroken } = flags;
  const idle = ["only", "all-probes"].find((name) => flags[name] !== undefined);
  if (unbroken !== undefined && idle !== undefined)
    throw new UserError(`--unbroken breaks nothing and asks all probes: leave out --${idle}`);
  if (unbroken === undefined && flags["no-fixtures"] !== undefined)
    throw new UserError(
      "--no-fixtures goes with --unbroken: mutations are asked about without any",
    );
  return {
    fixtures: flags["no-fixtures"] === undefined,
    everyProbe: flags["all-probes"] === true,
    existing: flags.existing === true,
    yes: flags.yes === true,
    ...(typeof only === "string" && { only: idsIn(only) }),
    ...(typeof unbroken === "string" && { unbroken: roundsIn(unbroken) }),
  };
}

function idsIn(text: string): string[] {
  const known = allMutations.map(({ id }) => id);
  const ids = text.split(",").map((id) => id.trim());
  const wrong = ids.find((id) => !known.includes(id));
  if (wrong !== undefined)
    throw new UserError(unknown("mutation", wrong, known, "npm run verify:mutate"));
  return ids;
}

function roundsIn(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new UserError(`--unbroken is "${text}"; allowed: how often to ask, 1 to 999`);
}
