import type { PeerAuthenticationSpec } from "../../policies/mtls.ts";
import { type MtlsMode, type Settings, modeOf } from "../../settings/index.ts";
import { graphQuestions, spokenBy } from "../calls.ts";
import { echoes, find, firstPort, hostOf } from "../probes/services.ts";
import { itemsOf, once, red, takesPlaintext, unanswered } from "./expectations.ts";
import type { Expected, Mutation } from "./mutation.ts";
import { adds, all, deletes, edits, istio, needs } from "./objects.ts";

const ofNamespace = (s: Settings) => istio("PeerAuthentication", "default", s.namespace);

/** Services whose mode is the namespace's, so that another one there is another one for them. */
function following(s: Settings): string[] {
  const other = { ...s, mtlsMode: s.mtlsMode === "STRICT" ? "DISABLE" : "STRICT" } as const;
  return s.services.filter((x) => modeOf(other, x) !== modeOf(s, x)).map((x) => x.name);
}

/** The tool that says each workload's mode finds another one. */
function otherMode(s: Settings, services: readonly string[], says: RegExp): Expected[] {
  const own = (name: string) => s.workloadMtls.find((w) => w.service === name)?.mode;
  const seen = services.filter((name) => own(name) === undefined);
  return red(s, "O6-mode", { got: "findings", says }, seen);
}

const inMode = (mode: MtlsMode) =>
  needs((s) => s.mtlsMode === mode, `the namespace's mode is not ${mode}`);

/** A STRICT service that no policy of its own is about. */
const strictService = (s: Settings) =>
  itemsOf("M4", s).find((name) => !s.workloadMtls.some((w) => w.service === name));
const someStrict = needs(
  (s) => strictService(s) !== undefined,
  "no service is STRICT without a policy of its own",
);

const forOne = (s: Settings) => istio("PeerAuthentication", "exception", s.namespace);
const selector = (s: Settings) => ({ matchLabels: { app: strictService(s)! } });

/** An HTTP service that the mesh is asked to reach, and that no DestinationRule names already. */
const dialled = once((s: Settings): string | undefined => {
  const { scope, services = [] } = s.destinationRule ?? {};
  return s.services
    .filter((x) => !(scope === "services" && services.includes(x.name)))
    .map((x) => x.name)
    .find((name) => modeOf(s, find(s, name)) !== "DISABLE" && plaintextClient(s, name).length > 0);
});

/** What comes of clients that dial a service in plaintext. */
function plaintextClient(s: Settings, name: string): Expected[] {
  if (modeOf(s, find(s, name)) === "PERMISSIVE") {
    if (s.authorization === "enforce" || !echoes(s, name)) return [];
    return red(s, "M1", { got: "ok", says: /saw no identity/ }, [name]);
  }
  const got = { got: "no-upstream" } as const;
  const inside = [...graphQuestions(s)].flatMap(([text, { call, decision }]) => {
    const mine = call.service === name && spokenBy(s, call) === "http" && decision.allowed;
    return mine && call.from.kind !== "outside" ? [text] : [];
  });
  return [
    ...(s.authorization === "enforce" ? red(s, "A-graph", got, inside) : red(s, "M3", got, [name])),
    ...unanswered(s, got, find(s, name)),
  ];
}

/** Who speaks mTLS: modes, their exceptions, and how clients dial. */
export const meshMutations: readonly Mutation[] = [
  {
    id: "strict-to-permissive",
    breaks: "the namespace takes plaintext beside mTLS",
    notFor: inMode("STRICT"),
    ...edits<PeerAuthenticationSpec>(ofNamespace, () => ({ mtls: { mode: "PERMISSIVE" } })),
    expected: (s) => [
      ...takesPlaintext(s, following(s)),
      ...otherMode(s, following(s), /mode PERMISSIVE, not STRICT/),
    ],
  },
  {
    id: "mtls-policy-deleted",
    breaks: "nothing says any more that the namespace takes mTLS alone",
    notFor: all(
      inMode("STRICT"),
      needs((s) => s.meshMtlsMode !== "STRICT", "the whole mesh is STRICT as well"),
    ),
    ...deletes((s) => [ofNamespace(s)]),
    expected: (s) => [
      ...takesPlaintext(s, following(s)),
      ...otherMode(s, following(s), /, not STRICT/),
    ],
  },
  {
    id: "permissive-to-strict",
    breaks: "the namespace refuses the plaintext that the stack says it takes",
    notFor: inMode("PERMISSIVE"),
    ...edits<PeerAuthenticationSpec>(ofNamespace, () => ({ mtls: { mode: "STRICT" } })),
    expected: (s) => [
      ...red(
        s,
        "M2",
        {
          got: "tls-required",
          verdict: s.authorization === "enforce" ? "inconclusive" : "fails",
        },
        following(s),
      ),
      ...otherMode(s, following(s), /mode STRICT, not PERMISSIVE/),
    ],
  },
  {
    id: "permissive-to-disable",
    breaks: "the namespace takes no mTLS at all",
    notFor: inMode("PERMISSIVE"),
    ...edits<PeerAuthenticationSpec>(ofNamespace, () => ({ mtls: { mode: "DISABLE" } })),
    expected: (s) => [
      ...(s.authorization === "enforce"
        ? []
        : red(
            s,
            "M1",
            { got: "ok", says: /saw no identity/ },
            following(s).filter((name) => echoes(s, name)),
          )),
      ...otherMode(s, following(s), /mode DISABLE, not PERMISSIVE/),
    ],
  },
  {
    id: "workload-permissive",
    breaks: "a policy of its own lets one STRICT workload take plaintext",
    notFor: someStrict,
    ...adds(forOne, (s) => ({ selector: selector(s), mtls: { mode: "PERMISSIVE" } })),
    expected: (s) => [
      ...takesPlaintext(s, [strictService(s)!]),
      ...otherMode(s, [strictService(s)!], /mode PERMISSIVE, not STRICT/),
    ],
  },
  {
    id: "port-disable",
    breaks: "one port of a STRICT workload takes plaintext alone",
    notFor: someStrict,
    ...adds(forOne, (s) => ({
      selector: selector(s),
      portLevelMtls: {
        [firstPort(find(s, strictService(s)!)).targetPort]: { mode: "DISABLE" },
      },
    })),
    expected: (s) => takesPlaintext(s, [strictService(s)!]),
  },
  {
    id: "clients-dial-plaintext",
    breaks: "a DestinationRule tells the mesh to dial a service without mTLS",
    notFor: needs(
      (s) => dialled(s) !== undefined,
      "nobody of the mesh is asked to reach a service",
    ),
    ...adds(
      (s) => istio("DestinationRule", "plaintext", s.namespace),
      (s) => ({
        host: hostOf(dialled(s)!, s.namespace),
        trafficPolicy: { tls: { mode: "DISABLE" } },
      }),
    ),
    expected: (s) => plaintextClient(s, dialled(s)!),
  },
];
