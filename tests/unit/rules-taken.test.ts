import assert from "node:assert/strict";
import * as path from "node:path";
import { describe, test } from "node:test";
import { parseSettings } from "../../settings/index.ts";
import { authentication, issuers, payments } from "./support/access-words.ts";
import { root } from "./support/settings.ts";

const env = { BANKMESH_SOURCES: path.join(root, "sources/official.json") };
const principal = "cluster.local/ns/istio-system/sa/istio-ingressgateway";
const paths = ["/payments/internal/*"];
const anyToken = { gateway: true, token: true };
const basic = { gateway: true, headers: { Authorization: "Basic *" } };
const xToken = [{ name: "X-Token" }];

/** Good configuration that looks like some of what is refused. */
const taken: readonly [what: string, fields: object, more: object][] = [
  [
    "the gateway's namespace inside, a token at the gateway",
    { allowFrom: [{ namespace: "istio-system" }, anyToken] },
    { authentication },
  ],
  [
    "the gateway's identity inside, a token at the gateway",
    { allowFrom: [anyToken, { principal }] },
    { authentication },
  ],
  [
    "a refusal inside, and the same one where the gateway alone is asked",
    { denyFrom: [{ paths }, { gateway: true, paths }] },
    { rollout: { mode: "all-but", namespaces: ["bank"] } },
  ],
  [
    "a refusal at the service, and one at the gateway too",
    { denyFrom: [{ gateway: true, ports: [8080] }, { gateway: true }] },
    { authorization: "off" },
  ],
  [
    "the other way round",
    { denyFrom: [{ gateway: true }, { gateway: true, ports: [8080] }] },
    { authorization: "off" },
  ],
  [
    "an address at the gateway, and everybody at the service",
    {
      denyFrom: [
        { gateway: true, ports: [8080], paths },
        { gateway: true, paths, remoteIpBlocks: ["10.0.0.0/8"] },
      ],
    },
    { trustedProxies: 1 },
  ],
  ["other credentials where tokens stand", { allowFrom: [basic] }, { authentication }],
  ["a refusal of these", { denyFrom: [basic] }, { authentication }],
  [
    "a header that no token stands in",
    { allowFrom: [{ gateway: true, headers: { authorization: "Bearer *" } }] },
    { authentication: { issuers: [{ ...issuers[0], headers: xToken }] } },
  ],
  [
    "any header where there are no tokens",
    { allowFrom: [{ gateway: true, headers: { authorization: "Bearer *" } }] },
    {},
  ],
];

describe("rules that are taken", () => {
  for (const [what, fields, more] of taken)
    test(what, () => {
      const raw = payments({ allowFrom: [{ service: "orders" }], ...fields }, more);
      assert.deepEqual(parseSettings("dev", raw, env).problems, []);
    });
});
