import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import * as path from "node:path";
import { describe, test } from "node:test";
import server from "@pulumi/policy/server.js";
import rpc from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import messages, { type AnalyzeRequest } from "@pulumi/pulumi/proto/analyzer_pb.js";
import "../../policies/guardrails/lean-policy.ts";
import { root } from "./support/settings.ts";

const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const secretMark = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };
const { Struct } = createRequire(import.meta.resolve("@pulumi/policy"))(
  "google-protobuf/google/protobuf/struct_pb.js",
) as {
  readonly Struct: {
    fromJavaScript(value: object): Parameters<AnalyzeRequest["setProperties"]>[0];
  };
};

/** A request of the engine as it comes over the wire. */
function request(props: object): Buffer {
  const made = new messages.AnalyzeRequest();
  made.setType("a:b:C");
  made.setUrn("urn");
  made.setOptions(new messages.AnalyzerResourceOptions());
  made.setProperties(Struct.fromJavaScript(props));
  return rpc.AnalyzerService.analyze.requestSerialize(made);
}

interface Seen {
  readonly props: Readonly<Record<string, unknown>>;
}
type Answer = { toObject(): { diagnosticsList: { message: string; enforcementlevel: number }[] } };
type Handler = (call: object, done: (error: unknown, answer: Answer) => void) => void;
type MakeHandler = (name: string, version: string, level: string, policies: object[]) => Handler;

/** What a pack of these checks answers. */
function ask(call: "analyze" | "remediate", props: object, ...checks: ((of: Seen) => void)[]) {
  const make = Reflect.get(
    server,
    call === "analyze" ? "makeAnalyzeRpcFun" : "makeRemediateRpcFun",
  ) as MakeHandler;
  const policies = checks.map((validateResource, i) => {
    return { name: `p${i}`, description: "d", enforcementLevel: "mandatory", validateResource };
  });
  const message = rpc.AnalyzerService[call].requestDeserialize(request(props));
  return new Promise<Answer>((resolve, reject) => {
    make(
      "pack",
      "1",
      "mandatory",
      policies,
    )({ request: message }, (error, answer) => {
      if (error instanceof Error) reject(error);
      else resolve(answer);
    });
  });
}

describe("lean-policy", () => {
  test("all rules get one copy of what a resource is, its secrets as plain values", async () => {
    const seen: unknown[] = [];
    const props = { a: [{ b: 1 }], c: { ...secretMark, value: "s" } };
    const look = (args: Seen) => void seen.push(args.props);
    await ask("analyze", props, look, look);
    assert.equal(seen.length, 2);
    assert.equal(seen[0], seen[1]);
    assert.deepEqual(seen[0], { a: [{ b: 1 }], c: "s" });
    await ask("analyze", { a: 2 }, look);
    assert.deepEqual(seen[2], { a: 2 }, "another message is another resource");
  });

  test("what is not known yet is still advice, wherever it stands, and all else is still read", async () => {
    const read: unknown[] = [];
    const answer = await ask(
      "analyze",
      { known: "k", deep: [{ later: unknownText }] },
      ({ props }) => void read.push(props.known),
      ({ props }) => void read.push((props.deep as { later: string }[])[0]!.later),
    );
    assert.deepEqual(read, ["k"]);
    const [told, ...more] = answer.toObject().diagnosticsList;
    assert.deepEqual(more, []);
    assert.match(told!.message, /deep\.0\.later can't be known during preview/);
    assert.equal(told!.enforcementlevel, messages.EnforcementLevel.ADVISORY);
  });

  test("nothing is mended, and nothing is read for it", async () => {
    const answer = await ask("remediate", { a: 1 }, () => assert.fail());
    assert.deepEqual(Reflect.get(answer.toObject(), "remediationsList"), []);
    const message = rpc.AnalyzerService.remediate.requestDeserialize(request({ a: 1 }));
    assert.equal(message.getProperties(), undefined);
  });
});

describe("lean-start of the pack", () => {
  const start = (...options: string[]) => {
    const program = `
      process.chdir("policies/guardrails");
      process.argv = [process.execPath, "run-policy-pack", "127.0.0.1:1", "."];
      const { createRequire } = await import("node:module");
      const require = createRequire(process.cwd() + "/");
      const log = console.log;
      console.log = (port) => {
        const loaded = (name) => Object.keys(require.cache).some((file) => file.includes(name));
        log(/^\\d+$/.test(port), loaded("ts-node@"), loaded("/automation/"));
        process.exit(0);
      };
      require("@pulumi/pulumi/cmd/run-policy-pack");`;
    return spawnSync(process.execPath, [...options, "--input-type=module", "-e", program], {
      cwd: root,
      encoding: "utf8",
      timeout: 120_000,
    }).stdout.trim();
  };

  test("the pack is served, and the SDK has loaded neither compiler nor what programs alone ask for", () => {
    const own = path.join(root, "policies", "guardrails", "lean-start.ts");
    assert.equal(start("--import", own), "true false false");
    assert.equal(start(), "true true true", "the control, without lean-start");
  });
});
