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
import { levelOf, policies } from "../../policies/guardrails/pack.ts";
import { exemptionRule, rules } from "../../policies/guardrails/rules/index.ts";
import { cases } from "./support/guardrails/cases.ts";
import { bank, object, spec } from "./support/guardrails/platform.ts";

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

  for (const [id, passes, fails] of cases)
    test(`${id} tells what is wrong from what is not`, () => {
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
    // whether there are keys is known all the same
    const keys = judgeStack(ruleOf("jwt-02"), [later], defaultSettings);
    assert.deepEqual(keys, { findings: [], unknowns: [] });
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
  test("that are shipped are complete; prod has none for its policies", () => {
    const prod = forStack(shippedExemptions(rules), "prod").map((e) => e.rule.split("-")[0]);
    for (const theme of ["mesh", "id", "az", "jwt", "gw"]) assert.ok(!prod.includes(theme), theme);
  });
});
