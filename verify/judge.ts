import { type Reason, classify } from "./classify.ts";
import { type Evidence, parseXfcc, peerOf, tokenMark } from "./evidence.ts";
import { type Expectation, type ProbeRequest, isNegative } from "./probe.ts";

export type Verdict = "holds" | "fails" | "inconclusive";

/** A verdict with its reason in words. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly got: Reason;
  readonly text: string;
}

/** Identities as the mesh gives them, for expectations that name a role. */
export interface Identities {
  readonly caller: string;
  readonly gateway: string;
  /** Identity of a service of the stack. */
  readonly service: (name: string) => string;
  /** Identity of a client of the stack. */
  readonly client: (name: string) => string;
}

/** An answer beside the request that brought it. */
export interface Answer {
  readonly request: ProbeRequest;
  readonly evidence: Evidence;
  /** What counts as success, for a control. @default ok */
  readonly succeeds?: Reason;
}

/** Whether a request speaks TLS itself. A pod's sidecar may do so behind its back; that is not the client's. */
export function speaksTls(request: ProbeRequest): boolean {
  if (request.from === "tool") return false;
  return request.from === "host" ? request.to !== "http" : request.url.startsWith("https:");
}

/**
 * Judges an answer. A refusal counts only if its control succeeded and its reason is the expected one; a wrong reason
 * or a failed control proves nothing either way.
 */
export function judge(
  expectation: Expectation,
  answer: Answer,
  control: Answer | undefined,
  identities: Identities,
): Judgement {
  const got = reasonOf(answer, expectation.reason);
  if (!isNegative(expectation)) {
    if (got === "findings") {
      return { verdict: "fails", got, text: answer.evidence.findings!.join("; ") };
    }
    if (answer.request.from === "tool" && got !== "ok") {
      const text = `could not be asked: ${answer.evidence.message}`;
      return { verdict: "inconclusive", got, text };
    }
    if (got !== "ok") return { verdict: "fails", got, text: `expected an answer, got ${got}` };
    const wrong = wrongDetail(expectation, answer, identities);
    return wrong ? { ...wrong, got } : { verdict: "holds", got, text: "answered" };
  }
  if (got === "ok") {
    return { verdict: "fails", got, text: `expected ${expectation.reason}, but it was let in` };
  }
  const controlGot = control && reasonOf(control, control.succeeds ?? "ok");
  if (controlGot !== (control?.succeeds ?? "ok")) {
    const text = `the control did not succeed (${controlGot ?? "there is none"}), so a refusal proves nothing`;
    return { verdict: "inconclusive", got, text };
  }
  if (got !== expectation.reason) {
    const text = `refused with ${got}, which is not ${expectation.reason}`;
    return { verdict: "inconclusive", got, text };
  }
  const wrong = wrongDetail(expectation, answer, identities);
  return wrong
    ? { ...wrong, got }
    : { verdict: "holds", got, text: `${got}, and the control succeeded` };
}

const answers: readonly Reason[] = ["redirect", "not-found", "bad-request", "other-status"];

/** Why a request ended as it did; an answer that the service made itself is ok where that is all that is asked. */
function reasonOf({ request, evidence }: Answer, expected: Reason): Reason {
  const seen = classify(evidence, speaksTls(request));
  if (request.from === "tool") return classify(evidence, false);
  const opaque = request.from !== "host" && request.opaque;
  const got = opaque && seen === "tls-required" ? "closed" : seen;
  const itsOwn = evidence.upstream !== false && answers.includes(got);
  return request.anyAnswer && itsOwn && !answers.includes(expected) ? "ok" : got;
}

type Wrong = Pick<Judgement, "verdict" | "text"> | undefined;

function wrongDetail(expectation: Expectation, answer: Answer, identities: Identities): Wrong {
  const { evidence, request } = answer;
  const { location, peer, clientSubject, refusedBy } = expectation;
  if (location !== undefined && evidence.location !== location) {
    return { verdict: "fails", text: `redirects to ${evidence.location}, not to ${location}` };
  }
  const by =
    evidence.upstream === undefined ? undefined : evidence.upstream ? "service" : "gateway";
  if (refusedBy !== undefined && by !== refusedBy) {
    return {
      verdict: "fails",
      text: `refused by the ${by ?? "nobody knows whom"}, not by the ${refusedBy}`,
    };
  }
  const unseen = wrongHeaders(expectation, evidence);
  if (unseen) return unseen;
  if (peer === undefined && clientSubject === undefined) return undefined;
  const { xfcc } = evidence;
  if (xfcc === undefined) {
    return {
      verdict: "inconclusive",
      text: "the answer does not show what identity the service saw",
    };
  }
  if (peer !== undefined) {
    const seen = xfcc === null ? undefined : peerOf(xfcc);
    const wanted = identityOf(peer, request, identities);
    if (seen !== wanted) {
      return {
        verdict: "fails",
        text: `the service saw ${seen ?? "no identity"}, not ${wanted ?? "none"}`,
      };
    }
  }
  const subjects = xfcc === null ? [] : parseXfcc(xfcc).map((hop) => hop.subject);
  if (clientSubject !== undefined && !subjects.includes(clientSubject)) {
    return {
      verdict: "fails",
      text: `the service did not see the client's subject ${clientSubject}`,
    };
  }
  return undefined;
}

/** The identity that stands behind a request, by the role that an expectation names. */
export function identityOf(
  peer: NonNullable<Expectation["peer"]>,
  request: ProbeRequest,
  identities: Identities,
): string | undefined {
  if (peer === "nobody") return undefined;
  if (peer === "gateway") return identities.gateway;
  if (request.from === "host" || request.from === "tool") return identities.caller;
  if (request.client) return identities.client(request.client);
  const { as } = request;
  return as === undefined ? identities.caller : identities.service(as);
}

/** What the service saw of the request's headers, where that is asked. */
function wrongHeaders({ tokenSeen, seen }: Expectation, evidence: Evidence): Wrong {
  if (tokenSeen === undefined && seen === undefined) return undefined;
  if (!evidence.seen)
    return {
      verdict: "inconclusive",
      text: "the answer does not show which headers the service saw",
    };
  const token = Object.values(evidence.seen).some((value) => value.includes(tokenMark));
  if (tokenSeen !== undefined && token !== tokenSeen)
    return { verdict: "fails", text: `the service ${token ? "saw" : "did not see"} the token` };
  const wrong = Object.entries(seen ?? {}).find(
    ([name, value]) => (evidence.seen![name] ?? null) !== value,
  );
  if (!wrong) return undefined;
  const [name, value] = wrong;
  const saw = evidence.seen[name] ?? "none";
  return { verdict: "fails", text: `the service saw ${name}: ${saw}, not ${value ?? "none"}` };
}
