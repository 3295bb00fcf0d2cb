import assert from "node:assert/strict";
import * as fs from "node:fs";
import { describe, test } from "node:test";
import { UnknownValueError, unknownCheckingProxy } from "@pulumi/policy";
import { checkResources } from "../../policies/guardrails/check-manifests.ts";
import {
  forStack,
  readExemptions,
  shippedExemptions,
} from "../../policies/guardrails/exemptions.ts";
import { defaultSettings, judgeResource, judgeStack } from "../../policies/guardrails/judge.ts";
import type { Resource } from "../../policies/guardrails/resource.ts";
import { policies } from "../../policies/guardrails/pack.ts";
import { levelOf } from "../../policies/guardrails/rule.ts";
import { exemptionRule, rules } from "../../policies/guardrails/rules/index.ts";
import { cases } from "./support/guardrails/cases.ts";
import { chart } from "./support/guardrails/makers.ts";
import { moreAccessCases } from "./support/guardrails/more-access-cases.ts";
import { moreEdgeCases } from "./support/guardrails/more-edge-cases.ts";
import { morePlatformCases } from "./support/guardrails/more-platform-cases.ts";
import {
  bank,
  gateway,
  gatewayPods,
  http,
  https,
  mesh,
  object,
  spec,
} from "./support/guardrails/platform.ts";

const ruleOf = (id: string) => rules.find((rule) => rule.id === id)!;
const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

describe("rules", () => {
  test("each has a case, an id of its own, a description, and documentation", () => {
    assert.deepEqual(
      cases.map(([id]) => id),
      rules.map((rule) => rule.id),
    );
    assert.equal(new Set(rules.map((rule) => rule.id)).size, rules.length);
    for (const { id, description, url } of rules) {
      assert.ok(description.length > 20, id);
      assert.match(url, /^https:\/\//, id);
    }
  });

  const plain = cases.map(
    ([id, ...both]) => [id, "what is wrong and what is not", ...both] as const,
  );
  const more = [...moreAccessCases, ...moreEdgeCases, ...morePlatformCases];
  for (const [id, name, passes, fails] of [...plain, ...more])
    test(`${id} tells apart: ${name}`, () => {
      const options = { rules: [ruleOf(id)], exemptions: [] };
      assert.deepEqual(checkResources(passes, options), []);
      const found = checkResources(fails, options);
      assert.notEqual(found.length, 0);
      for (const { message } of found) assert.match(message, /^\S+: .+\. Fix: .+\. See https:/);
    });

  test("docs/guardrails.md lists each with its level and what it asks", () => {
    const docs = fs.readFileSync(new URL("../../docs/guardrails.md", import.meta.url), "utf8");
    const rows = [...docs.matchAll(/^\| (\w+-\d+a?) +\| (\w+) +\| (.+?) +\|$/gm)];
    assert.deepEqual(
      rows.map(([, ...cells]) => cells),
      [...rules, exemptionRule].map((r) => [
        r.id,
        r.disabled ? "disabled" : r.level,
        r.description,
      ]),
    );
  });

  test("what is not built yet is disabled, what is mandatory is so without a configuration", () => {
    const disabled = rules.filter((rule) => levelOf(rule) === "disabled").map((rule) => rule.id);
    assert.deepEqual(disabled, ["tf-01", "obs-01"]);
    for (const rule of rules.filter((r) => !r.disabled))
      assert.equal(levelOf(rule), rule.level === "mandatory" ? "mandatory" : "advisory", rule.id);
  });
});

describe("values that are known only after the update", () => {
  const hidden = (props: object) => unknownCheckingProxy(props);

  test("a rule says so, and neither falls over nor lets it pass", () => {
    const made = spec("RequestAuthentication bank/t", {
      jwtRules: [{ issuer: "i", audiences: ["a"], jwks: unknownText }],
    });
    const later = { ...made, props: hidden(made.props) };
    const { findings, unknowns } = judgeResource(ruleOf("jwt-03"), later, defaultSettings);
    assert.deepEqual(findings, []);
    assert.match(unknowns.join(), /spec\.jwtRules\.0\.jwks can't be known/);
    // they may turn out to be an empty text, which is none
    const keys = judgeStack(ruleOf("jwt-02"), [later], defaultSettings);
    assert.deepEqual(keys.findings, []);
    assert.match(keys.unknowns.join(), /jwks can't be known/);
  });

  test("what is unknown of one object hides nothing of the next", () => {
    const peer = (name: string, mode: string) =>
      spec(`PeerAuthentication bank/${name}`, { mtls: { mode } });
    const unknown = peer("a", unknownText);
    const resources = [{ ...unknown, props: hidden(unknown.props) }, peer("b", "DISABLE")];
    const { findings, unknowns } = judgeStack(ruleOf("mesh-03"), resources, defaultSettings);
    assert.deepEqual(
      findings.map((f) => f.about),
      ["PeerAuthentication/bank/b"],
    );
    assert.equal(unknowns.length, 1);
  });

  test("whether something runs pods, or counts for istiod, makes rules unsure that ask, and them alone", () => {
    const later = (resource: Resource) => ({ ...resource, props: hidden(resource.props) });
    const deny = (labels: object) => spec("AuthorizationPolicy bank/deny", {}, { labels });
    const labelled = deny({ "istio.io/rev": "stable" });
    const istiod = (value: string) =>
      spec("Deployment istio-system/istiod", {
        template: {
          metadata: { labels: { istio: "pilot" } },
          spec: { containers: [{ name: "discovery", env: [{ name: "REVISION", value }] }] },
        },
      });
    const asked = (...resources: Resource[]) => {
      const { findings, unknowns } = judgeStack(ruleOf("az-01"), resources, defaultSettings);
      return [findings.length, unknowns.length];
    };
    assert.deepEqual(asked(bank, labelled, istiod("stable")), [0, 0]);
    assert.deepEqual(asked(bank, labelled, istiod("canary")), [1, 0]);
    assert.deepEqual(asked(bank, labelled, later(istiod(unknownText))), [0, 1]);
    assert.deepEqual(
      asked(bank, later(deny({ "istio.io/rev": unknownText })), istiod("stable")),
      [0, 1],
    );
    // labels of others are no affair of revisions
    const space = object("Namespace other", {}, { labels: { "istio.io/rev": unknownText } });
    const judged = judgeStack(ruleOf("mesh-03"), [later(space), istiod("x")], defaultSettings);
    assert.deepEqual(judged, { findings: [], unknowns: [] });
    // nothing of a kind that nobody knows is a workload until it is known to run pods
    const unread = later(object("Rollout bank/x", { spec: unknownText }));
    const none = judgeStack(ruleOf("mesh-03"), [unread], defaultSettings);
    assert.deepEqual(none, { findings: [], unknowns: [] });
    const workloads = judgeStack(ruleOf("id-01"), [unread], defaultSettings);
    assert.equal(workloads.unknowns.length, 1);
    assert.deepEqual(workloads.findings, []);
  });

  test("the engine is told in the error that it shows as advice", () => {
    const context = { stack: "dev", exemptions: [], now: new Date() };
    const [policy] = policies(context, [ruleOf("jwt-03")]);
    const { props, type } = spec("RequestAuthentication bank/t", {
      jwtRules: [{ jwks: unknownText }],
    });
    const args = {
      type,
      name: "t",
      urn: "urn",
      props: hidden(props),
      opts: {},
      getConfig: () => ({}),
    };
    const validate = Reflect.get(policy!, "validateResource");
    assert.throws(
      () => (validate as (...of: unknown[]) => void)(args, assert.fail),
      (e) => {
        assert.ok(e instanceof UnknownValueError);
        assert.match(
          String(Reflect.get(e as object, "message")),
          /^cannot judge until the update: .*jwks/,
        );
        return true;
      },
    );
  });

  test("no rule falls over any resource of which nothing is known", () => {
    const all = cases.flatMap(([, passes, fails]) => [...passes, ...fails]);
    const unknown = all.map((resource) => {
      const props = Object.keys(resource.props).map((key) => [key, unknownText]);
      return { ...resource, props: hidden(Object.fromEntries(props) as object) };
    });
    for (const rule of rules) {
      for (const resource of unknown) judgeResource(rule, resource, defaultSettings);
      judgeStack(rule, unknown, defaultSettings);
    }
  });
});

describe("parts and settings", () => {
  const partsOf = (version: string) =>
    judgeStack(ruleOf("ist-01"), [chart("istiod", version)], defaultSettings).findings.map(
      (f) => f.part,
    );

  test("ist-01 tells a release with flaws from what is no release", () => {
    assert.deepEqual(partsOf("1.31.0"), ["floor"]);
    assert.deepEqual(partsOf("1.31.0-git.eed52ebb66ad"), ["unreleased"]);
    assert.deepEqual(partsOf("1.31.1"), []);
  });

  test("gw-11 knows kind by a cluster among the resources, or by the settings", () => {
    const edge = spec("Service istio-system/edge", {
      ...{ type: "LoadBalancer", selector: { istio: "ingressgateway" }, ports: [] },
    });
    const found = (kind: boolean | undefined) =>
      checkResources([gatewayPods(), edge], {
        rules: [ruleOf("gw-11")],
        settings: kind === undefined ? {} : { kind },
        exemptions: [],
      }).length;
    assert.deepEqual([undefined, false, true].map(found), [0, 0, 1]);
  });
});

describe("objects that cannot be read", () => {
  const broken = gateway({ hosts: ["./a"] });
  const second = (...servers: object[]) =>
    spec("Gateway bank/second", { selector: { istio: "ingressgateway" }, servers });

  test("are a mandatory finding of rules that only advise, too", () => {
    const [found, ...others] = checkResources([broken], {
      rules: [ruleOf("gw-03a")],
      exemptions: [],
    });
    assert.deepEqual(others, []);
    assert.equal(found!.level, "mandatory");
    assert.match(
      found!.message,
      /^Gateway\/bank\/gw: cannot be judged: spec\.servers\[0\] has no port with a protocol\. Fix: mend the object\./,
    );
  });

  test("hide nothing of the next one, and are told of once", () => {
    const resources = [broken, second(http, https()), gatewayPods(), mesh("a: b: c")];
    const options = { rules: [ruleOf("gw-02"), ruleOf("gw-08")], exemptions: [] };
    assert.deepEqual(
      checkResources(resources, options).map((v) => `${v.rule} ${v.about}`),
      [
        "gw-02 Gateway/bank/second",
        "gw-02 Gateway/bank/gw",
        "gw-08 Deployment/istio-system/istio-ingressgateway",
        "gw-08 ConfigMap/istio-system/istio",
      ],
    );
  });

  test("are a violation to the engine", () => {
    const told: string[] = [];
    const context = { stack: "dev", exemptions: [], now: new Date() };
    const [policy] = policies(context, [ruleOf("gw-02")]);
    const args = {
      resources: [{ ...broken, urn: "urn", opts: {}, dependencies: [] }],
      getConfig: () => ({}),
    };
    const validate = Reflect.get(policy!, "validateStack") as (...of: unknown[]) => void;
    validate(args, (message: string) => told.push(message));
    assert.match(told.join("\n"), /^Gateway\/bank\/gw: cannot be judged: [^\n]+$/);
  });

  test("are covered by an exemption that says so alone", () => {
    const found = (rule: string) =>
      checkResources([broken], {
        rules: [ruleOf("gw-03")],
        exemptions: [
          {
            ...{ rule, resource: "Gateway/*", reason: "r", owner: "o", expires: "2027-06-30" },
          },
        ],
        now: new Date("2027-01-15T12:00:00Z"),
      }).length;
    assert.deepEqual(["gw-03", "gw-03/unjudged"].map(found), [1, 0]);
  });

  test("no rule falls over any object of which nothing can be read", () => {
    const all = cases.flatMap(([, passes, fails]) => [...passes, ...fails]);
    const shapes = ["text", 1, [null], { servers: [null], rules: [null], template: "text" }];
    for (const shape of shapes) {
      const broken_ = all.map((resource) => {
        const { metadata, ...fields } = resource.props;
        const props = Object.fromEntries(Object.keys(fields).map((key) => [key, shape]));
        return { ...resource, props: { ...props, metadata } };
      });
      for (const rule of rules) {
        for (const resource of broken_) judgeResource(rule, resource, defaultSettings);
        judgeStack(rule, broken_, defaultSettings);
      }
    }
  });
});

describe("exemptions", () => {
  const now = new Date("2027-01-15T12:00:00Z");
  const resources = [bank, object("Namespace istio-system")];
  const entry = (more: object = {}) => ({
    ...{ rule: "az-01", resource: "Namespace/bank", reason: "a demo", owner: "me" },
    ...{ expires: "2027-01-15", ...more },
  });
  const check = (exemption: object, stack?: string) =>
    checkResources(resources, {
      rules: [ruleOf("az-01")],
      exemptions: readExemptions(JSON.stringify([exemption]), rules),
      now,
      ...(stack && { stack }),
    }).map((v) => v.rule);

  test("cover what they name, up to their last day", () => {
    assert.deepEqual(check(entry()), []);
    assert.deepEqual(check(entry({ resource: "Namespace/shop" })), ["az-01"]);
    assert.deepEqual(check(entry({ rule: "mesh-01" })), ["az-01"]);
  });
  test("that have expired cover nothing, and are a violation themselves", () => {
    assert.deepEqual(check(entry({ expires: "2027-01-14" })), ["az-01", "ex-01"]);
  });
  test("for a stack count there alone", () => {
    assert.deepEqual(check(entry({ stacks: ["dev"] }), "dev"), []);
    assert.deepEqual(check(entry({ stacks: ["dev"] }), "prod"), ["az-01"]);
    assert.deepEqual(check(entry({ stacks: ["dev"] })), ["az-01"]);
  });
  test("of a part leave the rest of the rule", () => {
    const found = checkResources([object("Namespace istio-system")], {
      rules: [ruleOf("wl-05")],
      exemptions: readExemptions(
        JSON.stringify([entry({ rule: "wl-05/enforce", resource: "Namespace/*" })]),
        rules,
      ),
      now,
    });
    assert.equal(found.length, 2);
  });
  test("that are not complete are refused, all at once", () => {
    const bad = [
      { ...entry(), owner: undefined, until: "x" },
      entry({ rule: "no-01", expires: "soon" }),
    ];
    assert.throws(
      () => readExemptions(JSON.stringify(bad), rules),
      (e: Error) => {
        assert.match(e.message, /exemptions\[0\]: owner has to be a text\n/);
        assert.match(e.message, /exemptions\[0\]: there is no field until/);
        assert.match(e.message, /exemptions\[1\]: there is no rule no-01\n/);
        assert.match(e.message, /exemptions\[1\]: expires is soon/);
        return true;
      },
    );
  });
  test("name a kind before the first *, and no year that is far off", () => {
    const problem = (more: object) => {
      try {
        readExemptions(JSON.stringify([entry(more)]), rules);
        return undefined;
      } catch (e) {
        return (e as Error).message;
      }
    };
    for (const resource of ["*", "Deploy*", "*/bank/users", "/*"])
      assert.match(problem({ resource }) ?? "", /name a kind before the first \*/, resource);
    for (const resource of ["Deployment/*", "Namespace/bank", "PrivateKeys"])
      assert.equal(problem({ resource }), undefined, resource);
    assert.equal(problem({ expires: "2028-12-31" }), undefined);
    assert.match(problem({ expires: "2029-01-01" }) ?? "", /2028 is the last year/);
  });
  test("that are shipped are complete; prod has none for its policies", () => {
    const prod = forStack(shippedExemptions(rules), "prod").map((e) => e.rule.split("-")[0]);
    for (const theme of ["mesh", "id", "az", "jwt", "gw"]) assert.ok(!prod.includes(theme), theme);
  });
});
