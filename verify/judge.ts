import { type Reason, classify } from "./classify.ts";
import { type Evidence, parseXfcc, peerOf } from "./evidence.ts";
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
  const got = classify(answer.evidence, speaksTls(answer.request));
  if (!isNegative(expectation)) {
    if (got !== "ok") return { verdict: "fails", got, text: `expected an answer, got ${got}` };
    const wrong = wrongDetail(expectation, answer.evidence, identities);
    return wrong ? { ...wrong, got } : { verdict: "holds", got, text: "answered" };
  }
  if (got === "ok") {
    return { verdict: "fails", got, text: `expected ${expectation.reason}, but it was let in` };
  }
  const controlGot = control && classify(control.evidence, speaksTls(control.request));
  if (controlGot !== (control?.succeeds ?? "ok")) {
    const text = `the control did not succeed (${controlGot ?? "there is none"}), so a refusal proves nothing`;
    return { verdict: "inconclusive", got, text };
  }
  if (got !== expectation.reason) {
    const text = `refused with ${got}, which is not ${expectation.reason}`;
    return { verdict: "inconclusive", got, text };
  }
  const wrong = wrongDetail(expectation, answer.evidence, identities);
  return wrong
    ? { ...wrong, got }
    : { verdict: "holds", got, text: `${got}, and the control succeeded` };
}

function wrongDetail(
  expectation: Expectation,
  evidence: Evidence,
  identities: Identities,
): Pick<Judgement, "verdict" | "text"> | undefined {
  const { location, peer, clientSubject } = expectation;
  if (location !== undefined && evidence.location !== location) {
    return { verdict: "fails", text: `redirects to ${evidence.location}, not to ${location}` };
  }
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
    const wanted = peer === "nobody" ? undefined : identities[peer];
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
