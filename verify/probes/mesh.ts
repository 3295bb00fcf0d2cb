import { type MtlsMode, type Settings, modeOf } from "../../settings/index.ts";
import { httpServices } from "../calls.ts";
import type { Control, Expectation, Probe } from "../probe.ts";
import { callerOf } from "./access.ts";
import {
  type From,
  addressControl,
  admits,
  asked,
  byAddress,
  byName,
  canBeJudged,
  listedControl,
  pastSidecar,
  plaintextControl,
  withCertificate,
} from "./mesh-requests.ts";
import { echoes } from "./services.ts";

const inMode = (mode: MtlsMode) => (settings: Settings) =>
  httpServices(settings)
    .filter((s) => modeOf(settings, s) === mode)
    .map((s) => s.name);
const judged = (mode: MtlsMode, from: From) => (s: Settings) =>
  inMode(mode)(s).filter((name) => canBeJudged(from)(s, name));
const anyIn = (mode: MtlsMode) => (settings: Settings) => inMode(mode)(settings).length > 0;

/** One service is enough, and no client of the stack, which has no certificate in hand. */
const byCertificate = (s: Settings) =>
  judged(
    "STRICT",
    "mesh",
  )(s)
    .filter((name) => callerOf(s, asked(s, name).from).client === undefined)
    .slice(0, 1);

const refusedByRules =
  (from: From) =>
  (s: Settings, name: string): Control | undefined =>
    admits(s, name, from) ? undefined : listedControl;

/** The expectation where rules let the caller in; else their refusal. */
const unlessRefused =
  (from: From, expectation: (s: Settings, name: string) => Expectation) =>
  (s: Settings, name: string): Expectation =>
    admits(s, name, from) ? expectation(s, name) : { reason: "rbac-denied" };

const named = (settings: Settings, name: string, peer: "caller" | "nobody") => ({
  reason: "ok" as const,
  ...(echoes(settings, name) && { peer }),
});

/** Traffic between workloads. */
export const meshProbes: readonly Probe[] = [
  {
    id: "M1",
    question: "What does a mesh workload get from a PERMISSIVE service?",
    why: "both sides have a proxy, so auto mTLS is used although plaintext would do; no rule names this workload",
    applies: anyIn("PERMISSIVE"),
    each: judged("PERMISSIVE", "mesh"),
    expect: unlessRefused("mesh", (s, name) => named(s, name, "caller")),
    send: byName("mesh"),
    control: refusedByRules("mesh"),
  },
  {
    id: "M2",
    question: "What does a workload without a proxy get from a PERMISSIVE service?",
    why: "PERMISSIVE takes plaintext, and plaintext has no identity that a rule could name",
    applies: anyIn("PERMISSIVE"),
    each: judged("PERMISSIVE", "plain"),
    expect: unlessRefused("plain", (s, name) => named(s, name, "nobody")),
    send: byName("plain"),
    control: refusedByRules("plain"),
  },
  {
    id: "M3",
    question: "What does a mesh workload get from a STRICT service?",
    why: "it speaks mTLS with a certificate of the mesh; no rule names it",
    applies: anyIn("STRICT"),
    each: judged("STRICT", "mesh"),
    expect: unlessRefused("mesh", (s, name) => named(s, name, "caller")),
    send: byName("mesh"),
    control: refusedByRules("mesh"),
  },
  {
    id: "M4",
    question: "Is plaintext to a STRICT service refused?",
    why: "no filter chain of the proxy takes plaintext, so it ends the connection before any HTTP answer",
    applies: anyIn("STRICT"),
    each: inMode("STRICT"),
    expect: () => ({ reason: "tls-required" }),
    send: byName("plain"),
    control: plaintextControl,
  },
  {
    id: "M5",
    question: "Is plaintext straight to the address of a STRICT pod refused?",
    why: "the proxy takes all of the pod's traffic, with or without the Service",
    applies: anyIn("STRICT"),
    each: inMode("STRICT"),
    expect: () => ({ reason: "tls-required" }),
    send: byAddress("plain"),
    control: addressControl,
  },
  {
    id: "M6",
    question: "Is TLS with a self-made certificate refused by a STRICT service?",
    why: "the proxy takes certificates of the mesh's own CA only; the request is the same to the letter",
    applies: anyIn("STRICT"),
    each: byCertificate,
    expect: () => ({ reason: "unknown-ca" }),
    send: withCertificate("self-signed"),
    control: {
      differs: "the same pod shows the certificate that the mesh gave it",
      send: withCertificate("mesh"),
    },
  },
  {
    id: "M22",
    question: "Is a pod refused that runs as the proxy's own user, and so goes past its sidecar?",
    why: "its plaintext has no identity, although its pod has one",
    applies: anyIn("STRICT"),
    each: byCertificate,
    expect: () => ({ reason: "tls-required" }),
    send: pastSidecar,
    control: {
      differs: "the same pod speaks TLS and shows the certificate that the mesh gave it",
      send: withCertificate("mesh"),
    },
  },
  {
    id: "M8",
    question: "Does a service in DISABLE answer in plaintext?",
    why: "its proxy speaks plaintext only, and plaintext has no identity",
    applies: anyIn("DISABLE"),
    each: inMode("DISABLE"),
    expect: (s, name) => named(s, name, "nobody"),
    send: byName("plain"),
  },
  {
    id: "M8-mesh",
    question: "Does a mesh workload reach a service in DISABLE, in plaintext?",
    why: "auto mTLS learns from istiod that the service takes none",
    applies: anyIn("DISABLE"),
    each: inMode("DISABLE"),
    expect: (s, name) => named(s, name, "nobody"),
    send: byName("mesh"),
  },
  {
    id: "M8-tls",
    question: "Does a service in DISABLE refuse TLS?",
    why: "its proxy hands the bytes on to a program that expects HTTP",
    applies: anyIn("DISABLE"),
    each: (s) => inMode("DISABLE")(s).slice(0, 1),
    expect: () => ({ reason: "plaintext-only" }),
    send: byName("plain", "https"),
    control: { differs: "http instead of https", send: byName("plain") },
  },
];
