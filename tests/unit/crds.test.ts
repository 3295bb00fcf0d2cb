import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { Crds, type Definition } from "../../policies/schemas/crds.ts";
import { vendoredCharts } from "../../sources/rendered.ts";
import { root } from "./support/settings.ts";

const file = path.join(root, vendoredCharts, "base/files/crd-all.gen.yaml");
const definitions = parseAllDocuments(fs.readFileSync(file, "utf8"))
  .map((document) => document.toJS() as Definition | null)
  .filter((definition) => definition !== null);
const crds = new Crds(definitions);

const one = (kind: string, spec: object, apiVersion = "security.istio.io/v1") => {
  const object = { apiVersion, kind, metadata: { name: "x" }, spec };
  return crds.problems(object);
};
const networking = "networking.istio.io/v1";
const selector = { matchLabels: { app: "x" } };
const route = [{ destination: { host: "x" } }];
const targetRefs = [{ kind: "Service", group: "", name: "x" }];

describe("the CRDs of the vendored chart", () => {
  test("every rule in them can be evaluated", () => {
    assert.deepEqual(crds.unreadable, []);
    assert.ok(crds.rules >= 36, String(crds.rules));
  });

  const rows: [
    what: string,
    wrong: string[] | undefined,
    right: string[] | undefined,
    problem: string[],
  ][] = [
    [
      "a port of no workload",
      one("PeerAuthentication", { portLevelMtls: { 80: { mode: "STRICT" } } }),
      one("PeerAuthentication", { portLevelMtls: { 80: { mode: "STRICT" } }, selector }),
      ["spec: portLevelMtls requires selector"],
    ],
    [
      "a port that is none",
      one("PeerAuthentication", { portLevelMtls: { 65536: { mode: "STRICT" } }, selector }),
      one("PeerAuthentication", { portLevelMtls: { 65535: { mode: "STRICT" } }, selector }),
      ["spec.portLevelMtls: port must be between 1-65535"],
    ],
    [
      "a selector with a wildcard",
      one("AuthorizationPolicy", { selector: { matchLabels: { app: "*" } } }),
      one("AuthorizationPolicy", { selector: { matchLabels: { app: "x" } } }),
      ["spec.selector.matchLabels.app: wildcard not allowed in label value match"],
    ],
    [
      "a selector and a target",
      one("AuthorizationPolicy", { selector, targetRefs }),
      one("AuthorizationPolicy", { targetRefs }),
      ["spec: only one of targetRefs or selector can be set"],
    ],
    [
      "keys from two places",
      one("RequestAuthentication", {
        jwtRules: [{ issuer: "i", jwks: "{}", jwksUri: "https://i" }],
      }),
      one("RequestAuthentication", { jwtRules: [{ issuer: "i", jwksUri: "https://i" }] }),
      ["spec.jwtRules[0]: only one of jwks or jwksUri can be set"],
    ],
    [
      "keys by another scheme",
      one("RequestAuthentication", { jwtRules: [{ issuer: "i", jwksUri: "ftp://i" }] }),
      one("RequestAuthentication", { jwtRules: [{ issuer: "i", jwksUri: "http://i" }] }),
      ["spec.jwtRules[0].jwksUri: url must have scheme http:// or https://"],
    ],
    [
      "a timeout that is too short",
      one("VirtualService", { hosts: ["x"], http: [{ timeout: "1us", route }] }, networking),
      one("VirtualService", { hosts: ["x"], http: [{ timeout: "1m30s", route }] }, networking),
      ["spec.http[0].timeout: must be a valid duration greater than 1ms"],
    ],
    [
      "two ports of one number",
      one(
        "ServiceEntry",
        {
          hosts: ["x"],
          ports: [
            { name: "a", number: 1 },
            { name: "b", number: 1 },
          ],
        },
        networking,
      ),
      one(
        "ServiceEntry",
        {
          hosts: ["x"],
          ports: [
            { name: "a", number: 1 },
            { name: "b", number: 2 },
          ],
        },
        networking,
      ),
      ["spec.ports: port number cannot be duplicated"],
    ],
    [
      "a field that does not exist",
      one("PeerAuthentication", { mtls: { mod: "STRICT" } }),
      one("PeerAuthentication", { mtls: { mode: "STRICT" } }),
      ["spec.mtls.mod: there is no such field"],
    ],
    [
      "a mode that does not exist",
      one("PeerAuthentication", { mtls: { mode: "ON" } }),
      one("PeerAuthentication", { mtls: { mode: "UNSET" } }),
      ["spec.mtls.mode: must be equal to one of the allowed values"],
    ],
  ];
  for (const [what, wrong, right, problem] of rows) {
    test(`refuse ${what}, and not its neighbour`, () => {
      assert.deepEqual(wrong, problem);
      assert.deepEqual(right, []);
    });
  }

  test("a version that they do not have is named, and other kinds are not theirs", () => {
    assert.deepEqual(one("PeerAuthentication", {}, "security.istio.io/v2"), [
      "apiVersion: there is no PeerAuthentication security.istio.io/v2; there are v1, v1beta1",
    ]);
    assert.equal(one("Deployment", {}, "apps/v1"), undefined);
  });
});

describe("rules that cannot be evaluated", () => {
  const made = (rule: string) =>
    new Crds([
      {
        spec: {
          group: "g",
          names: { kind: "K" },
          versions: [
            {
              name: "v1",
              schema: {
                openAPIV3Schema: {
                  type: "object",
                  properties: {
                    spec: { type: "string", "x-kubernetes-validations": [{ rule, message: "no" }] },
                  },
                },
              },
            },
          ],
        },
      },
    ]);
  for (const rule of ["self.lowerAscii(", "self == oldSelf"]) {
    test(`${rule} is named, and allows nothing`, () => {
      const strange = made(rule);
      assert.equal(strange.unreadable.length, 1);
      assert.ok(strange.unreadable[0]!.startsWith(`${rule}: `));
      const problems = strange.problems({ apiVersion: "g/v1", kind: "K", ...{ spec: "x" } });
      assert.deepEqual(problems, ["spec: no (the rule cannot be evaluated here)"]);
    });
  }

  test("one that ends in an error allows nothing, and says which", () => {
    const [problem] = made("self.nothing == 1").problems({
      ...{ apiVersion: "g/v1", kind: "K" },
      ...{ spec: "x" },
    })!;
    assert.match(problem!, /^spec: no \(.+\)$/);
  });
});
