import type { Kubectl } from "../../../verify/kubectl.ts";
import type { PodRequest, Probe, ProbeTarget } from "../../../verify/probe.ts";
import { good } from "../../../verify/probes/edge-requests.ts";
import type { TokenSpec } from "../../../verify/tokens.ts";

/** A pod like those of orders but for its version, and a Service for each version alone. */
export async function otherVersion(kubectl: Kubectl): Promise<object[]> {
  const original = await kubectl.json<{ spec: { template: { spec: object } } }>([
    ...["get", "deployment/orders", "--namespace=bank"],
  ]);
  const labels = { app: "orders", version: "v2" };
  const metadata = { name: "orders-v2", namespace: "bank" };
  const pod = { metadata: { labels }, spec: original.spec.template.spec };
  return [
    {
      ...{ apiVersion: "apps/v1", kind: "Deployment", metadata },
      spec: { selector: { matchLabels: labels }, template: pod },
    },
    ...["v1", "v2"].map((version) => ({
      ...{ apiVersion: "v1", kind: "Service" },
      metadata: { name: `orders-${version}`, namespace: "bank" },
      spec: {
        selector: { ...labels, version },
        ports: [{ name: "http", port: 80, targetPort: 8080 }],
      },
    })),
  ];
}

const toOrders = (host: string): PodRequest => ({
  ...{ from: "mesh", as: "users" },
  url: `http://${host}.bank.svc.cluster.local/`,
});
export const versionProbe: Probe = {
  id: "A-version",
  question: "Is another version closed that no rule is about?",
  why: "the rule's policy selects the version that it names",
  applies: () => true,
  expect: () => ({ reason: "rbac-denied" }),
  send: () => toOrders("orders-v2"),
  control: { differs: "the version that the rule names", send: () => toOrders("orders-v1") },
};

/** The same once somebody else's rule lets the caller in. */
export const openedProbe: Probe = {
  ...{ id: "A15-opened", question: "Is it open once a rule lets the caller in?" },
  ...{ why: "what any policy allows is allowed", applies: () => true },
  expect: () => ({ reason: "ok" }),
  send: () => toOrders("orders-v2"),
};
export const opening = {
  ...{ apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy" },
  metadata: { name: "opening", namespace: "bank" },
  spec: {
    selector: { matchLabels: { app: "orders", version: "v2" } },
    action: "ALLOW",
    rules: [{ from: [{ source: { principals: ["cluster.local/ns/bank/sa/users-sa"] } }] }],
  },
};

/** A pod with curl and an account of its own. */
export function caller(name: string, image: string): object[] {
  const metadata = { name, namespace: "bank" };
  const container = { name: "curl", image, command: ["sleep", "infinity"] };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      ...{ apiVersion: "v1", kind: "Pod", metadata: { ...metadata, labels: { app: "office" } } },
      spec: {
        ...{ serviceAccountName: name, terminationGracePeriodSeconds: 0 },
        containers: [container],
      },
    },
  ];
}

/** A token's last seconds, and what comes after. */
export function timeline(expiresAt: number): readonly [Probe, Probe] {
  const send =
    (token: Partial<TokenSpec>) =>
    ({ settings: s }: ProbeTarget) => ({
      ...good(s, "/payments"),
      token: { issuer: "bank", ...token },
    });
  const common = { id: "J25", why: "its exp and the 60 s of the clocks", applies: () => true };
  return [
    {
      ...{ ...common, question: "Is a token taken in its last seconds?" },
      ...{ expect: () => ({ reason: "ok" }), send: send({ expiresAt }) },
    },
    {
      ...{ ...common, question: "Is the same token refused once they are over?" },
      expect: () => ({ reason: "token-expired", refusedBy: "gateway" }),
      send: send({ expiresAt }),
      control: { differs: "an exp to come", send: send({}) },
    },
  ];
}
