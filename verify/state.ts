import { execa } from "execa";
import { root } from "../scripts/paths.ts";
import type { Stack } from "../scripts/stack/pulumi.ts";
import type { Probe } from "./probe.ts";

/** What is asked of the stack's state; only `npm run verify` has it at hand. */
export const stateProbe: Probe = {
  ...{ id: "O1", question: "Has a second npm start nothing to do?", samples: 1 },
  why: "what the program would make is what its last update made",
  applies: () => true,
  expect: () => ({ reason: "ok" }),
  send: () => ({ from: "tool", check: "unchanged" }),
};

/** Longest time of a preview, in ms. */
const timeout = 60_000;

/** Answers it: what a preview would change, one line each. */
export function unchanged(stack: Stack): () => Promise<string[]> {
  return async () => {
    // not run(): that hands signals to Pulumi, and this command has callers to take away
    const { failed, stdout, shortMessage } = await execa(
      "pulumi",
      [
        ...["preview", "--json", "--non-interactive", "--stack", stack.name],
        ...["--config-file", stack.configFile],
      ],
      {
        ...{ cwd: stack.program ?? root, env: stack.env, extendEnv: false, reject: false, timeout },
        stdin: "ignore",
      },
    );
    if (failed) throw new Error(`no preview: ${shortMessage?.split("\n")[0]}`);
    const { changeSummary = {} } = JSON.parse(stdout) as {
      changeSummary?: Readonly<Record<string, number>>;
    };
    return Object.entries(changeSummary).flatMap(([kind, n]) =>
      n > 0 && !["same", "read", "refresh"].includes(kind) ? [`${n} to ${kind}`] : [],
    );
  };
}
