import * as assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { nodesOf, volumesOf } from "./support/machine.ts";
import { RunFailed, TestStack } from "./support/stack.ts";

describe("wrong settings", () => {
  let stack: TestStack;

  before(async () => {
    stack = await TestStack.create("bad", {
      mtlsMode: "STRIKT",
      gatewayTls: "SIMPEL",
      httpPort: 70000,
      host: "*.local",
      echoImage: "registry.example/echo",
      gatewayTsl: "SIMPLE",
      services: [
        { name: "users" },
        { name: "users" },
        { name: "user-orders", prefix: "/users/all" },
      ],
    });
  });

  after(() => stack?.remove());

  const refused = async (): Promise<string> => {
    try {
      await stack.preview();
    } catch (e) {
      assert.ok(e instanceof RunFailed);
      return `${e.errors}\n${e.message}`;
    }
    return assert.fail("the preview was not refused");
  };

  it("are told all at once, each with what is allowed and how to fix it", async () => {
    const text = await refused();
    const problems = [
      /mtlsMode is "STRIKT"\s+allowed: one of PERMISSIVE, STRICT, DISABLE\s+fix: +pulumi config set/,
      /gatewayTls is "SIMPEL"\s+allowed: one of NONE, SIMPLE, MUTUAL\s+fix: +pulumi config set/,
      /httpPort is 70000\s+allowed: a port from 1 to 65535\s+fix: +pulumi config set/,
      /host is "\*\.local"\s+allowed: a DNS name/,
      /echoImage is "registry\.example\/echo"\s+allowed: an image with a tag/,
      /gatewayTsl is set\s+allowed: .*did you mean gatewayTls\?\s+fix: +in \S+, write bankmesh:gatewayTls/,
      /services\[1\]\.name is "users"\s+allowed: a name of its own/,
      /services\[2\]\.prefix is "\/users\/all"\s+allowed: a path that neither holds nor lies in \/users/,
    ];
    for (const problem of problems) assert.match(text, problem);
    assert.match(text, /has 8 problems; nothing was touched/);
  });

  it("touch nothing: no resource, no container, no volume", async () => {
    assert.deepEqual(await stack.resources(), []);
    assert.deepEqual(nodesOf(stack.clusterName), []);
    assert.deepEqual(volumesOf(stack.clusterName), []);
  });

  it("are refused by up as well", async () => {
    await assert.rejects(stack.up(), /has 8 problems; nothing was touched/);
    assert.deepEqual(await stack.resources(), []);
    assert.deepEqual(nodesOf(stack.clusterName), []);
  });
});
