import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import { root } from "./support/settings.ts";

/** What a program of its own prints. */
function run(program: string, ...options: string[]) {
  const result = spawnSync(process.execPath, [...options, "--input-type=module", "-e", program], {
    cwd: root,
    encoding: "utf8",
  });
  return { ...result, printed: result.stdout.trim() };
}

describe("lean-start", () => {
  const load = `
    import { createRequire } from "node:module";
    const require = createRequire(process.cwd() + "/index.ts");
    const pulumi = require("@pulumi/pulumi");
    const compilers = () => Object.keys(require.cache).filter((f) => f.endsWith("/typescript.js")).length;
    const seen = [compilers()];
  `;

  test("the SDK is loaded without a compiler", () => {
    const say = `${load} console.log(seen.join());`;
    assert.equal(run(say, "--import", "./lean-start.ts").printed, "0");
    assert.equal(run(say).printed, "1", "the control, without lean-start");
  });

  test("the SDK still asks for what is put off in these words", () => {
    const start = fs.readFileSync(
      path.join(root, "node_modules/@pulumi/pulumi/cmd/run/index.js"),
      "utf8",
    );
    assert.match(start, /require\("\.\.\/\.\.\/runtime\/closure\/v8Hooks"\)/);
    assert.match(start, /require\("source-map-support\/register"\)/);
  });

  test("the compiler is there for a program that sends a function", () => {
    const { printed, stderr } = run(
      `${load}
      const { text } = await pulumi.runtime.serializeFunction(() => 6 * 7);
      console.log(seen.join(), compilers(), text.includes("6 * 7"));`,
      "--import",
      "./lean-start.ts",
    );
    assert.equal(printed, "0 1 true", stderr);
  });
});

describe("lean-sdk", () => {
  test("a promise that never ends is still reported, and fails the run", () => {
    const { status, stderr } = run(`
      await import("./lean-sdk.ts");
      const { default: debuggable } = await import("@pulumi/pulumi/runtime/debuggable.js");
      void debuggable.debuggablePromise(new Promise(() => {}), "of the test");
    `);
    assert.equal(status, 1);
    assert.match(stderr, /unresolved|leak/i);
  });

  test("answers of the engine are no text that nobody reads, but where the SDK is debugged", () => {
    const program = `
      await import("./lean-sdk.ts");
      const { default: messages } = await import("@pulumi/pulumi/proto/resource_pb.js");
      const answer = new messages.RegisterResourceResponse();
      answer.setUrn("urn:pulumi:x");
      const read = messages.RegisterResourceResponse.deserializeBinary(answer.serializeBinary());
      console.log(String(read), read.getUrn());
    `;
    assert.equal(run(program).printed, "(left out) urn:pulumi:x");
    const debugged = `process.env.BANKMESH_DEBUG_SDK = "1"; ${program}`;
    assert.match(run(debugged).printed, /^urn:pulumi:x.* urn:pulumi:x$/);
  });

  test("errors keep their stack", () => {
    const { printed } = run(`
      await import("./lean-sdk.ts");
      const { default: debuggable } = await import("@pulumi/pulumi/runtime/debuggable.js");
      await debuggable.debuggablePromise(Promise.resolve(), "of the test");
      console.log(new Error("x").stack.split("\\n").length > 1);
    `);
    assert.equal(printed, "true");
  });
});
