import type { Probe, ProbeTarget } from "../../probe.ts";
import { good } from "../../probes/edge-requests.ts";
import type { TokenSpec } from "../../tokens.ts";

/** A request to a service through the gateway, with this token or without one. */
const ask =
  (service: string, token?: TokenSpec) =>
  ({ settings }: ProbeTarget) => ({ ...good(settings, `/${service}`), ...(token && { token }) });

const refused = () => ({ reason: "token-signature", refusedBy: "gateway" }) as const;

/**
 * An issuer whose keys cannot be fetched, and what its tokens get.
 *
 * @param service that the gateway leads to
 */
export function issuerProbes(service: string): Probe[] {
  const known = {
    differs: "an issuer whose keys are known, with the same key",
    send: ask(service, { issuer: "bank" }),
  };
  const common = { applies: () => true };
  return [
    {
      ...{
        ...common,
        id: "J20",
        question: "Is a token refused whose issuer's keys cannot be fetched?",
      },
      why: "without keys nothing says that it is the issuer's",
      beyondManifests: true,
      expect: refused,
      send: ask(service, { issuer: "gone" }),
      control: known,
    },
    {
      ...{
        ...common,
        id: "J20-bare",
        question: "Is a request without a token answered meanwhile?",
      },
      why: "authentication refuses bad tokens, not missing ones",
      expect: () => ({ reason: "ok" }),
      send: ask(service),
    },
    {
      ...{
        ...common,
        id: "J20-inline",
        question: "Are keys refused that are written down and are none?",
      },
      why: "istiod's webhook reads them before they are stored; the control is the same object with keys",
      samples: 1,
      expect: () => ({ reason: "ok" }),
      send: () => ({ from: "tool", check: "webhook" }),
    },
    {
      ...{
        ...common,
        id: "J21",
        question: "Is a token refused that the fallback key of ISTIO-SECURITY-2026-001 signed?",
      },
      why: "that key is public; whoever fell back to it let everybody in",
      beyondManifests: true,
      expect: refused,
      send: ask(service, { issuer: "gone", key: "fallback" }),
      control: {
        differs: "an issuer that has made that key its own",
        send: ask(service, { issuer: "careless", key: "fallback" }),
      },
    },
    {
      ...{ ...common, id: "J26-before", question: "Is a token taken whose key is to go?" },
      why: "its key is in the issuer's set",
      expect: () => ({ reason: "ok" }),
      send: ask(service, { issuer: "turning" }),
    },
  ];
}

/** Tokens of an issuer once its key has changed. */
export function rotationProbes(service: string): Probe[] {
  return [
    {
      id: "J26",
      question: "Is a token of the old key refused once the issuer has another?",
      why: "the old key is in no set any more",
      applies: () => true,
      beyondManifests: true,
      expect: refused,
      send: ask(service, { issuer: "turning" }),
      control: { differs: "the new key", send: ask(service, { issuer: "turning", key: "next" }) },
    },
  ];
}

/** A token's last seconds and what comes after; both ask with the same moment of its end. */
export function lifetimeProbes(
  service: string,
  claims: TokenSpec["claims"],
  expiresAt: number,
): readonly [Probe, Probe] {
  const token = { issuer: "bank", ...(claims && { claims }) };
  const common = { why: "its exp, and the 60 s by which clocks may differ", applies: () => true };
  return [
    {
      ...{ ...common, id: "J25-early", question: "Is a token taken in its last seconds?" },
      ...{ samples: 1, expect: () => ({ reason: "ok" as const }) },
      send: ask(service, { ...token, expiresAt }),
    },
    {
      ...{ ...common, id: "J25", question: "Is the same token refused once they are over?" },
      beyondManifests: true,
      expect: () => ({ reason: "token-expired", refusedBy: "gateway" }),
      send: ask(service, { ...token, expiresAt }),
      control: { differs: "an exp to come", send: ask(service, token) },
    },
  ];
}
