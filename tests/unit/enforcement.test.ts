import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EnforcementGate, enforcedHash } from "../../components/enforcement-gate.ts";
import { istioObject } from "../../components/istio-object.ts";
import { type EnforcementQuestion, enforcementQuestions } from "../../policies/enforcement.ts";
import type { Evidence } from "../../verify/evidence.ts";
import { askUntilEnforced } from "../../verify/gate/enforced.ts";
import { goingText, isInTheirWay, leftovers, leftoversText } from "../../verify/gate/leftovers.ts";
import type { Kubectl } from "../../verify/kubectl.ts";
import type { PodRequest } from "../../verify/probe.ts";
import { record } from "./support/mocks.ts";
import { settings } from "./support/settings.ts";

const issuers = [{ name: "bank", issuer: "https://issuer", audiences: ["bank"], keyIds: ["k1"] }];
const services = [
  { name: "users", allowFrom: [{ gateway: true }] },
  { name: "orders", prefix: false, allowFrom: [{}] },
  {
    name: "ledger",
    ports: [{ port: 9000, targetPort: 9000, protocol: "tcp" }],
    allowFrom: [{ service: "users" }],
  },
];
const lines = (values: object) =>
  enforcementQuestions(settings({ authentication: { issuers }, services, ...values })).map(
    (q) => `${q.app}:${q.port} ${new URL(q.url).protocol} ${q.text} → ${q.expect}`,
  );

describe("what the gate asks", () => {
  test("STRICT and enforced: plaintext is reset, strangers and requests without a rule are refused", () => {
    assert.deepEqual(lines({ mtlsMode: "STRICT", authorization: "enforce" }), [
      "users:8080 http: plaintext to users (mtlsMode STRICT) → reset",
      "users:8080 https: a workload that no rule names to users → denied",
      "orders:8080 http: plaintext to orders (mtlsMode STRICT) → reset",
      "orders:8080 https: a workload that no rule names to orders → answered",
      "the caller itself:8080 https: a workload that no rule is about (default-deny) → denied",
      "istio-ingressgateway:80 http: /users at the gateway's port for plain HTTP → redirected",
      "istio-ingressgateway:443 https: /users at the gateway, without a token → answered",
    ]);
  });

  test("the namespace's default-deny: of the caller's own pod, once the rollout has reached everybody", () => {
    const own = (values: object) =>
      lines({ authorization: "enforce", ...values }).filter((l) => l.startsWith("the caller"));
    assert.deepEqual(own({ mtlsMode: "PERMISSIVE" }), [
      "the caller itself:8080 http: a workload that no rule is about (default-deny) → denied",
    ]);
    for (const values of [
      { authorization: "dry-run" },
      { authorization: "off" },
      { rollout: { mode: "only", services: ["users"] } },
    ])
      assert.deepEqual(own(values), [], JSON.stringify(values));
  });

  test("PERMISSIVE: plaintext is answered, or refused for it has no identity", () => {
    const plain = (values: object) => lines(values).filter((l) => l.includes("plaintext to users"));
    const about = "users:8080 http: plaintext to users (mtlsMode PERMISSIVE) →";
    assert.deepEqual(plain({}), [`${about} answered`]);
    assert.deepEqual(plain({ authorization: "dry-run" }), [`${about} answered`]);
    assert.deepEqual(plain({ authorization: "enforce" }), [`${about} denied`]);
  });

  test("the gateway: tokens where rules ask for them, certificates where MUTUAL does, HTTP where it is NONE", () => {
    const token = [{ name: "users", allowFrom: [{ gateway: true, token: true }] }];
    const edge = (values: object) =>
      lines({ authorization: "enforce", services: token, ...values })
        .filter((l) => l.startsWith("istio-ingressgateway"))
        .map((l) => l.replace(/^istio-ingressgateway:(\d+) .* → /, "$1 "));
    assert.deepEqual(edge({}), ["80 redirected", "443 denied"]);
    assert.deepEqual(edge({ gatewayTls: "MUTUAL" }), [
      "80 redirected",
      "443 certificate-required",
      "443 denied",
    ]);
    const shown = enforcementQuestions(
      settings({
        gatewayTls: "MUTUAL",
        authorization: "enforce",
        services: token,
        authentication: { issuers },
      }),
    ).filter((q) => q.certificate === "client");
    assert.deepEqual(
      shown.map((q) => [q.text, q.expect]),
      [["/users at the gateway, without a token", "denied"]],
    );
    assert.deepEqual(edge({ gatewayTls: "NONE" }), ["80 denied"]);
  });
});

describe("the gate", () => {
  const evidence = (more: Partial<Evidence>): Evidence => ({
    ...{ at: "", seconds: 0, body: "", message: "", ...more },
  });
  const denied = evidence({ status: 403, body: "RBAC: access denied", exitCode: 0 });
  const answered = evidence({ status: 200, exitCode: 0 });
  const question: EnforcementQuestion = {
    ...{ text: "a stranger", app: "users", namespace: "bank", port: 8080, expect: "denied" },
    url: "https://users.bank.svc.cluster.local:8080/",
    certificate: "mesh",
  };
  /** What each replica answers, round after round; the last goes on. */
  const run = async (answers: Record<string, Evidence[]>, timeoutSeconds = 5) => {
    const sent: PodRequest[] = [];
    let round = 0;
    const seconds = await askUntilEnforced(
      { questions: [question], timeoutSeconds },
      {
        replicas: () =>
          Promise.resolve(
            Object.keys(answers).map((name, i) => ({ name, address: `10.0.0.${i}` })),
          ),
        send: (requests) => {
          sent.push(...requests);
          const of = Object.values(answers).map((all) => all[Math.min(round, all.length - 1)]!);
          round++;
          return Promise.resolve(of);
        },
      },
    );
    return { seconds, rounds: round, sent };
  };

  test("asks each replica by its address, until all are right twice in a row", async () => {
    const { rounds, sent } = await run({ a: [denied], b: [answered, denied, answered, denied] });
    assert.equal(rounds, 5);
    assert.deepEqual(
      sent.slice(0, 2).map((r) => [r.connectTo, r.clientCertificate]),
      [
        ["10.0.0.0:8080", "mesh"],
        ["10.0.0.1:8080", "mesh"],
      ],
    );
  });

  test("ends with what each replica answered once the time is over", async () => {
    await assert.rejects(run({ a: [denied], b: [answered] }, 0), (e: Error) => {
      assert.match(e.message, /a stranger, replica b: expected denied, got ok \(HTTP 200/);
      assert.doesNotMatch(e.message, /replica a/);
      return true;
    });
  });

  test("a proxy without a ready replica enforces nothing", async () => {
    await assert.rejects(run({}, 0), /no replica of bank\/users is ready/);
  });

  test("is a command that gets what is secret by standard input, and runs again when rules change", async () => {
    const args = (values: object = {}) => ({
      settings: settings({ enforcementGate: { enabled: true }, ...values }),
      ...{ kubeconfig: "the kubeconfig", curlImage: "curl:1", echoImage: "echo:1" },
    });
    const policy = () => {
      const metadata = { name: "default", namespace: "bank" };
      const spec = { mtls: { mode: "STRICT" } };
      return istioObject("p", "PeerAuthentication", metadata, spec, {});
    };
    /** The gate beside a policy that the cluster has counted. */
    const make = (generation: number, uid = "u1") =>
      record(
        () => new EnforcementGate("gate", { ...args(), policies: [policy()], deployments: [] }),
        {
          outputs: {
            "kubernetes:security.istio.io/v1:PeerAuthentication": () => ({
              metadata: { name: "default", namespace: "bank", uid, generation },
            }),
          },
        },
      );
    const recording = await make(1);
    const { inputs } = recording.get("command:local:Command", "gate-check");
    assert.equal(inputs.create, "node verify/gate/main.ts");
    assert.equal(inputs.logging, "stderr");
    const { kubeconfig, questions, ...rest } = JSON.parse(inputs.stdin as string) as {
      kubeconfig: string;
      questions: unknown[];
    };
    assert.equal(kubeconfig, "the kubeconfig");
    assert.ok(questions.length > 0);
    assert.deepEqual(rest, {
      ...{ namespace: "bank", image: "curl:1", timeoutSeconds: 60 },
      policies: [{ kind: "PeerAuthentication", namespace: "bank", name: "default" }],
    });
    const enforced = async (...made: Parameters<typeof make>) =>
      (
        (await make(...made)).get("command:local:Command", "gate-check").inputs as {
          environment: { ENFORCED: string };
        }
      ).environment.ENFORCED;
    assert.equal(await enforced(1), await enforced(1));
    // the same settings, but the policy was another one in between
    assert.notEqual(await enforced(3), await enforced(1));
    assert.notEqual(await enforced(1, "u2"), await enforced(1));
    const hash = (values: object) => enforcedHash(args(values));
    assert.equal(hash({ httpsPort: 9443 }), hash({}));
    for (const change of [{ mtlsMode: "STRICT" }, { gatewayTls: "NONE" }, { services }])
      assert.notEqual(hash(change), hash({}));
  });

  test("names policies that are there and not the stack's; those that it deletes itself stand in nobody's way", async () => {
    const item = (kind: string, name: string, manager: string) => ({
      ...{ kind },
      metadata: { namespace: "bank", name, managedFields: [{ manager }] },
    });
    const items = [
      item("PeerAuthentication", "default", "pulumi-kubernetes-1"),
      item("AuthorizationPolicy", "by-hand", "kubectl"),
    ];
    const kubectl = { json: async () => ({ items }) } as unknown as Kubectl;
    const own = { kind: "PeerAuthentication", namespace: "bank", name: "default" };
    const wrong = [{ question, text: "a" }];
    const found = await leftovers(kubectl, [own]);
    assert.match(
      leftoversText(found),
      /not the stack's: AuthorizationPolicy by-hand in bank\nfix: /,
    );
    assert.equal(isInTheirWay(found, wrong), false);
    items.pop();
    assert.equal(leftoversText(await leftovers(kubectl, [own])), "");
    assert.equal(isInTheirWay(await leftovers(kubectl, [own]), wrong), false);
    // of another program on the same cluster
    items.push(item("AuthorizationPolicy", "team-a", "pulumi-kubernetes-3"));
    const foreign = await leftovers(kubectl, [own]);
    assert.match(leftoversText(foreign), /not the stack's: AuthorizationPolicy team-a in bank/);
    assert.equal(isInTheirWay(foreign, wrong), false);
    items.pop();
    items.push(item("AuthorizationPolicy", "deny-users", "pulumi-kubernetes-2"));
    const going = await leftovers(kubectl, [own]);
    assert.equal(leftoversText(going), "");
    assert.equal(isInTheirWay(going, wrong), true);
    assert.match(
      goingText(going, wrong),
      /^not proved: AuthorizationPolicy deny-users in bank still there\. .* asks again\. Until then:\n {2}a$/,
    );
  });

  test("a policy that goes is no excuse for what it cannot be the reason of", () => {
    const at = (app: string, namespace: string, expect: EnforcementQuestion["expect"]) => [
      { question: { ...question, app, namespace, expect }, text: "wrong" },
    ];
    const excuses = (kind: string, namespace: string, wrong: ReturnType<typeof at>) =>
      isInTheirWay([{ kind, namespace, name: "x", goes: true }], wrong);
    const gateway = ["istio-ingressgateway", "istio-system"] as const;
    const rows: [string, string, ReturnType<typeof at>, boolean][] = [
      ["PeerAuthentication", "bank", at("users", "bank", "reset"), true],
      ["PeerAuthentication", "istio-system", at("users", "bank", "reset"), true],
      ["PeerAuthentication", "other", at("users", "bank", "reset"), false],
      ["PeerAuthentication", "bank", at(...gateway, "answered"), true],
      ["PeerAuthentication", "bank", at(...gateway, "redirected"), false],
      ["AuthorizationPolicy", "bank", at("users", "bank", "denied"), true],
      ["AuthorizationPolicy", "bank", at(...gateway, "denied"), true],
      ["AuthorizationPolicy", "bank", at("users", "bank", "reset"), false],
      ["AuthorizationPolicy", "bank", at(...gateway, "certificate-required"), false],
      ["DestinationRule", "bank", at(...gateway, "answered"), true],
      ["DestinationRule", "bank", at("users", "bank", "reset"), false],
      ["RequestAuthentication", "bank", at("users", "bank", "denied"), false],
    ];
    for (const [kind, namespace, wrong, excused] of rows)
      assert.equal(
        excuses(kind, namespace, wrong),
        excused,
        `${kind} ${namespace} ${JSON.stringify(wrong)}`,
      );
    const missing = { text: "no replica of bank/users is ready" };
    const policy = { kind: "AuthorizationPolicy", namespace: "bank", name: "x", goes: true };
    assert.equal(isInTheirWay([policy], [...at("users", "bank", "denied"), missing]), false);
  });
});
