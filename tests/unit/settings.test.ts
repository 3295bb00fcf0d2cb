import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, test } from "node:test";
import {
  formatProblems,
  knownKeys,
  parseSettings,
  secretKeys,
  settingsSchema,
} from "../../settings/index.ts";
import { readSources } from "../../sources/index.ts";
import { accessErrors } from "./support/access-errors.ts";
import { configErrors as otherErrors } from "./support/config-errors.ts";
import { airgap, keySet, root } from "./support/settings.ts";

const configErrors = [...otherErrors, ...accessErrors];

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-settings-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true }));

function write(name: string, content: string): string {
  const file = path.join(folder, name);
  fs.writeFileSync(file, content);
  return file;
}

const official = { BANKMESH_SOURCES: path.join(root, "sources/official.json") };
const airgapped = { BANKMESH_SOURCES: write("airgap.json", JSON.stringify(airgap)) };

/** The values as Pulumi hands them to a program: text, JSON for what is no text. */
function asText(raw: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(raw).map(([key, v]) => [key, typeof v === "string" ? v : JSON.stringify(v)]),
  );
}

describe("a wrong value is refused by key, value, what is allowed and the command that fixes it", () => {
  for (const row of configErrors) {
    test(`${row.key} is ${row.value}`, () => {
      const env = row.airgap ? airgapped : official;
      for (const raw of [row.raw, asText(row.raw)]) {
        const { settings, problems } = parseSettings("dev", raw, env);
        assert.equal(settings, undefined);
        const [problem] = problems;
        assert.ok(problem, "no problem was found");
        assert.deepEqual(
          { key: problem.key, value: problem.value, fix: problem.fix },
          { key: row.key, value: row.value, fix: row.fix },
        );
        assert.ok(problem.allowed.includes(row.allowed), `allowed is: ${problem.allowed}`);
        assert.deepEqual(
          problems.map((p) => p.key),
          [row.key],
        );
      }
    });
  }

  test("every key of the schema has a row", () => {
    const covered = new Set(configErrors.map((row) => /^\w+/.exec(row.key)![0]));
    const keys = Object.keys(settingsSchema.shape);
    assert.deepEqual(
      keys.filter((key) => !covered.has(key)),
      [],
    );
    assert.deepEqual(knownKeys, [...keys, ...secretKeys]);
  });

  test("no row shows the schema library's own words", () => {
    for (const { raw, airgap: isAirgap } of configErrors) {
      for (const p of parseSettings("dev", raw, isAirgap ? airgapped : official).problems) {
        assert.doesNotMatch(p.allowed, /invalid|expected|received|too (small|big)/i);
      }
    }
  });
});

describe("all problems come in one message", () => {
  const raw = {
    mtlsMode: "strict",
    httpPort: 8443,
    unknown1: "x",
    sources: "/no/such",
    services: [
      { name: "users", timeout: "5", first: 1, second: 2 },
      { name: "orders", prefix: "/users" },
    ],
    pki: { renewalWindowHours: 9999 },
    caKeyPem: "-----BEGIN EC PRIVATE KEY-----\nsecretsecret\n-----END EC PRIVATE KEY-----\n",
  };

  test("shapes, unknown keys, rules between keys, sources and certificates", () => {
    const { problems } = parseSettings("prod", raw, official);
    assert.deepEqual(problems.map((p) => p.key).sort(), [
      "caCertPem",
      "httpPort",
      "mtlsMode",
      "pki.renewalWindowHours",
      "services[0].first",
      "services[0].second",
      "services[0].timeout",
      "services[1].prefix",
      "sources",
      "unknown1",
    ]);
  });

  test("the message counts them, names the stack and says that nothing was touched", () => {
    const { problems } = parseSettings("prod", raw, official);
    const message = formatProblems("prod", problems);
    assert.match(
      message,
      /^the configuration of stack "prod" has 10 problems; nothing was touched\n {2}1\. /,
    );
    for (const p of problems) {
      assert.ok(message.includes(`bankmesh:${p.key} is ${p.value}\n     allowed: ${p.allowed}\n`));
      assert.ok(message.includes(`     fix:     ${p.fix}`));
      assert.match(p.fix, /--stack prod /);
    }
  });

  test("one problem is counted as one", () => {
    const { problems } = parseSettings("dev", { mtlsMode: "x" }, official);
    assert.match(formatProblems("dev", problems), /has 1 problem; /);
  });

  test("one entry that cannot be read hides nothing that is wrong with others", () => {
    const services = [
      "users",
      { name: "orders", allowFrom: [{ gateway: true, methods: ["get"] }, { namespace: "nosuch" }] },
      { name: "ledger", prefix: "/orders", allowFrom: [{ gateway: true, claims: { a: "b" } }] },
    ];
    const issuers = [{ name: "bank", issuer: "https://issuer.bank" }];
    const given = { services, authentication: { issuers }, trustedProxies: 1 };
    const { problems } = parseSettings("dev", { ...given, authorization: "enforce" }, official);
    assert.deepEqual(problems.map((p) => p.key).sort(), [
      "authentication.issuers[0].audiences",
      "services[0]",
      "services[1].allowFrom[0].methods[0]",
      "services[1].allowFrom[1].namespace",
      "services[2].prefix",
    ]);
  });

  test("fixes that take entries out of a list can be run one after another", () => {
    const rule = { gateway: true, rpcs: ["/a.B/C"] };
    const services = [{ name: "users", allowFrom: [rule, { ...rule, methods: ["GET"] }] }];
    const { problems } = parseSettings("dev", { services }, official);
    const message = formatProblems("dev", problems);
    const removed = [...message.matchAll(/config rm .*allowFrom\[(\d)\]'/g)].map((m) => m[1]);
    assert.deepEqual(removed, ["1", "0"]);
    assert.match(message, /the command of 1 mends this too/);
  });

  test("a wrong name of a service does not make whoever names another look wrong", () => {
    const services = [{ name: "Users" }, { name: "ledger" }];
    const workloadMtls = [{ service: "ledger", mode: "STRICT" }];
    const { problems } = parseSettings("dev", { services, workloadMtls }, official);
    assert.deepEqual(
      problems.map((p) => p.key),
      ["services[0].name"],
    );
  });
});

describe("what is right is taken", () => {
  test("defaults", () => {
    const { settings, problems } = parseSettings("dev", {}, official);
    assert.deepEqual(problems, []);
    assert.deepEqual(settings, {
      mtlsMode: "PERMISSIVE",
      workloadMtls: [],
      authorization: "off",
      authentication: { issuers: [], exempt: [], inside: "workloads", requireExpiry: false },
      rollout: { mode: "all", services: [], namespaces: [] },
      meshDefaultDeny: false,
      gatewayTls: "SIMPLE",
      cluster: "kind",
      clusterName: "istio-poc",
      throwAway: false,
      workers: 0,
      registryMirrors: {},
      preloadImages: [],
      adopt: [],
      namespace: "bank",
      host: "app.local",
      trustedProxies: 0,
      httpPort: 8080,
      httpsPort: 8443,
      services: [{ name: "users" }, { name: "orders" }, { name: "payments" }],
      clients: [],
      enforcementGate: { enabled: true, timeoutSeconds: 60 },
      pki: {
        algorithm: "RSA",
        rsaBits: 2048,
        ecdsaCurve: "P256",
        caValidityHours: 87600,
        leafValidityHours: 8760,
        renewalWindowHours: 720,
      },
      istio: {
        drainDuration: "5s",
        workloadCertTtlHours: 24,
        resources: {},
        gatewayReplicas: 1,
      },
    });
  });

  const everything = {
    mtlsMode: "STRICT",
    meshMtlsMode: "PERMISSIVE",
    workloadMtls: [{ service: "users", mode: "STRICT", ports: { "9090": "PERMISSIVE" } }],
    destinationRule: {
      ...{ scope: "services", services: ["users"] },
      except: ["legacy.bank.svc.cluster.local"],
    },
    authorization: "dry-run",
    authentication: {
      issuers: [
        {
          ...{ name: "partner", issuer: "https://partner", audiences: ["bank"] },
          jwks: keySet,
          headers: [{ name: "x-token", prefix: "Token " }],
          parameters: [{ name: "token", reason: "a partner's links cannot set headers" }],
          spaceDelimitedClaims: ["groups", "https://bank.example/groups"],
          claimHeaders: { "x-user": "sub" },
        },
      ],
      exempt: ["/v1/users/health"],
      inside: "namespace",
      requireExpiry: true,
    },
    rollout: { mode: "all", services: [], namespaces: [] },
    meshDefaultDeny: true,
    gatewayTls: "MUTUAL",
    cluster: "existing",
    clusterName: "5",
    throwAway: true,
    workers: 2,
    nodeImage: `kindest/node@sha256:${"0".repeat(64)}`,
    registryMirrors: { "docker.io": ["http://127.0.0.1:5000"] },
    preloadImages: ["registry.example:5000/team/app:1.4.2"],
    context: "other",
    gatewayServiceType: "LoadBalancer",
    adopt: ["namespaces", "istio"],
    namespace: "1bank",
    host: "1.2",
    httpPort: 1,
    httpsPort: 443,
    services: [
      {
        name: "users",
        image: "bank/users:1",
        ports: [
          { port: 80, targetPort: 8080, protocol: "http" },
          { name: "metrics", port: 9090, targetPort: 9090, protocol: "tcp" },
        ],
        environment: { A: "b" },
        resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { cpu: "0.5" } },
        healthPath: "/healthz",
        replicas: 2,
        version: "v2",
        prefix: "/v1/users",
        timeout: "500ms",
        retries: { attempts: 0, perTryTimeout: "1s" },
        requestHeaders: { "x-bank": "1" },
        allowFrom: [{ gateway: true }, { service: "ledger", ports: [9090] }],
        denyFrom: [{ namespace: "legacy", ports: [9090] }],
      },
      { name: "ledger", prefix: false, allowFrom: [{ namespace: "shop", claims: { a: ["b"] } }] },
    ],
    pki: {
      algorithm: "ECDSA",
      rsaBits: 4096,
      ecdsaCurve: "P384",
      caValidityHours: 100,
      leafValidityHours: 10,
      renewalWindowHours: 1,
    },
    istio: {
      revision: "1-31",
      drainDuration: "45s",
      workloadCertTtlHours: 1,
      resources: { istiod: { requests: { cpu: "500m" } } },
      gatewayReplicas: 3,
    },
    clients: [{ name: "curl", namespace: "universe", injection: "pod" }],
    enforcementGate: { enabled: false, timeoutSeconds: 90 },
    trustedProxies: 1,
    echoImage: "echo:1",
    sources: path.join(root, "sources/official.json"),
  };

  test("every key, typed as YAML has it and as text as Pulumi has it", () => {
    assert.deepEqual(Object.keys(everything).sort(), Object.keys(settingsSchema.shape).sort());
    for (const raw of [everything, asText(everything)]) {
      const { settings, problems } = parseSettings("dev", raw, {});
      assert.deepEqual(problems, []);
      assert.deepEqual(settings, everything);
    }
  });

  test("plaintext alone at a service that the rollout has not reached", () => {
    const services = [{ name: "a", allowFrom: [{ gateway: true }] }, { name: "b" }];
    const given = { services, workloadMtls: [{ service: "b", mode: "DISABLE" }] };
    const rollout = { mode: "only", services: ["a"] };
    const enforced = { ...given, authorization: "enforce" };
    assert.deepEqual(parseSettings("dev", { ...enforced, rollout }, official).problems, []);
  });

  test("a number for what is text by the schema, as Pulumi takes it from a stack's file", () => {
    const typed = parseSettings("dev", { clusterName: 5, namespace: 7 }, official).settings;
    const text = parseSettings("dev", { clusterName: "5", namespace: "7" }, official).settings;
    assert.equal(typed?.clusterName, "5");
    assert.deepEqual(typed, text);
  });

  test("a whole CPU, which YAML reads as a number", () => {
    const services = [{ name: "users", resources: { limits: { cpu: 1 } } }];
    const { settings } = parseSettings("dev", { services }, official);
    assert.deepEqual(settings?.services[0]?.resources, { limits: { cpu: "1" } });
  });

  test("sources: the stack's own file, else the route's, else the official one", () => {
    const own = write(
      "own.json",
      JSON.stringify({
        ...airgap,
        images: { echo: "e:1", curl: "c:1", nginx: "n:1", httpd: "h:1", "istio-app": "a:1" },
      }),
    );
    const echo = (raw: Record<string, unknown>, env: NodeJS.ProcessEnv) =>
      parseSettings("dev", raw, env).sources?.images.echo;
    assert.equal(echo({ sources: own }, airgapped), "e:1");
    assert.equal(echo({}, airgapped), airgap.images.echo);
    const before = process.cwd();
    process.chdir(root);
    assert.equal(echo({}, {}), "ealen/echo-server:0.9.2");
    process.chdir(before);
  });
});

describe("a sources file that is wrong is named, with the field", () => {
  const rows: [string, string, RegExp][] = [
    ["not JSON", "{", /broken\.json is not JSON/],
    ["a field missing", "{}", /broken\.json: route: /],
    ["an unknown route", JSON.stringify({ ...airgap, route: "x" }), /broken\.json: route: /],
    [
      "a chart without a path",
      JSON.stringify({
        ...airgap,
        istio: { ...airgap.istio, charts: { ...airgap.istio.charts, base: {} } },
      }),
      /broken\.json: istio\.charts\.base\.chart: /,
    ],
  ];
  for (const [what, content, message] of rows) {
    test(what, () => {
      const file = write("broken.json", content);
      assert.throws(() => readSources(file), message);
      const { problems } = parseSettings("dev", {}, { BANKMESH_SOURCES: file });
      assert.deepEqual(
        problems.map((p) => p.key),
        ["sources"],
      );
      assert.match(problems[0]!.allowed, message);
    });
  }
});
