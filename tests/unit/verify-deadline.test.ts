import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { curlScript } from "../../verify/callers/curl.ts";
import { PodCallers } from "../../verify/callers/pods.ts";
import { Deadline } from "../../verify/deadline.ts";
import type { Evidence } from "../../verify/evidence.ts";
import { Kubectl } from "../../verify/kubectl.ts";
import type { PodRequest, ProbeRequest } from "../../verify/probe.ts";
import { allProbes } from "../../verify/probes/index.ts";
import { type RoundSender, runProbes } from "../../verify/runner.ts";
import { roundSender } from "../../verify/sender.ts";
import { makeStrangers } from "../../verify/strangers.ts";
import { settings } from "./support/settings.ts";

const s = settings({ mtlsMode: "STRICT", services: [{ name: "users" }] });
const target = {
  ...{ settings: s, podAddresses: { users: "10.244.0.9" } },
  twin: { service: "users", namespace: "verify-1", podAddress: "10.244.0.12" },
};
const probes = (...ids: string[]) => allProbes.filter((p) => ids.includes(p.id));
const ok: Evidence = { at: "", seconds: 0.1, body: "", message: "", exitCode: 0, status: 200 };
const never = () => new Promise<never>(() => undefined);
const noToken = () => assert.fail("none of these brings a token");
const pod = (url: string): PodRequest => ({ from: "plain", url });

/** Seconds that some work took, and what came of it. */
async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const begun = performance.now();
  const result = await work();
  return [(performance.now() - begun) / 1000, result];
}

describe("a run whose time is up", () => {
  const limited = { limitSeconds: 0.4, patienceSeconds: 0 };
  const run = (send: RoundSender, options = {}, asked = probes("M3", "M4")) =>
    runProbes(asked, target, {} as never, send, { ...limited, ...options });

  it("does not wait for a round that nobody answers", async () => {
    const silent = roundSender({
      pods: { sendUntil: never },
      ...{ host: { send: never }, tools: { askAll: never }, makeToken: noToken },
    });
    const [seconds, outcomes] = await timed(() => run(silent));
    assert.ok(seconds < 3, `${seconds} s`);
    assert.deepEqual(
      outcomes.map((o) => [o.id, o.verdict]),
      [
        ["M3", "inconclusive"],
        ["M4", "inconclusive"],
      ],
    );
    for (const o of outcomes) {
      assert.match(o.text, /^time was up: nothing was answered within 0\.\d s$/);
      assert.match(o.evidence.message, /before time was up/);
    }
  });

  it("judges what was answered in the round that it cuts short", async () => {
    const [m3] = probes("M3");
    const asked = m3!.send(target, "users") as PodRequest;
    const half = roundSender({
      pods: {
        sendUntil: (_deadline, _kind, requests, _make, answered) => {
          for (const r of requests)
            if (r.url === asked.url && r.from === asked.from)
              answered(r, { ...ok, xfcc: "By=a;URI=spiffe://caller" });
          return never();
        },
      },
      ...{ host: { send: never }, tools: { askAll: never }, makeToken: noToken },
    });
    const identities = { caller: "spiffe://caller" } as never;
    const options = { ...limited, samples: 1 };
    const outcomes = await runProbes(probes("M3", "M4"), target, identities, half, options);
    assert.deepEqual(
      outcomes.map((o) => o.verdict),
      ["holds", "inconclusive"],
    );
  });

  it("says how many answers there were where they were too few, and keeps them", async () => {
    let rounds = 0;
    const once: RoundSender = async (requests, deadline) => {
      if (rounds++ === 0) return new Map(requests.map((r) => [r, ok]));
      await deadline.bound(never());
      return new Map();
    };
    const [m4] = await run(once, {}, probes("M4"));
    assert.deepEqual([m4!.verdict, m4!.samples, m4!.evidence.status], ["inconclusive", 1, 200]);
    assert.match(m4!.text, /^time was up after 1 answer: last expected tls-required/);
  });

  it("gives each round what is left of it", async () => {
    const left: number[] = [];
    const slow: RoundSender = async (requests, deadline) => {
      left.push(deadline.left);
      await sleep(100);
      return new Map(requests.map((r) => [r, ok]));
    };
    await run(slow, { samples: 2 }, probes("M4"));
    assert.ok(left[0]! <= 0.4 && left[1]! < left[0]! - 0.09, left.join());
  });
});

describe("callers whose time is up", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "verify-deadline-"));
  const log = path.join(folder, "log");
  // exec never answers; all else is written down
  fs.writeFileSync(
    path.join(folder, "kubectl"),
    `#!/bin/sh\ncase "$*" in *" exec "*) exec sleep 60;; *) echo "$*" >>"${log}";; esac\n`,
    { mode: 0o755 },
  );
  const kubectl = new Kubectl("the kubeconfig", { PATH: `${folder}:/usr/bin:/bin` });
  after(() => {
    kubectl.close();
    fs.rmSync(folder, { recursive: true });
  });

  it("end a batch that nobody answers, begin no other, and can be taken away", async () => {
    const { selfSigned } = makeStrangers();
    const callers = new PodCallers({ kubectl, settings: s, image: "curl:1", selfSigned });
    const requests = Array.from({ length: 200 }, (_, i) => pod(`http://users/${i}`));
    const deadline = new Deadline(2.5);
    const answered: ProbeRequest[] = [];
    const [seconds] = await timed(() =>
      callers.sendUntil(deadline, "plain", requests, noToken, (r) => answered.push(r)),
    );
    assert.ok(seconds < 10, `${seconds} s`);
    assert.deepEqual(answered, []);
    await callers.close();
    const deletions = fs.readFileSync(log, "utf8").trim().split("\n");
    // no namespace was brought
    assert.equal(deletions.length, 1);
    for (const line of deletions) assert.match(line, / delete /);
  });

  it("still throw what goes wrong before", async () => {
    const { selfSigned } = makeStrangers();
    const failing = { run: () => Promise.reject(new Error("no such pod")) } as unknown as Kubectl;
    const callers = new PodCallers({
      ...{ kubectl: failing, settings: s },
      image: "c",
      selfSigned,
    });
    const deadline = new Deadline(60);
    const sent = callers.sendUntil(deadline, "plain", [pod("http://users/")], noToken, () => 0);
    await assert.rejects(sent, /no such pod/);
    deadline.close();
  });

  it("have scripts that end in time, where there is a tool for that", () => {
    const asked = [{ request: pod("http://users/"), requestId: "1" }];
    assert.match(curlScript(asked, "--b", undefined, 7), /l="timeout 7"[^]*\$l curl --silent/);
    assert.doesNotMatch(curlScript(asked, "--b"), /timeout|\$l/);
  });
});

describe("a probe with a patience of its own", () => {
  const synced = probes("O6-synced");
  const identities = {} as never;
  const answers = (stale: number): RoundSender => {
    let asked = 0;
    return async (requests) => {
      const findings = asked++ < stale ? ["b.bank: Listener is STALE"] : [];
      return new Map(requests.map((r) => [r, { ...ok, findings }]));
    };
  };

  it("is asked again until all is well, and says how long that took", async () => {
    assert.equal(synced[0]!.patienceSeconds, 60);
    const [outcome] = await runProbes(synced, target, identities, answers(3));
    assert.deepEqual([outcome!.verdict, outcome!.samples], ["holds", 4]);
    assert.match(outcome!.text, /^answered, after 0\.\d s$/);
  });

  it("fails when it is over, and says so", async () => {
    const impatient = synced.map((p) => ({ ...p, patienceSeconds: 0.5 }));
    const [outcome] = await runProbes(impatient, target, identities, answers(Infinity));
    assert.equal(outcome!.verdict, "fails");
    assert.match(outcome!.text, /^still after 0\.\d s: b\.bank: Listener is STALE$/);
  });

  it("has none where the run says so, and never more than the run's limit", async () => {
    const none = { patienceSeconds: 0 };
    const [first] = await runProbes(synced, target, identities, answers(Infinity), none);
    assert.deepEqual([first!.verdict, first!.samples], ["fails", 1]);
    const limited = runProbes(synced, target, identities, answers(9e9), { limitSeconds: 0.5 });
    const [seconds, [second]] = await timed(() => limited);
    assert.ok(seconds < 3);
    assert.equal(second!.verdict, "fails");
  });
});
