import type { Command } from "./command.ts";

export const diff: Command = {
  spec: {
    name: "diff",
    usage: "npm run -s diff",
    summary:
      "Says what a change of manifests means for callers, and what opens up. Needs no cluster.",
    positional: "<base> <head>",
    maxPositional: 2,
    options: [
      { name: "stack", value: "NAME", help: "only this one (default all that either side has)" },
      { name: "output", value: "FORMAT", help: "text (default), markdown or json" },
    ],
    details: `<base> and <head> are git refs with rendered/ in them, checkouts, rendered/ folders, or one stack's folder in it.
exit codes: 0 nothing opens up, 1 something does, 2 not all of it can be judged, or wrong input`,
    usageExitCode: 2,
  },
  async run(args) {
    // slow to load for commands that do not need it
    const { main } = await import("../../meaning/main.ts");
    return main(args);
  },
};
