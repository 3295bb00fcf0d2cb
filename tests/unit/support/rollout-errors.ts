import { allow, authentication, issuers, payments, row } from "./access-words.ts";
import { type ConfigError, removePath, setPath } from "./config-error.ts";

/** Wrong steps of a rollout, and wrong places to look at tokens. */
export const rollouts: readonly ConfigError[] = [
  row(
    payments(
      { prefix: false, allowFrom: [{ service: "orders" }] },
      { authorization: "enforce", rollout: { mode: "all-but", services: ["payments", "orders"] } },
    ),
    "rollout.services",
    '{"services":["payments","orders"],"namespaces":[]}',
    "something that leaves a service: all-but with these applies no rule at all",
    "pulumi config set --stack dev authorization off",
  ),
  row(
    payments(
      { allowFrom: [{ gateway: true, remoteIpBlocks: ["203.0.113.0/24"] }] },
      {
        ...{ authorization: "enforce", trustedProxies: 1 },
        rollout: { mode: "all-but", namespaces: ["istio-system"], services: ["orders"] },
      },
    ),
    `${allow}.remoteIpBlocks`,
    '["203.0.113.0/24"]',
    "nothing before the rollout has reached the gateway",
    setPath("rollout.mode", "all"),
  ),
  row(
    { authentication: { inside: "namespace" } },
    "authentication.inside",
    '"namespace"',
    "workloads without issuers",
    removePath("authentication.inside"),
  ),
  row(
    { authentication: { ...authentication, inside: "namespace" } },
    "authentication.inside",
    '"namespace"',
    "workloads while authorization is off",
    removePath("authentication.inside"),
  ),
  row(
    { authentication: { issuers: [{ ...issuers[0], spaceDelimitedClaims: ["realm.roles"] }] } },
    "authentication.issuers[0].spaceDelimitedClaims[0]",
    '"realm.roles"',
    "the name of a claim at the top of the token",
    setPath("authentication.issuers[0].spaceDelimitedClaims[0]", "<value>"),
  ),
  row(
    payments(
      { allowFrom: [{ gateway: true, claims: { groups: "a b" } }] },
      { authentication: { issuers: [{ ...issuers[0], spaceDelimitedClaims: ["groups"] }] } },
    ),
    `${allow}.claims.groups`,
    '"a b"',
    "one word",
    removePath(allow),
  ),
  row(
    { rollout: { mode: "all-but", namespaces: ["bank", "shop"] } },
    "rollout.namespaces[1]",
    '"shop"',
    "one of bank, istio-system",
    removePath("rollout.namespaces[1]"),
  ),
  row(
    { rollout: { namespaces: ["bank"] } },
    "rollout.namespaces",
    '["bank"]',
    "nothing while rollout.mode is all",
    removePath("rollout.namespaces"),
  ),
  row(
    { rollout: { mode: "only" } },
    "rollout.services",
    "[]",
    "at least one service, or rollout.namespaces",
    setPath("rollout.services[0]", "users"),
  ),
  row(
    { rollout: { services: ["users"] } },
    "rollout.services",
    '["users"]',
    "nothing while rollout.mode is all",
    removePath("rollout.services"),
  ),
];
