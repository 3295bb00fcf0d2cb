import * as assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { allProbes } from "../../verify/probes/index.ts";
import type { Probe } from "../../verify/probe.ts";
import type { Outcome } from "../../verify/runner.ts";
import type { Verifier } from "../../verify/verifier.ts";
import { table } from "../../verify/reports/terminal.ts";
import { authentication, authentications, policies, services } from "./support/access-stack.ts";
import {
  caller,
  openedProbe,
  opening,
  otherVersion,
  timeline,
  versionProbe,
} from "./support/access.ts";
import {
  bringIssuer,
  exemptPath,
  fallbackKeys,
  issuerCa,
  issuerKeys,
  issuerProbes,
  issuerServices,
  issuers,
} from "./support/issuer.ts";
import { assertAllCaught } from "./support/mutations.ts";
import { assertAllHold, idsOf, narrowed } from "./support/proof.ts";
import { TestStack } from "./support/stack.ts";
import { lines } from "./support/steps.ts";

/** All but hundreds of spellings of paths, which are asked where the rules that refuse them come and go. */
const withoutSpellings = narrowed((id) => id !== "P11");

const all = (op: string, resources: readonly string[]) => resources.map((r) => `${op} ${r}`);

describe("who may call what", () => {
  let stack: TestStack;
  let verifier: Verifier;

  before(async () => {
    stack = await TestStack.create("access", {
      mtlsMode: "STRICT",
      authentication: authentication("k1"),
      workloadMtls: [
        { service: "users", mode: "PERMISSIVE", ports: { "8081": "STRICT" } },
        { service: "quotes", ports: { "8080": "PERMISSIVE" } },
      ],
      services,
    });
    await stack.up();
    verifier = await stack.verifier();
  });

  after(async () => {
    await verifier?.close().catch(() => undefined);
    await stack?.remove();
  });

  const accounts = () =>
    ["back.office", "backxoffice"].flatMap((name) => caller(name, stack.sources.images.curl));

  it("is open to everybody while authorization is off", async () => {
    const ids = idsOf(await assertAllHold(verifier, stack));
    assert.ok(ids.includes("M3") && !ids.some((id) => /^[AJ]/.test(id)), ids.join());
    for (const id of ["M2", "M10", "M11", "M11-mesh"]) assert.ok(ids.includes(id), id);
  });

  it("takes modes port by port", async () => {
    stack.set({ workloadMtls: [{ service: "quotes", ports: { "8080": "DISABLE" } }] });
    assert.deepEqual(lines(await stack.preview()), [
      "delete PeerAuthentication security-workload-users-mtls",
      "update PeerAuthentication security-workload-quotes-mtls",
    ]);
    await stack.up();
    const m9 = allProbes.filter((p) => p.id.startsWith("M9"));
    const outcomes = await verifier.ask(await stack.subject(), {}, m9);
    assert.ok(
      outcomes.length === 2 && outcomes.every((o) => o.verdict === "holds"),
      table(outcomes),
    );
    stack.set({ workloadMtls: [] });
    await stack.up();
  });

  it("off to dry-run creates the policies, and routes for preflights; traffic passes, and the log says what would not", async () => {
    stack.set({ authorization: "dry-run" });
    assert.deepEqual(lines(await stack.preview()), [
      ...all("create", [...policies, ...authentications]),
      "update AccessControl access",
      // headers that claims are copied into are taken from preflights
      "update VirtualService edge-routes",
    ]);
    await stack.up();
    const outcomes = await assertAllHold(verifier, stack);
    const would = (be: string) => outcomes.filter((o) => o.text.endsWith(`would be ${be}`)).length;
    assert.ok(would("denied") > 20 && would("allowed") > 20, `${would("denied")} denied`);
    const bytes = outcomes.filter((o) => o.item.includes("to ledger"));
    for (const be of ["denied", "allowed"])
      assert.ok(
        bytes.some((o) => o.text.endsWith(`would be ${be}`)),
        table(bytes),
      );
    for (const id of ["J22", "J19-preflight"]) assert.ok(idsOf(outcomes).includes(id), id);
  });

  it("dry-run to enforce updates the policies alone, and each call gets what the rules say", async () => {
    stack.set({ authorization: "enforce" });
    assert.deepEqual(lines(await stack.preview()), [
      "update AccessControl access",
      ...all("update", policies),
      // its routes take tokens away where nobody needs them
      "update VirtualService edge-routes",
    ]);
    await stack.up();
    const outcomes = await assertAllHold(verifier, stack, allProbes);
    assert.ok(count(outcomes, "rbac-denied") > 60, `${count(outcomes, "rbac-denied")} refusals`);
    const bytes = outcomes.filter((o) => o.item.includes("to ledger"));
    assert.ok(count(bytes, "ok") > 0 && count(bytes, "closed") > 1, table(bytes));
    const rpcs = outcomes.filter((o) => o.item.includes("to quotes: POST, /proto."));
    assert.ok(count(rpcs, "ok") > 0 && count(rpcs, "rbac-denied") > 3, table(rpcs));
    for (const id of [
      "J1",
      "J1-needless",
      "E32",
      ...["J19-missing", "J19-preflight"],
      ...["J1-inside", "J4-inside", "J7-inside", "J9-inside", "J10-inside", "J11-inside"],
      "J3",
      "J4",
      "J5",
      "J6-open",
      "J7",
      "J9",
      "J10",
      "J11",
      "J12",
      "J15",
      "J19",
      "J23",
      ...["P1", "P2", "P3", "P5", "P6", "P7", "P9", "P9-deny", "P11", "P12", "P12-open", "A20"],
      ...["P6-open", "P7-open"],
    ])
      assert.ok(idsOf(outcomes).includes(id), id);
    assert.deepEqual(lines(await stack.preview()), []);
    assert.deepEqual(lines(await stack.drift()), []);
  });

  // Envoy lets clocks differ by 60 s; the answer turns a quarter of a minute from the first on, while other steps ask
  const inTime = async (probe: Probe) => {
    const options = { samples: 1, patienceSeconds: 30 };
    const [outcome] = await verifier.ask(await stack.subject(), options, [probe]);
    assert.equal(outcome?.verdict, "holds", outcome?.text);
  };
  let onceOver: Probe;

  it("takes a token while it lasts", async () => {
    const [early, late] = timeline(Math.floor(Date.now() / 1000) - 45);
    onceOver = late;
    await inTime(early);
  });

  it("lets nobody in to another version by a rule about this one", async () => {
    const kubectl = await stack.kubectl();
    // the pods of the next step start beside these
    await kubectl.apply([...(await otherVersion(kubectl)), ...accounts()]);
    await kubectl.run([
      ...["rollout", "status", "deployment/orders-v2", "--namespace=bank", "--timeout=90s"],
    ]);
    const holds = async (probe: Probe) => {
      const outcomes = await verifier.ask(await stack.subject(), {}, [probe]);
      assert.equal(outcomes[0]?.verdict, "holds", table(outcomes));
    };
    await holds(versionProbe);
    // somebody else's rule opens it, and taking that away closes it again
    await kubectl.apply([opening]);
    await holds(openedProbe);
    await kubectl.run(["delete", "authorizationpolicy", "opening", "--namespace=bank"]);
    await holds(versionProbe);
    await kubectl.run([
      ...["delete", "deployment/orders-v2", "service/orders-v2", "service/orders-v1"],
      "--namespace=bank",
    ]);
  });

  it("takes an account with a dot for itself alone", async () => {
    const kubectl = await stack.kubectl();
    await kubectl.apply(accounts());
    const ask = async (name: string) => {
      const pod = `pod/${name}`;
      await kubectl.run([
        "wait",
        "--for=condition=Ready",
        "--timeout=90s",
        "--namespace=bank",
        pod,
      ]);
      const command = ["curl", "-s", "-m", "5", "-w", " %{http_code}", "http://orders/"];
      return kubectl.run(["exec", pod, "--namespace=bank", "--container=curl", "--", ...command]);
    };
    assert.match(await ask("back.office"), / 200$/);
    assert.match(await ask("backxoffice"), /^RBAC: access denied 403$/);
    const names = ["pod", "serviceaccount"].flatMap((k) => [
      `${k}/back.office`,
      `${k}/backxoffice`,
    ]);
    await kubectl.run(["delete", ...names, "--namespace=bank", "--wait=false"]);
  });

  it("takes the same token no longer once it is over", async () => {
    await inTime(onceOver);
  });

  it("refuses plaintext and strangers in PERMISSIVE too, because they have no identity in the rules", async () => {
    stack.set({ mtlsMode: "PERMISSIVE" });
    await stack.up();
    // what is asked by somebody with an identity is as before
    const changed = narrowed((id, item) => id.startsWith("M") || item.startsWith("plaintext "));
    const outcomes = await assertAllHold(verifier, stack, changed);
    assert.ok(outcomes.some((o) => o.id === "A-graph"));
    for (const id of ["M1", "M2"])
      assert.ok(
        outcomes.some((o) => o.id === id && o.got === "rbac-denied"),
        id,
      );
    stack.set({ mtlsMode: "STRICT" });
  });

  it("asks for tokens behind MUTUAL as well, and for an expiry when config says so", async () => {
    stack.set({
      gatewayTls: "MUTUAL",
      authentication: { ...authentication("k1"), requireExpiry: true, inside: "namespace" },
    });
    await stack.up();
    const changed = narrowed(
      (id, item) => item.startsWith("outside ") || (!/^[MP]/.test(id) && !/ to /.test(item)),
    );
    const ids = idsOf(await assertAllHold(verifier, stack, changed));
    assert.ok(
      ["E8", "J3", "J6", "J6-inside", "J4-namespace", "J1-needless"].every((id) =>
        ids.includes(id),
      ),
      ids.join(),
    );
    stack.set({ gatewayTls: "SIMPLE", authentication: authentication("k1") });
    await stack.up();
  });

  it("is not broken without a probe that notices, and is put back to the field", async () => {
    await assertAllCaught(verifier, stack, [
      "workload-permissive",
      "no-sidecar",
      "redirect-removed",
      "server-certificate-expired",
      "audiences-dropped",
      "from-and-to-split",
      "service-unguarded",
      "deny-deleted",
      "normalization-none",
    ]);
    assert.deepEqual(lines(await stack.drift()), []);
  });

  it("heals what is gone by up --refresh", async () => {
    const kubectl = await stack.kubectl();
    await kubectl.run(["delete", "authorizationpolicy", "default-deny", "--namespace=bank"]);
    await kubectl.run(["delete", "authorizationpolicy", "allow-payments", "--namespace=bank"]);
    assert.deepEqual(lines(await stack.drift()), [
      "delete AuthorizationPolicy access-service-allow-payments",
      "delete AuthorizationPolicy access-service-default-deny",
    ]);
    await stack.up(true);
    const gone = (id: string, item: string) => id === "A15" || /to payments:/.test(item);
    await assertAllHold(verifier, stack, narrowed(gone));
  });

  it("rotates keys: both are taken, then the new one signs, then the old one is refused", async () => {
    const before = await stack.subject();
    const holds = async (keys: typeof before, verdict: string) => {
      const { signingKeys } = keys;
      const subject = { ...(await stack.subject()), ...(signingKeys && { signingKeys }) };
      // what is to fail would be asked for as long as it does
      const options = verdict === "fails" ? { patienceSeconds: 3 } : {};
      const [j1] = await verifier.ask(subject, options, probesOf("J1"));
      assert.equal(j1?.verdict, verdict, j1?.text);
      return j1;
    };
    stack.set({ authentication: authentication("k1", "k2") });
    await stack.up();
    await holds(await stack.subject(), "holds");
    stack.set({ authentication: authentication("k2", "k1") });
    await stack.up();
    const turned = await stack.subject();
    assert.notDeepEqual(turned.signingKeys, before.signingKeys);
    await holds(turned, "holds");
    await holds(before, "holds");
    stack.set({ authentication: authentication("k2") });
    await stack.up();
    await holds(turned, "holds");
    assert.equal((await holds(before, "fails")).got, "token-signature");
  });

  it("reaches service after service in a rollout, and the gateway before all of them", async () => {
    stack.set({ rollout: { mode: "only", services: ["payments"] } });
    await stack.up();
    const outcomes = await assertAllHold(verifier, stack, withoutSpellings);
    const asked = outcomes.filter((o) => o.id === "A-graph");
    assert.ok(asked.length > 0 && asked.every((o) => o.item.includes("to payments")));

    stack.set({
      rollout: { mode: "all-but", namespaces: ["bank"] },
      authentication: { ...authentication("k2"), inside: "namespace" },
    });
    await stack.up();
    const atGateway = await assertAllHold(verifier, stack, withoutSpellings);
    const calls = atGateway.filter((o) => o.id === "A-graph");
    const [outside, inside] = [true, false].map((is) =>
      calls.filter((o) => o.item.startsWith("outside ") === is),
    );
    assert.ok(count(outside!, "rbac-denied") > 20, table(calls));
    assert.ok(inside!.length > 5 && inside!.every((o) => o.got === "ok"), table(inside!));
    // whose proxies look at no tokens before the rollout has reached them
    assert.ok(!idsOf(atGateway).includes("J4-namespace"));
  });

  it("fetches issuers' keys, by discovery and by address; without keys no token passes", async () => {
    const { sources } = stack;
    await bringIssuer(await stack.kubectl(), sources.images.nginx);
    stack.set({
      ...{ rollout: { mode: "all" }, istio: { jwksResolverExtraRootCA: issuerCa } },
      authentication: { issuers, exempt: [exemptPath] },
      services: issuerServices,
    });
    await stack.up();
    const subject = await stack.subject();
    const found = await verifier.ask({ ...subject, signingKeys: issuerKeys }, {}, issuerProbes());
    const known = issuerProbes().filter((p) => p.id === "J20");
    const fallback = await verifier.ask({ ...subject, signingKeys: fallbackKeys }, {}, known);
    assert.ok(
      [...found, ...fallback].every((o) => o.verdict === "holds"),
      table([...found, ...fallback]),
    );
    assert.equal(found.length + fallback.length, issuerProbes().length + 1);
  });

  it("enforce to off takes the policies away, and nothing else", async () => {
    stack.set({ rollout: { mode: "all" }, authorization: "off" });
    const steps = lines(await stack.preview());
    assert.ok(
      steps.every((line) =>
        /^(delete (Authoriz|RequestAuth)|update (AccessControl|VirtualService))/.test(line),
      ),
      steps.join("\n"),
    );
    await stack.up();
    await assertAllHold(verifier, stack);
  });
});

function probesOf(id: string) {
  return allProbes.filter((p) => p.id === id);
}

function count(outcomes: readonly Outcome[], reason: string): number {
  return outcomes.filter((o) => o.got === reason).length;
}
