import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { UserError } from "../../scripts/errors.ts";
import { readForced } from "../../scripts/setup/index.ts";
import { officialAddresses, silentHosts } from "../../scripts/setup/hosts.ts";
import { downloads, findSum } from "../../scripts/setup/official.ts";
import { chooseRoute, describeRoute, type Facts } from "../../scripts/setup/route.ts";
import { compareVersions, isGood } from "../../scripts/setup/tools.ts";

const good = { version: "9.9.9", good: true, wanted: "any" };
const missing = { good: false, wanted: "any" };
const withTools: Facts = {
  tools: { pulumi: good, kind: good, kubectl: good },
  missingPlugins: [],
  silentHosts: [],
};
const bare: Facts = {
  tools: { pulumi: missing, kind: missing, kubectl: missing },
  silentHosts: [],
};
const hosts = ["get.pulumi.com", "github.com"];

describe("route", () => {
  const cases: readonly [string, Facts, string, string][] = [
    ["own tools and hosts that answer", withTools, "path", "official"],
    ["own tools win where no host answers", { ...withTools, silentHosts: hosts }, "path", "airgap"],
    ["nothing installed, hosts answer", bare, "official", "official"],
    ["nothing installed, no host answers", { ...bare, silentHosts: hosts }, "airgap", "airgap"],
    [
      "a plugin is missing, hosts are silent",
      {
        ...withTools,
        missingPlugins: [{ name: "tls", version: "5.6.1" }],
        silentHosts: hosts,
      },
      "airgap",
      "airgap",
    ],
    ["forced air-gapped", { ...withTools, forced: "airgap" }, "airgap", "airgap"],
    ["forced official", { ...bare, forced: "official" }, "official", "official"],
    ["forced official with own tools", { ...withTools, forced: "official" }, "path", "official"],
  ];
  for (const [name, facts, tools, sources] of cases) {
    test(name, () => {
      const route = chooseRoute(facts);
      assert.deepEqual([route.tools, route.sources], [tools, sources]);
    });
  }

  test("own CLI and plugins win where another tool is missing, which alone comes from the toolbox", () => {
    const tools = { ...withTools.tools, kubectl: { ...withTools.tools.kubectl, good: false } };
    const route = chooseRoute({ ...withTools, tools, silentHosts: hosts });
    assert.deepEqual([route.tools, route.sources, route.lacks], ["path", "airgap", ["kubectl"]]);
  });

  test("the line names who did not answer", () => {
    const line = describeRoute(chooseRoute({ ...bare, silentHosts: hosts }));
    assert.equal(line, "route: air-gapped, because get.pulumi.com and github.com did not answer");
  });

  test("BANKMESH_ROUTE takes two values", () => {
    assert.equal(readForced({ BANKMESH_ROUTE: "airgap" }), "airgap");
    assert.equal(readForced({ BANKMESH_ROUTE: "" }), undefined);
    assert.throws(() => readForced({ BANKMESH_ROUTE: "air-gap" }), UserError);
  });
});

describe("tools", () => {
  test("versions that will do", () => {
    assert.ok(isGood("pulumi", "3.250.0") && isGood("pulumi", "3.275.1"));
    assert.ok(!isGood("pulumi", "3.249.9") && !isGood("pulumi", "4.0.0"));
    assert.ok(isGood("kind", "0.33.0") && isGood("kind", "1.0.0") && !isGood("kind", "0.32.9"));
    assert.ok(isGood("kubectl", "1.33.9") && isGood("kubectl", "1.35.0"));
    assert.ok(!isGood("kubectl", "1.32.0") && !isGood("kubectl", "1.36.0"));
    assert.ok(compareVersions("1.10.0", "1.9.9") > 0);
  });

  test("official downloads are named as their vendors do", () => {
    const urls = downloads("linux", "x64").map((d) => d.url.split("/").slice(2));
    assert.deepEqual(
      urls.map((u) => [u[0], u.at(-1)]),
      [
        ["get.pulumi.com", "pulumi-v3.250.0-linux-x64.tar.gz"],
        ["github.com", "kind-linux-amd64"],
        ["dl.k8s.io", "kubectl"],
        ["github.com", "istioctl-1.31.1-linux-amd64.tar.gz"],
        ["get.helm.sh", "helm-v3.22.0-linux-amd64.tar.gz"],
      ],
    );
    assert.match(downloads("darwin", "arm64")[1]!.url, /kind-darwin-arm64$/);
    assert.match(downloads("darwin", "arm64")[3]!.url, /istioctl-1.31.1-osx-arm64.tar.gz$/);
    assert.throws(() => downloads("win32", "x64"), UserError);
  });

  test("the route is decided by what every command needs, each host asked once", () => {
    const asked = officialAddresses().map((address) => new URL(address).host);
    const needed = ["get.pulumi.com", "github.com", "dl.k8s.io", "blob.istio.io"];
    assert.deepEqual(asked, [...needed, "registry-1.docker.io"]);
  });

  test("a sum is found by the file's name, or stands alone", () => {
    const sum = "a".repeat(64);
    assert.equal(findSum(`${sum}  kind-linux-amd64\n`, "kind-linux-amd64"), sum);
    assert.equal(findSum(`${"b".repeat(64)}  x\n${sum} *y`, "y"), sum);
    assert.equal(findSum(`${sum}\n`, "kubectl"), sum);
    assert.equal(findSum(`${sum}  other\n`, "kubectl"), undefined);
    assert.equal(findSum("<html>\n", "kubectl"), undefined);
  });
});

describe("hosts", () => {
  test("who refuses, fails or says nothing is silent; a 404 is an answer", async () => {
    const server = createServer((request, response) => {
      if (request.url === "/hang") return;
      response.writeHead(Number(request.url?.slice(1)) || 200).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      assert.deepEqual(await silentHosts([`${at}/200`, `${at}/404`, `${at}/401`], 2000), []);
      assert.equal((await silentHosts([`${at}/hang`, `${at}/502`, `${at}/403`], 300)).length, 3);
      assert.deepEqual(await silentHosts(["http://127.0.0.1:1/"], 300), ["127.0.0.1:1"]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
