import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CommandSpec, helpText, parseArguments, usageLine } from "../../scripts/arguments.ts";
import { UserError } from "../../scripts/errors.ts";
import { nearest } from "../../settings/nearest.ts";

const spec: CommandSpec = {
  name: "preview",
  usage: "npm run preview",
  summary: "Shows what would change.",
  positional: "[stack]",
  options: [
    { name: "diff", help: "each property" },
    { name: "only", value: "<pattern>", help: "some" },
  ],
};

function refusal(args: readonly string[], from: CommandSpec = spec): string {
  try {
    parseArguments(from, args);
  } catch (e) {
    assert.ok(e instanceof UserError);
    return e.message;
  }
  return assert.fail("nothing was refused");
}

describe("arguments", () => {
  test("takes the stack and the options, in any order", () => {
    const parsed = parseArguments(spec, ["--diff", "staging", "--only=bank", "--only", "edge"]);
    assert.deepEqual(parsed.positional, ["staging"]);
    assert.deepEqual(parsed.flags, { diff: true, only: "edge" });
    assert.equal(parsed.help, false);
  });

  test("--help and -h ask for help, whatever else is there", () => {
    assert.equal(parseArguments(spec, ["a", "b", "--help"]).help, true);
    assert.equal(parseArguments(spec, ["-h"]).help, true);
  });

  test("an unknown option is refused with the nearest one", () => {
    assert.match(refusal(["--dif"]), /unknown option --dif: did you mean --diff\?/);
    assert.match(refusal(["--elephant"]), /there are --diff, --only, --help/);
    assert.match(refusal(["-y"]), /unknown option -y/);
  });

  test("a value too few or too many is refused", () => {
    assert.match(refusal(["--only"]), /--only needs a value: --only <pattern>/);
    assert.match(refusal(["--diff=yes"]), /--diff takes no value/);
  });

  test("more arguments than the command takes are refused with its usage", () => {
    assert.match(refusal(["dev", "prod"]), /unexpected argument "prod"; usage: npm run preview/);
  });

  test("a command that passes on reads nothing, but tells about itself when called bare", () => {
    const passing = { ...spec, passthrough: true };
    assert.deepEqual(parseArguments(passing, ["kubectl", "--help"]).positional, [
      "kubectl",
      "--help",
    ]);
    assert.equal(parseArguments(passing, ["kubectl", "--help"]).help, false);
    assert.equal(parseArguments(passing, []).help, true);
  });

  test("help names usage and every option", () => {
    assert.equal(usageLine(spec), "npm run preview -- [stack] [--diff] [--only <pattern>]");
    assert.match(helpText(spec), /--only <pattern> {2}some/);
    assert.equal(usageLine({ ...spec, positional: undefined, options: [] }), "npm run preview");
  });

  test("the nearest word has to be near", () => {
    assert.equal(nearest("stagng", ["dev", "staging", "prod"]), "staging");
    assert.equal(nearest("Prod", ["dev", "staging", "prod"]), "prod");
    assert.equal(nearest("quality", ["dev", "staging", "prod"]), undefined);
    assert.equal(nearest("x", []), undefined);
  });
});
