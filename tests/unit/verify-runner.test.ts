import * as assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findLine, parseAccessLog } from "../../verify/access-log.ts";
import { type CurlRequest, curlScript, readCurlOutput } from "../../verify/callers/curl.ts";
import { callerObjects, twinObjects, twinOf } from "../../verify/callers/objects.ts";
import type { Evidence } from "../../verify/evidence.ts";
import { type ProbeRequest, type ProbeTarget, controlOf, isNegative } from "../../verify/probe.ts";
import { allProbes, probesFor } from "../../verify/probes/index.ts";
import { runProbes } from "../../verify/runner.ts";
import { type Settings, gatewayTlsModes, mtlsModes, settingsSchema } from "../../settings/index.ts";

const settings = (values: object = {}): Settings => settingsSchema.parse(values);
const identities = {
  caller: "spiffe://c",
  gateway: "spiffe://g",
  service: (name: string) => `spiffe://${name}`,
  client: (name: string) => name,
};
const evidence = (part: Partial<Evidence>): Evidence => ({
  ...{ at: "2026-11-22T00:00:00.000Z", seconds: 0.1, body: "", message: "" },
  ...part,
});
const target = (s: Settings): ProbeTarget => ({
  settings: s,
  podAddresses: { users: "10.244.0.9", orders: "10.244.0.10", payments: "10.244.0.11" },
  twin: { service: "users", namespace: "verify-1", podAddress: "10.244.0.12" },
});

describe("the catalogue", () => {
  it("has each id once", () => {
    const ids = allProbes.map((p) => p.id);
    assert.deepEqual([...new Set(ids)], ids);
  });

  for (const mtlsMode of mtlsModes) {
    for (const gatewayTls of gatewayTlsModes) {
      it(`asks something in ${mtlsMode} and ${gatewayTls}, and every refusal has a control`, () => {
        const s = settings({ mtlsMode, gatewayTls });
        const probes = probesFor(s);
        assert.ok(
          probes.some((p) => p.id.startsWith("M")) && probes.some((p) => p.id.startsWith("E")),
        );
        for (const probe of probes) {
          for (const item of probe.each?.(s) ?? [""]) {
            const request = probe.send(target(s), item);
            if (!isNegative(probe.expect(s, item))) continue;
            const control = controlOf(probe, s, item);
            assert.ok(control, `${probe.id} has no control`);
            assert.notDeepEqual(control.send(target(s), item), request, probe.id);
          }
        }
      });
    }
  }

  it("follows the mode of each service and port", () => {
    const s = settings({
      mtlsMode: "STRICT",
      workloadMtls: [{ service: "orders", mode: "PERMISSIVE", ports: { "8080": "DISABLE" } }],
    });
    const asked = (id: string) => allProbes.find((p) => p.id === id)!.each!(s);
    assert.deepEqual(asked("M4"), ["users", "payments"]);
    assert.deepEqual(asked("M8"), ["orders"]);
    assert.deepEqual(asked("M1"), []);
  });
});

describe("the runner", () => {
  const s = settings({ mtlsMode: "STRICT", services: [{ name: "users" }] });
  const m4 = allProbes.filter((p) => p.id === "M4");
  const ok = evidence({ exitCode: 0, status: 200 });
  const reset = evidence({
    exitCode: 56,
    message: "curl: (56) Recv failure: Connection reset by peer",
  });

  it("takes answers until they are stable, probe and control in one round", async () => {
    let round = 0;
    const outcomes = await runProbes(m4, target(s), identities, async (requests) => {
      round++;
      assert.equal(requests.length, 2);
      const [probe, control] = requests;
      return new Map([
        [probe!, round < 3 ? ok : reset],
        [control!, ok],
      ]);
    });
    assert.equal(outcomes[0]!.verdict, "holds");
    assert.equal(outcomes[0]!.samples, 5);
  });

  it("ends without a callback, and calls a wrong answer wrong", async () => {
    const options = { patienceSeconds: 0.5, limitSeconds: 5 };
    const outcomes = await runProbes(
      m4,
      target(s),
      identities,
      async (requests) => new Map(requests.map((r) => [r, ok])),
      options,
    );
    assert.equal(outcomes[0]!.verdict, "fails");
  });

  it("does not take three right answers in a row for stable after a wrong one between right ones", async () => {
    /** Answers one after the other: over and over, or the last one on and on. */
    const run = async (answers: string, again: boolean, patienceSeconds = 5) => {
      let round = 0;
      const send = async (requests: readonly ProbeRequest[]) => {
        const n = round++;
        const at = again ? n % answers.length : Math.min(n, answers.length - 1);
        const right = answers[at] === "r";
        return new Map(requests.map((r, i) => [r, i === 0 && right ? reset : ok]));
      };
      const options = { patienceSeconds };
      return (await runProbes(m4, target(s), identities, send, options))[0]!;
    };
    // one replica of two is open
    const open = await run("rrw", true, 0.5);
    assert.equal(open.verdict, "inconclusive");
    assert.match(open.text, /^not stable, \d+ times wrong after it was right/);
    // while configuration comes: wrong at first, once more, or again and again for a while
    assert.equal((await run("wwr", false)).samples, 5);
    const flapped = await run("rwr", false);
    assert.equal(flapped.verdict, "holds");
    assert.equal(flapped.samples, 8);
    const late = await run("rwrwrwr", false);
    assert.equal(late.verdict, "holds");
    assert.equal(late.samples, 30);
  });

  it("calls an answer that never settles inconclusive", async () => {
    let round = 0;
    const options = { samples: 3, patienceSeconds: 0.2, limitSeconds: 1 };
    const outcomes = await runProbes(
      m4,
      target(s),
      identities,
      async (requests) => new Map(requests.map((r, i) => [r, i === 0 && round++ % 2 ? reset : ok])),
      options,
    );
    assert.equal(outcomes[0]!.verdict, "inconclusive");
    assert.match(outcomes[0]!.text, /^not stable/);
  });
});

describe("the callers", () => {
  it("are hardened, and differ in their sidecar", () => {
    const objects = callerObjects({ run: "a1", namespace: "bank", image: "curl:1" }, [
      "mesh",
      "plain",
      "as orders",
    ]);
    const pods = objects.filter((o) => o.kind === "Pod");
    const inject = pods.map(
      (p) => (p.metadata.labels as Record<string, string>)["sidecar.istio.io/inject"],
    );
    assert.deepEqual(inject, ["true", "false", "true"]);
    const accounts = pods.map((p) => (p.spec as { serviceAccountName: string }).serviceAccountName);
    assert.deepEqual(accounts, ["curl-a1", "curl-plain-a1", "orders-sa"]);
    assert.deepEqual(
      objects.map((o) => o.kind),
      ["Namespace", "ServiceAccount", "Pod", "Service", "ServiceAccount", "Pod", "Pod"],
      "a service's account is there already, and one caller can be called",
    );
    assert.deepEqual(
      pods.map((p) => p.metadata.namespace),
      ["bank", "verify-a1-outside", "bank"],
      "who has no sidecar stands outside the mesh",
    );
    assert.equal(objects[0]!.metadata.name, "verify-a1-outside");
    for (const pod of pods) {
      const spec = pod.spec as {
        securityContext: object;
        containers: { securityContext: object }[];
      };
      assert.equal((spec.securityContext as { runAsNonRoot: boolean }).runAsNonRoot, true);
      assert.deepEqual(spec.containers[0]!.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    }
  });

  it("twins are the same but for their namespace and its policy", () => {
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: "users",
        namespace: "bank",
        labels: { app: "users" },
        resourceVersion: "7",
      },
      spec: {
        clusterIP: "10.96.0.9",
        clusterIPs: ["10.96.0.9"],
        selector: { app: "users" },
        ports: [],
      },
      status: {},
    };
    assert.deepEqual(twinOf(service, "verify-a1"), {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "users", namespace: "verify-a1", labels: { app: "users" } },
      spec: { selector: { app: "users" }, ports: [] },
    });
    const objects = twinObjects({ run: "a1", namespace: "verify-a1", originals: [service] });
    assert.deepEqual(objects[1]!.spec, { mtls: { mode: "PERMISSIVE" } });
  });

  it("twins have a twin without a policy where the mesh has a default-deny", () => {
    const labels = { app: "users", version: "v1" };
    const metadata = { name: "users", namespace: "bank", labels: { app: "users" } };
    const originals = [
      { apiVersion: "v1", kind: "ServiceAccount", metadata },
      { apiVersion: "v1", kind: "Service", metadata, spec: { selector: { app: "users" } } },
      {
        ...{ apiVersion: "apps/v1", kind: "Deployment", metadata },
        spec: {
          selector: { matchLabels: { app: "users" } },
          template: { metadata: { labels }, spec: { serviceAccountName: "users-sa" } },
        },
      },
    ];
    const twins = twinObjects({
      ...{ run: "a1", namespace: "verify-a1", originals, meshDefaultDeny: true },
    });
    const policies = twins.filter((o) => o.kind === "AuthorizationPolicy");
    assert.deepEqual(
      policies.map((o) => o.spec),
      [{ selector: { matchLabels: { app: "users" } }, action: "ALLOW", rules: [{}] }],
    );
    const app = "users-ruleless";
    const [service, deployment] = twins.filter((o) => o.metadata.name === app);
    assert.deepEqual(service!.spec, { selector: { app } });
    const { selector, template } = deployment!.spec as {
      selector: object;
      template: { metadata: object; spec: { serviceAccountName: string } };
    };
    assert.deepEqual(selector, { matchLabels: { app } });
    assert.deepEqual(template.metadata, { labels: { app, version: "v1" } });
    assert.equal(template.spec.serviceAccountName, "users-sa");
  });

  const boundary = "--b";
  const at = "2026-11-22T00:00:00.000Z";
  const named = (...ids: string[]): CurlRequest[] =>
    ids.map((requestId) => ({ requestId, request: { from: "plain", url: "http://users/" } }));

  it("read what curl said, block by block", () => {
    const echo = '{"request":{"headers":{"x-forwarded-client-cert":"By=a;URI=b"}}}';
    const part = (...texts: string[]) => texts.map((t) => `${t}\n${boundary}\n`).join("");
    // bodies in their order, ends as they came
    const output =
      part("HTTP/1.1 200 OK\r\n", echo, "", "") +
      `\n${boundary} 1 56 000 0.001 40001 Recv failure: Connection reset by peer\n` +
      `\n${boundary} 0 0 200 0.012 0 \n`;
    const requests = named("1", "2", "3");
    const [first, second, third] = readCurlOutput(output.trimEnd(), boundary, requests, at);
    assert.deepEqual(first, {
      ...{ at, seconds: 0.012, body: echo, exitCode: 0, message: "", status: 200, requestId: "1" },
      xfcc: "By=a;URI=b",
      seen: { "x-forwarded-client-cert": "By=a;URI=b" },
    });
    assert.equal(second!.exitCode, 56);
    assert.equal(second!.status, undefined);
    assert.equal(second!.clientPort, 40_001);
    assert.equal(second!.message, "Recv failure: Connection reset by peer");
    assert.equal(third!.message, "the caller did not answer");
  });

  it("know when each request of a batch began: when another one of those under way had ended", () => {
    const ids = Array.from({ length: 11 }, (_, i) => String(i));
    const part = ids.map(() => `\n${boundary}\n\n${boundary}\n`).join("");
    const end = (i: number, seconds: number) => `\n${boundary} ${i} 28 000 ${seconds} 40000 late\n`;
    // of the first eight, the fourth ends first; what comes in its place ends before all others
    const ends = [end(3, 0.5), end(8, 0.25), end(0, 5), end(1, 5), end(9, 5), end(10, 5)];
    const seen = readCurlOutput(part + ends.join(""), boundary, named(...ids), at);
    const begun = seen.map((e) => (Date.parse(e.at) - Date.parse(at)) / 1000);
    assert.deepEqual(begun, [0, 0, 0, 0, 0, 0, 0, 0, 0.5, 0.75, 5]);
  });

  it("quote what they are told to send", () => {
    const script = curlScript(
      [
        {
          request: { from: "plain", url: `http://users/'; rm -rf "/tmp"; '` },
          requestId: "id",
          token: "a.b.c",
        },
      ],
      "--b",
    );
    // curl's own quotes inside the shell's
    assert.ok(script.includes(`url = "http://users/'\\''; rm -rf \\"/tmp\\"; '\\''"`));
    assert.ok(script.includes("Connection: close"));
    const command = script.split("\n").find((line) => line.includes("curl --silent"));
    assert.ok(command && !command.includes("a.b.c"), "a token in an argument");
    assert.ok(script.includes("Authorization: Bearer a.b.c"));
  });

  it("has a fragment where it stands, which curl would keep for itself", () => {
    const ticket = { tokenIn: { query: "ticket" } };
    const of = (url: string, more: object = {}) =>
      curlScript(
        [{ request: { from: "mesh", url, ...more }, requestId: "id", token: "a.b.c" }],
        "--b",
      );
    const target = (script: string) => /request-target = "(.*)"/.exec(script)?.[1];
    assert.equal(target(of("http://users:80/a/../b?x=1")), undefined);
    assert.equal(target(of("http://users:80/a/../b#x")), "/a/../b#x");
    assert.equal(target(of("http://users:80/a#x", ticket)), "/a?ticket=a.b.c#x");
  });
});

describe("the access log", () => {
  const log = parseAccessLog(
    [
      "2026-11-22T00:00:00Z info  Envoy proxy is ready",
      '{"start_time":"2026-11-22T00:00:01.000Z","path":"/","response_code":200,"request_id":"r1"}',
      '{"start_time":"2026-11-22T00:00:01.050Z","path":"/","response_code":403,"request_id":"its-own","user_agent":"bankmesh-probe/r3"}',
      '{"start_time":"2026-11-22T00:00:01.100Z","response_code":0,"response_flags":"NR","downstream_remote_address":"10.244.0.7:4711","requested_server_name":"other.local"}',
    ].join("\n"),
  );
  const at = "2026-11-22T00:00:00.900Z";

  it("is found by the request's id, and by client, name and time where HTTP did not begin", () => {
    assert.equal(
      findLine(log, { at, seconds: 0.1, status: 200, path: "/", requestId: "r1" })?.request_id,
      "r1",
    );
    assert.equal(
      findLine(log, { at, seconds: 0.1, status: 200, path: "/", requestId: "r2" }),
      undefined,
    );
    // the gateway gives a request an id of its own
    assert.equal(
      findLine(log, { at, seconds: 0.1, status: 403, path: "/", requestId: "r3" })?.request_id,
      "its-own",
    );
    assert.equal(
      findLine(log, { at, seconds: 0.1, clientAddress: "10.244.0.7" })?.response_flags,
      "NR",
    );
    assert.equal(findLine(log, { at, seconds: 0.1, clientAddress: "10.244.0.8" }), undefined);
    assert.equal(findLine(log, { at, seconds: 0.1, serverName: "app.local" }), undefined);
  });

  const refused = (port: number, start: string) => ({
    ...{ start_time: start, response_code: 0, response_flags: "NR" },
    downstream_remote_address: `10.244.0.7:${port}`,
  });
  const query = { at, seconds: 0.1, clientAddress: "10.244.0.7" };

  it("is found by the client's port where requests are alike", () => {
    const alike = [
      refused(4711, "2026-11-22T00:00:00.910Z"),
      refused(4712, "2026-11-22T00:00:00.920Z"),
    ];
    const found = (clientPort: number) => findLine(alike, { ...query, clientPort });
    assert.deepEqual(found(4712), alike[1]);
    assert.deepEqual(found(4713), undefined);
  });

  it("is not that of a request which had ended before this one began", () => {
    const earlier = refused(4711, "2026-11-22T00:00:00.850Z");
    assert.equal(findLine([earlier], query), undefined);
    const own = refused(4712, "2026-11-22T00:00:02.500Z");
    assert.deepEqual(findLine([earlier, own], query), own);
  });

  it("is found by the request's id where the client saw no answer", () => {
    const closed = { ...refused(4711, "2026-11-22T00:00:00.910Z"), request_id: "r9" };
    const others = [refused(4710, "2026-11-22T00:00:00.900Z"), { ...closed, response_code: 503 }];
    assert.equal(findLine(others, { ...query, requestId: "r9" })?.request_id, "r9");
  });
});
