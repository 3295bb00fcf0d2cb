/** Command line of the air-gapped route: build, inspect, prune. */
import { UserError } from "../scripts/errors.ts";
import { createReporter, duration } from "../scripts/progress.ts";
import { ensureToolbox, inspect, prune } from "./index.ts";

const usage = `Usage: node airgap/main.ts <command>

  build             build what is missing, load the node image, print where things are
  inspect [--deep]  list the pieces and their state; --deep reads every byte
  prune             remove the pieces that this checkout does not use
`;

async function main(args: readonly string[]): Promise<void> {
  const [command, ...rest] = args;
  const unknown = rest.filter((arg) => !(command === "inspect" && arg === "--deep"));
  if (unknown.length > 0) {
    throw new UserError(`Unknown argument ${unknown[0]}.\n\n${usage}`);
  }
  switch (command) {
    case "build":
      console.log(JSON.stringify(await ensureToolbox(createReporter()), null, 2));
      return;
    case "inspect":
      for (const { name, key, state, seconds } of await inspect(rest.includes("--deep"))) {
        const time = seconds === undefined ? "" : duration(seconds * 1000);
        console.log(`${name.padEnd(20)} ${key.slice(0, 12)}  ${state.padEnd(9)} ${time}`);
      }
      return;
    case "prune": {
      const removed = await prune();
      console.log(removed.length === 0 ? "nothing to remove" : removed.join("\n"));
      return;
    }
    case "--help":
    case "help":
      console.log(usage);
      return;
    default:
      throw new UserError(usage);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof UserError ? error.message : error);
  process.exitCode = 1;
});
