import { stackGateway } from "../../policies/gateway.ts";
import type { Kubectl } from "../kubectl.ts";
import type { Wrong } from "./enforced.ts";
import { notProved } from "./words.ts";

/** A policy by name. */
export interface PolicyName {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

const kinds = [
  ...["peerauthentications", "authorizationpolicies", "requestauthentications"].map(
    (kind) => `${kind}.security.istio.io`,
  ),
  "destinationrules.networking.istio.io",
].join(",");

/** A policy that is there and not the stack's as it is now. */
export interface Leftover extends PolicyName {
  /** Whether a program of Pulumi's made it under a name that this program gives: it goes once this check is over. */
  readonly goes: boolean;
}

/** Names that the program gives its policies; those of other programs on the same cluster stay. */
const given: Readonly<Record<string, RegExp>> = {
  PeerAuthentication: /^default$|-mtls$/,
  AuthorizationPolicy: /^(allow|deny)-|^default-deny$/,
  RequestAuthentication: /^tokens$|-tokens$/,
  DestinationRule: /^dr-mesh-mtls$|-mtls$|^plaintext-/,
};

interface Found {
  readonly kind: string;
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly managedFields?: readonly { readonly manager?: string }[];
  };
}

/** Policies where the stack has its own, that are not the stack's as it is now. */
export async function leftovers(kubectl: Kubectl, own: readonly PolicyName[]): Promise<Leftover[]> {
  const namespaces = [...new Set(own.map(({ namespace }) => namespace))];
  const lists = await Promise.all(
    namespaces.map((namespace) =>
      kubectl.json<{ items: Found[] }>([
        ...["get", kinds, `--namespace=${namespace}`, "--show-managed-fields"],
      ]),
    ),
  );
  const found = lists.flatMap(({ items }) =>
    items.map(({ kind, metadata: { namespace, name, managedFields = [] } }) => ({
      ...{ kind, namespace, name },
      goes:
        (given[kind]?.test(name) ?? false) &&
        managedFields.some(({ manager = "" }) => manager.startsWith("pulumi-kubernetes")),
    })),
  );
  return found.filter((policy) => !own.some((o) => same(o, policy)));
}

/** What an error says about those that somebody made by hand; empty when there are none. */
export function leftoversText(policies: readonly Leftover[]): string {
  const names = namesOf(policies.filter(({ goes }) => !goes));
  return names === ""
    ? ""
    : `\nthese policies are there too, and not the stack's: ${names}\nfix: delete them, or make them the stack's`;
}

/** How long answers may be wrong while there are policies that go afterwards, in seconds: proxies take a few. */
export const patienceBeforeDeletion = 10;

/** Whether policies that go afterwards are all that is in the way: each wrong answer is one that they can be the reason of. */
export function isInTheirWay(policies: readonly Leftover[], wrong: readonly Wrong[]): boolean {
  const others = policies.some(({ goes }) => !goes);
  return !others && wrong.every((one) => policies.some((policy) => canBeBy(policy, one)));
}

/**
 * Whether a policy can be the reason of a wrong answer. What tokens or a caller's own side of a connection are about
 * cannot: the gate brings no token, and goes past its own proxy.
 */
function canBeBy({ kind, namespace }: PolicyName, { question }: Wrong): boolean {
  if (!question) return false;
  const atGateway = question.app === stackGateway.app;
  const byRules = ["answered", "denied"].includes(question.expect);
  // what a service asks of connections decides who it takes the gateway for
  if (kind === "PeerAuthentication")
    return atGateway ? byRules : touches(namespace, question.namespace);
  // what comes through the gateway is the services' to judge as well
  if (kind === "AuthorizationPolicy")
    return byRules && (atGateway || touches(namespace, question.namespace));
  return kind === "DestinationRule" && atGateway && byRules;
}

/** Whether policies of a namespace are about workloads of another: those of Istio's own are about the whole mesh. */
function touches(namespace: string, workloads: string): boolean {
  return namespace === workloads || namespace === stackGateway.namespace;
}

/**
 * What is said where policies that go afterwards are all that is in the way.
 *
 * Pulumi deletes what a stack no longer has at the end of an update, after this check.
 */
export function goingText(policies: readonly Leftover[], wrong: readonly Wrong[]): string {
  return [
    `${notProved}${namesOf(policies)} still there. Pulumi deletes what a stack no longer has after this check: the next update asks again. Until then:`,
    ...wrong.map(({ text }) => `  ${text}`),
  ].join("\n");
}

function namesOf(policies: readonly PolicyName[]): string {
  return policies.map(({ kind, namespace, name }) => `${kind} ${name} in ${namespace}`).join(", ");
}

function same(a: PolicyName, b: PolicyName): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}
