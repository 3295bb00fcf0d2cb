import * as assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Evidence, bodyEvidence, parseXfcc, peerOf } from "../../verify/evidence.ts";
import { type Answer, judge } from "../../verify/judge.ts";
import type { Expectation } from "../../verify/probe.ts";

const identities = {
  caller: "spiffe://cluster.local/ns/bank/sa/curl-1",
  gateway: "spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway",
  service: (name: string) => `spiffe://cluster.local/ns/bank/sa/${name}-sa`,
  client: (name: string) => `spiffe://cluster.local/ns/universe/sa/${name}-sa`,
};
const xfcc = `By=spiffe://cluster.local/ns/bank/sa/users-sa;Hash=b1e4;Subject="";URI=${identities.caller}`;
const viaGateway =
  'Hash=aa;Subject="CN=ext-client,O=a\\"b;c";URI=,' +
  `By=spiffe://cluster.local/ns/bank/sa/users-sa;Hash=bb;Subject="";URI=${identities.gateway}`;

const answer = (evidence: Partial<Evidence>): Answer => ({
  request: { from: "plain", url: "http://users.bank.svc.cluster.local:80/" },
  evidence: { at: "2026-11-22T00:00:00.000Z", seconds: 0.1, body: "", message: "", ...evidence },
});
const ok = answer({ exitCode: 0, status: 200, xfcc: null });
const reset = answer({
  exitCode: 56,
  message: "curl: (56) Recv failure: Connection reset by peer",
});
const refused: Expectation = { reason: "tls-required" };

const verdict = (expected: Expectation, got: Answer, control?: Answer) =>
  judge(expected, got, control, identities).verdict;

describe("a service that decides itself what it answers", () => {
  const own = (evidence: Partial<Evidence>): Answer => ({
    ...answer(evidence),
    request: { from: "plain", url: "http://web.bank.svc.cluster.local:80/x", anyAnswer: true },
  });
  const missing = own({ exitCode: 0, status: 404 });

  it("was reached when it answers, whatever it says", () => {
    assert.equal(verdict({ reason: "ok" }, missing), "holds");
    assert.equal(verdict({ reason: "ok" }, own({ exitCode: 0, status: 405 })), "holds");
    assert.equal(verdict({ reason: "ok" }, answer({ exitCode: 0, status: 404 })), "fails");
  });

  it("was not when the gateway answered in its place, or its proxy refused", () => {
    assert.equal(verdict({ reason: "ok" }, own({ status: 404, upstream: false })), "fails");
    const denied = own({ exitCode: 0, status: 403, body: "RBAC: access denied" });
    assert.equal(verdict({ reason: "ok" }, denied), "fails");
  });

  it("serves as a control, and is let in where it should be refused", () => {
    assert.equal(verdict(refused, reset, missing), "holds");
    assert.equal(verdict({ reason: "rbac-denied" }, missing, ok), "fails");
  });

  it("is held to the answer where that is what is asked", () => {
    const moved = own({ status: 301, location: "https://app.local:8443/" });
    assert.equal(verdict({ reason: "redirect" }, moved, missing), "holds");
  });
});

describe("the verdict on a refusal", () => {
  it("holds when the reason is the expected one and the control succeeded", () => {
    assert.equal(verdict(refused, reset, ok), "holds");
  });

  it("is inconclusive when the control failed, or there is none", () => {
    assert.equal(verdict(refused, reset, reset), "inconclusive");
    assert.equal(verdict(refused, reset), "inconclusive");
  });

  it("takes another answer for the control's success where the probe says so, and no other", () => {
    const expected: Expectation = { reason: "not-found" };
    const missing = answer({ exitCode: 0, status: 404 });
    const redirect = answer({ exitCode: 0, status: 301, location: "https://app.local:8443/" });
    assert.equal(verdict(expected, missing, { ...redirect, succeeds: "redirect" }), "holds");
    assert.equal(verdict(expected, missing, { ...ok, succeeds: "redirect" }), "inconclusive");
    assert.equal(verdict(expected, missing, redirect), "inconclusive");
  });

  it("is inconclusive when the reason is another one", () => {
    const timeout = answer({ exitCode: 28, message: "curl: (28) Operation timed out" });
    assert.equal(verdict(refused, timeout, ok), "inconclusive");
  });

  it("fails when it was let in, whatever the control says", () => {
    assert.equal(verdict(refused, ok, ok), "fails");
    assert.equal(verdict(refused, ok, reset), "fails");
  });

  it("fails when a redirect leads elsewhere", () => {
    const expected: Expectation = { reason: "redirect", location: "https://app.local:8443/users" };
    const redirect = (location: string) => answer({ status: 301, location });
    assert.equal(verdict(expected, redirect("https://app.local:8443/users"), ok), "holds");
    assert.equal(verdict(expected, redirect("https://app.local:8080/users"), ok), "fails");
  });
});

describe("the verdict on an answer", () => {
  it("holds, and fails when none came", () => {
    assert.equal(verdict({ reason: "ok" }, ok), "holds");
    assert.equal(verdict({ reason: "ok" }, reset), "fails");
  });

  it("asks for the identity that the service saw", () => {
    const identified = answer({ exitCode: 0, status: 200, xfcc });
    assert.equal(verdict({ reason: "ok", peer: "caller" }, identified), "holds");
    assert.equal(verdict({ reason: "ok", peer: "gateway" }, identified), "fails");
    assert.equal(verdict({ reason: "ok", peer: "nobody" }, identified), "fails");
    assert.equal(verdict({ reason: "ok", peer: "nobody" }, ok), "holds");
    assert.equal(verdict({ reason: "ok", peer: "caller" }, ok), "fails");
    const unreadable = answer({ exitCode: 0, status: 200, body: "hello" });
    assert.equal(verdict({ reason: "ok", peer: "caller" }, unreadable), "inconclusive");
  });

  it("asks for the client's subject that the gateway handed on", () => {
    const expected: Expectation = {
      reason: "ok",
      peer: "gateway",
      clientSubject: 'CN=ext-client,O=a"b;c',
    };
    assert.equal(verdict(expected, answer({ status: 200, xfcc: viaGateway })), "holds");
    assert.equal(
      verdict(
        { ...expected, clientSubject: "CN=other" },
        answer({ status: 200, xfcc: viaGateway }),
      ),
      "fails",
    );
  });
});

describe("X-Forwarded-Client-Cert", () => {
  it("is read with quotes, commas and semicolons inside", () => {
    assert.deepEqual(parseXfcc(viaGateway), [
      { hash: "aa", subject: 'CN=ext-client,O=a"b;c' },
      { by: "spiffe://cluster.local/ns/bank/sa/users-sa", hash: "bb", uri: identities.gateway },
    ]);
    assert.equal(peerOf(viaGateway), identities.gateway);
  });

  it("is told apart from a body that shows no headers", () => {
    const echo = (headers: object) => JSON.stringify({ request: { headers } });
    const xfccOf = (body: string) => bodyEvidence(body).xfcc;
    assert.equal(xfccOf(echo({ "x-forwarded-client-cert": "By=a" })), "By=a");
    assert.equal(xfccOf(echo({ host: "users" })), null);
    assert.equal(xfccOf("control server\n"), undefined);
  });
});
