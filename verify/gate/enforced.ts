import { setTimeout as sleep } from "node:timers/promises";
import type { Answer, EnforcementQuestion } from "../../policies/enforcement.ts";
import { type Reason, classify } from "../classify.ts";
import type { Evidence } from "../evidence.ts";
import type { PodRequest } from "../probe.ts";
import { evidenceText } from "../reports/terminal.ts";

export type Replicas = readonly { readonly name: string; readonly address: string }[];

/** A wrong answer in words; without a question where nobody was there to answer. */
export interface Wrong {
  readonly question?: EnforcementQuestion;
  readonly text: string;
}

/** Proxies answer otherwise than the stack says: a line about the time, then one a wrong answer. */
export class NotEnforced extends Error {
  public readonly wrong: readonly Wrong[];

  constructor(seconds: number, wrong: readonly Wrong[]) {
    super(
      [
        `the mesh does not enforce what the stack says after ${seconds} s:`,
        ...wrong.map(({ text }) => text),
      ].join("\n  "),
    );
    this.wrong = wrong;
  }
}

/** How the gate reaches the platform. */
export interface GateCallers {
  /** Replicas of an app that take traffic. */
  readonly replicas: (app: string, namespace: string) => Promise<Replicas>;
  /** Sends requests side by side, each on a connection of its own. */
  readonly send: (requests: readonly PodRequest[]) => Promise<readonly Evidence[]>;
}

/** Rounds in a row in which every answer has to be right: one may have come before a proxy took its configuration. */
const rounds = 2;
/** Time between two rounds, in ms. */
const pause = 250;

/** What classes of answers are right. Services answer as they like; a proxy without one behind it says 503, which is not. */
const right: Readonly<Record<Answer, readonly Reason[]>> = {
  answered: ["ok", "not-found", "other-status", "redirect"],
  denied: ["rbac-denied"],
  reset: ["tls-required"],
  "certificate-required": ["cert-required", "handshake-failure"],
  redirected: ["redirect"],
};

interface Asked {
  readonly question: EnforcementQuestion;
  readonly replica: string;
  readonly request: PodRequest;
}

/**
 * Asks until every replica answered every question as expected, twice in a row. A reset counts only because the same
 * replica is ready, and in the same round answers somebody with an identity in HTTP.
 *
 * @returns seconds from the first question to the first round in which all were right
 * @throws NotEnforced with each wrong answer, once the time is over
 */
export async function askUntilEnforced(
  input: {
    readonly questions: readonly EnforcementQuestion[];
    /** How long answers may be wrong, in s; by what is wrong where it hangs on that. */
    readonly timeoutSeconds: number | ((wrong: readonly Wrong[]) => number);
  },
  callers: GateCallers,
): Promise<number> {
  const begun = performance.now();
  const elapsed = () => (performance.now() - begun) / 1000;
  let inARow = 0;
  let first = 0;
  for (;;) {
    const since = elapsed();
    const wrong = await askOnce(input.questions, callers);
    if (wrong.length === 0) {
      if (inARow === 0) first = since;
      if (++inARow === rounds) return first;
    } else {
      inARow = 0;
      const { timeoutSeconds: limit } = input;
      const seconds = typeof limit === "number" ? limit : limit(wrong);
      if (elapsed() >= seconds) throw new NotEnforced(seconds, wrong);
    }
    await sleep(pause);
  }
}

/** One round; returns what was wrong. */
async function askOnce(
  questions: readonly EnforcementQuestion[],
  callers: GateCallers,
): Promise<Wrong[]> {
  const { asked, missing } = await plan(questions, callers);
  const answers = await callers.send(asked.map(({ request }) => request));
  const wrong = asked.flatMap(({ question, replica, request }, i) => {
    const evidence = answers[i]!;
    const got = classify(evidence, request.url.startsWith("https:"));
    // a proxy that does not know the route yet says 404 itself
    const itsOwn = got === "not-found" && evidence.upstream !== true;
    if (right[question.expect].includes(got) && !itsOwn) return [];
    const text = `${question.text}, replica ${replica}: expected ${question.expect}, got ${got} (${evidenceText(evidence)})`;
    return [{ question, text }];
  });
  return [...missing.map((text) => ({ text })), ...wrong];
}

/** Each question to each replica of its app. */
async function plan(
  questions: readonly EnforcementQuestion[],
  callers: GateCallers,
): Promise<{ asked: Asked[]; missing: string[] }> {
  const apps = Map.groupBy(questions, ({ app, namespace }) => `${namespace}/${app}`);
  const found = await Promise.all(
    [...apps].map(async ([name, of]) => {
      const replicas = await callers.replicas(of[0]!.app, of[0]!.namespace);
      if (replicas.length === 0) return { asked: [], missing: [`no replica of ${name} is ready`] };
      const asked = replicas.flatMap(({ name: replica, address }) =>
        of.map((question) => ({ question, replica, request: requestOf(question, address) })),
      );
      return { asked, missing: [] };
    }),
  );
  return {
    asked: found.flatMap(({ asked }) => asked),
    missing: found.flatMap(({ missing }) => missing),
  };
}

/** By a caller that goes past its own sidecar, to one replica and no other. */
function requestOf({ url, port, certificate }: EnforcementQuestion, address: string): PodRequest {
  return {
    from: "certificate",
    url,
    connectTo: `${address}:${port}`,
    ...(certificate && { clientCertificate: certificate }),
  };
}
