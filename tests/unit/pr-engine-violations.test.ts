import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { StackChange } from "../../scripts/pr/compare.ts";
import {
  describeEngineViolation,
  isOnlyRefused,
  splitViolations,
  unknownTo,
  withoutRefusal,
} from "../../scripts/pr/engine-violations.ts";
import { guardrailSection } from "../../scripts/pr/guardrails.ts";
import { tidied } from "../../scripts/pr/preview.ts";

// what the engine printed for prod with longer lives of certificates and gatewayTls: SIMPLE, less some resources
const said = `warning: using pulumi-language-nodejs from $PATH at /tools/pulumi-language-nodejs
Previewing update (prod):
guardrails: tf-01 is disabled: the platform sets no rate limits yet

guardrails: obs-01 is disabled: the platform sends no traces yet

  pulumi:pulumi:Stack: (same)
    [urn=urn:pulumi:prod::bankmesh::pulumi:pulumi:Stack::bankmesh-prod]
        +-tls:index/locallySignedCert:LocallySignedCert: (replace)
            [id=309406566700377260031959105473959962707]
            [urn=urn:pulumi:prod::bankmesh::bankmesh:pki:Pki$tls:index/locallySignedCert:LocallySignedCert::pki-client-cert]
            [provider=urn:pulumi:prod::bankmesh::pulumi:providers:tls::default_5_6_1::ada0b128-3df4-45ae-8af8-b50ade690cf5]
          ~ validityPeriodHours: 2160 => 8000
    bankmesh-guardrails@v1.0.0 [advisory] [severity: low]  gw-03a  (kubernetes:networking.istio.io/v1:Gateway: edge-gateway)Gateways ask for TLS 1.3
Gateway/bank/bank-gw: spec.servers[1] still speaks TLS 1.2. Fix: set minProtocolVersion to TLSV1_3 once every client can. See https://istio.io/x
        ~ kubernetes:networking.istio.io/v1:Gateway: (update)
            [id=bank/bank-gw]
            [urn=urn:pulumi:prod::bankmesh::bankmesh:edge:IngressGateway$kubernetes:networking.istio.io/v1:Gateway::edge-gateway]
            [provider=urn:pulumi:prod::bankmesh::pulumi:providers:kubernetes::cluster::f1acea50-a9f5-41bd-a13d-c79cf8d36191]
          ~ spec: {
              ~ mode: "MUTUAL" => "SIMPLE"
            }
    --outputs:--
  ~ gatewayTls     : "MUTUAL" => "SIMPLE"
    bankmesh-guardrails@v1.0.0 [advisory] [severity: high]  gw-04  (pulumi:pulumi:Stack: bankmesh-prod)can't run policy 'gw-04' from policy pack 'bankmesh-guardrails@v1.0.0' during preview: cannot judge until the update: string value at .stringData can't be known during preview
    bankmesh-guardrails@v1.0.0 [mandatory] [severity: medium]  pki-01  (tls:index:LocallySignedCert: pki-client-cert)Certificates live as long as the stack allows, shorter than their CA, and renew early
LocallySignedCert/pki-client-cert: lives for 8000 h, at most 2160 are allowed. Fix: set bankmesh:pki.leafValidityHours to 2160 or less. See https://www.pulumi.com/x
    bankmesh-guardrails@v1.0.0 [advisory] [severity: low]  tf-04  (kubernetes:apps/v1:Deployment: edge-proxy:istio-system/istio-ingressgateway)The gateway has timeouts for its routes, and limits for bodies and connections
Deployment/istio-system/istio-ingressgateway: has no limit for bodies and connections. Fix: add an EnvoyFilter for the gateway. See https://www.envoyproxy.io/x
error: preview failed
Resources:
    ~ 1 to update
    +-1 to replace
    2 changes. 87 unchanged

Policy Packs run:
    Name                                                     Version
    bankmesh-guardrails|local|/tmp/head/policies/guardrails  1.0.0
`;
const gateway =
  "Gateway/bank/bank-gw: spec.servers[1] still speaks TLS 1.2. Fix: set minProtocolVersion to TLSV1_3 once every client can. See https://istio.io/x";

describe("violations in the engine's output", () => {
  const { violations, preview } = splitViolations(said);

  test("each with rule, level, message and resource", () => {
    assert.deepEqual(
      violations.map((v) => [v.rule, v.level, v.type, v.name]),
      [
        ["gw-03a", "advisory", "kubernetes:networking.istio.io/v1:Gateway", "edge-gateway"],
        ["gw-04", "advisory", "pulumi:pulumi:Stack", "bankmesh-prod"],
        ["pki-01", "mandatory", "tls:index:LocallySignedCert", "pki-client-cert"],
        [
          ...["tf-04", "advisory", "kubernetes:apps/v1:Deployment"],
          "edge-proxy:istio-system/istio-ingressgateway",
        ],
      ],
    );
    assert.equal(violations[0]!.message, gateway);
    assert.equal(
      violations[1]!.message,
      "cannot judge until the update: string value at .stringData can't be known during preview",
    );
    assert.match(violations[2]!.message, /^LocallySignedCert\/pki-client-cert: lives .*\/x$/);
  });

  test("the preview is what it is without guardrails", () => {
    assert.equal(
      tidied(withoutRefusal(preview), "/tmp/x"),
      `~ kubernetes:networking.istio.io/v1:Gateway edge-gateway (update)
  ~ spec: {
      ~ mode: "MUTUAL" => "SIMPLE"
    }
+- tls:index/locallySignedCert:LocallySignedCert pki-client-cert (replace)
  ~ validityPeriodHours: 2160 => 8000
    --outputs:--
  ~ gatewayTls     : "MUTUAL" => "SIMPLE"
Resources:
    ~ 1 to update
    +-1 to replace
    2 changes. 87 unchanged`,
    );
    const plain = "Resources:\n    84 unchanged\n";
    assert.deepEqual(splitViolations(plain), { violations: [], preview: plain });
  });

  test("a mandatory one is no failed preview; an error beside it is, and so is one that stopped", () => {
    const refused = (text: string) => isOnlyRefused(splitViolations(text));
    assert.equal(refused(said), true);
    assert.equal(refused(said.replace("[mandatory]", "[advisory]")), false);
    const error = "error: Running program '/x' failed with an unhandled exception:\n";
    assert.equal(refused(said.replace("error:", `${error}error:`)), false);
    assert.equal(refused(said.replace(/^Resources:[^]*/m, "")), false);
  });
});

describe("what manifests tell already", () => {
  const { violations } = splitViolations(said);
  const rules = (found: Parameters<typeof unknownTo>[0]) =>
    unknownTo(found, violations).map((v) => v.rule);

  test("is left out, in whatever order it names resources; the rest is sorted, each once", () => {
    const found = { rule: "gw-03a", level: "advisory" as const, message: gateway };
    assert.deepEqual(rules([found]), ["gw-04", "pki-01", "tf-04"]);
    assert.deepEqual(rules([{ ...found, level: "mandatory" }]), ["gw-04", "pki-01", "tf-04"]);
    assert.equal(rules([{ ...found, message: "another" }]).length, 4);
    const twice = { ...violations[0]!, message: "Pods: a, b lack it" };
    assert.deepEqual(unknownTo([{ ...twice, message: "Pods: b, a lack it" }], [twice]), []);
    assert.equal(unknownTo([], [twice, twice]).length, 1);
  });

  test("is kept where it weighs more for the head's guardrails", () => {
    const [, , mandatory] = violations;
    assert.equal(unknownTo([{ ...mandatory!, level: "advisory" }], [mandatory!]).length, 1);
  });

  test("the rest stands in the section with type and name, and may not pass when it is mandatory", () => {
    const change: StackChange = {
      ...{ stack: "prod", before: new Map(), after: new Map(), preview: "" },
      violations,
    };
    const found = { rule: "gw-03a", level: "advisory" as const, message: gateway };
    const { section, refused } = guardrailSection([change], (_, stack) =>
      stack === "prod" ? [found] : [],
    );
    assert.equal(refused, true);
    const [count, , worst] = section.summary.split("\n");
    assert.equal(count, "- `prod`: 1 mandatory, 3 advisory");
    assert.equal(worst, `- \`${describeEngineViolation(violations[2]!)}\``);
    assert.match(
      worst,
      /^- `pki-01 mandatory: .* \(tls:index:LocallySignedCert pki-client-cert\)`$/,
    );
    const { text } = section.details[0]!;
    assert.equal(text.split("\n").length, 3);
    assert.match(text, /- `gw-04 advisory: cannot judge until the update: /);
  });
});
