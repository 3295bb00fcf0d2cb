import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { answer } from "../../meaning/answer.ts";
import { type Platform, platformOf } from "../../meaning/manifests/platform.ts";
import { ofProbe, reasonFor } from "../../meaning/of-probe.ts";
import { type Settings, modeOf, parseSettings } from "../../settings/index.ts";
import { graphQuestions } from "../../verify/calls.ts";
import { type ProbeRequest, type ProbeTarget, controlOf } from "../../verify/probe.ts";
import { requestOf } from "../../verify/probes/access.ts";
import { probesFor } from "../../verify/probes/index.ts";
import { stackObjects, stackPlatform } from "./support/manifests.ts";
import { root, settings } from "./support/settings.ts";

/** A stack as a file in the checkout has it. */
function shipped(file: string): Settings {
  const { config } = parse(fs.readFileSync(path.join(root, file), "utf8")) as {
    config: Record<string, unknown>;
  };
  const values = Object.entries(config).map(([key, v]) => [key.replace("bankmesh:", ""), v]);
  const { settings: read, problems } = parseSettings("x", Object.fromEntries(values), {});
  assert.deepEqual(problems, []);
  return read!;
}

const issuer = { name: "bank", issuer: "https://issuer.bank", audiences: ["bank"], keyIds: ["k1"] };
const partner = {
  ...issuer,
  name: "partner",
  issuer: "https://partner",
  headers: [{ name: "X-P" }],
};

/** Everything that rules can ask for, beside what the shipped stacks have. */
const rich = {
  authorization: "enforce",
  mtlsMode: "PERMISSIVE",
  gatewayTls: "SIMPLE",
  trustedProxies: 2,
  workloadMtls: [{ service: "orders", mode: "STRICT" }],
  authentication: {
    issuers: [{ ...issuer, spaceDelimitedClaims: ["teams"] }, partner],
    exempt: ["/users/health", "*.css"],
    requireExpiry: true,
  },
  services: [
    {
      name: "users",
      allowFrom: [
        { gateway: true, methods: ["GET"], token: true },
        { gateway: true, methods: ["PUT"], claims: { teams: "red", "realm.roles": ["a", "b*"] } },
        { service: "orders", paths: ["/users/*", "*.json"], headers: { "X-Trace": "on*" } },
        { namespace: "shop", methods: ["GET"] },
      ],
      denyFrom: [
        { headers: { "x-blocked": "yes" } },
        { gateway: true, paths: ["/users/internal/*"] },
      ],
    },
    {
      name: "orders",
      allowFrom: [
        { gateway: true, token: true, issuer: "partner" },
        { gateway: true, remoteIpBlocks: ["203.0.113.0/28"], methods: ["POST"] },
        { service: "users", claims: { scope: "orders:read" } },
      ],
      denyFrom: [{ gateway: true, remoteIpBlocks: ["203.0.113.9"] }],
    },
    {
      name: "ledger",
      ports: [
        { port: 9000, targetPort: 9000, protocol: "tcp" },
        { port: 7070, targetPort: 7070, protocol: "grpc" },
      ],
      allowFrom: [{ service: "orders", ports: [9000] }],
    },
    {
      name: "quotes",
      prefix: false,
      ports: [{ port: 7070, targetPort: 7070, protocol: "grpc" }],
      allowFrom: [{ service: "orders", rpcs: ["/bank.Quotes/Get", "/bank.Admin/*"] }],
    },
  ],
  clients: [
    { name: "web", namespace: "shop" },
    { name: "cart", namespace: "shop", injection: "none" },
    { name: "till", namespace: "mall", injection: "pod" },
  ],
};
const plain = { mtlsMode: "DISABLE", gatewayTls: "NONE" };
const ports = [80, 81].map((port) => ({ port, targetPort: port + 8000, protocol: "http" }));
const portModes = [{ service: "users", ports: { "8081": "PERMISSIVE" } }];

const stacks: Readonly<Record<string, Settings>> = {
  ...Object.fromEntries(
    ["Pulumi.dev.yaml", "Pulumi.staging.yaml", "Pulumi.prod.yaml"]
      .concat(
        ["demo", "fruits", "namespaces", "production"].map((e) => `examples/${e}/Pulumi.${e}.yaml`),
      )
      .map((file) => [file, shipped(file)]),
  ),
  "with everything": settings(rich),
  "with everything, in a dry run": settings({ ...rich, authorization: "dry-run" }),
  "with everything, without rules": settings({ ...rich, authorization: "off" }),
  "with everything, tokens looked at everywhere": settings({
    ...rich,
    authentication: { ...rich.authentication, inside: "namespace" },
  }),
  "with everything, tokens looked at everywhere, half rolled out": settings({
    ...rich,
    authentication: { ...rich.authentication, inside: "namespace" },
    rollout: { mode: "only", services: ["orders"] },
  }),
  "with everything, nobody in the mesh by default": settings({ ...rich, meshDefaultDeny: true }),
  "half rolled out": settings({ ...rich, rollout: { mode: "only", services: ["orders"] } }),
  "rolled out at the gateway": settings({
    ...rich,
    rollout: { mode: "all-but", namespaces: ["istio-system"] },
  }),
  "without mTLS": settings({ ...plain, services: [{ name: "users" }] }),
  "with modes of ports": settings({
    ...{ mtlsMode: "STRICT", workloadMtls: portModes },
    services: [{ name: "users", ports }],
  }),
  "of client certificates": settings({
    ...{ gatewayTls: "MUTUAL", meshMtlsMode: "STRICT", mtlsMode: "STRICT" },
    destinationRule: { scope: "mesh" },
  }),
};

const platforms = new Map<Settings, Promise<Platform>>();
/** Each is made once. */
function platformFor(s: Settings): Promise<Platform> {
  const made = platforms.get(s) ?? stackPlatform(s);
  platforms.set(s, made);
  return made;
}

function targetOf(s: Settings): ProbeTarget {
  return {
    settings: s,
    podAddresses: Object.fromEntries(s.services.map((x, i) => [x.name, `10.0.0.${i + 1}`])),
    callerHost: "curl-1.bank.svc.cluster.local",
    twin: {
      ...{ service: s.services[0]!.name, namespace: "verify-1", podAddress: "10.0.1.1" },
      ...(s.meshDefaultDeny && { ruleless: "ruleless" }),
    },
  };
}

/** What the evaluator says of a probe's request beside what it should be, for those that are about manifests. */
function compared(platform: Platform, target: ProbeTarget) {
  const { settings: s } = target;
  const pairs: { what: string; expected: string; got: string | undefined; by?: string }[] = [];
  const add = (what: string, request: ProbeRequest, expected: string) => {
    const asked = ofProbe(request, target);
    if (!asked) return;
    const said = answer(platform, asked);
    pairs.push({ what, expected, got: reasonFor(said, request), by: said.by });
  };
  for (const probe of probesFor(s)) {
    for (const item of probe.each?.(s) ?? [""]) {
      const what = `${probe.id} ${item}`.trim();
      add(what, probe.send(target, item), probe.expect(s, item).reason);
      const control = controlOf(probe, s, item);
      if (control) add(`control of ${what}`, control.send(target, item), control.succeeds ?? "ok");
    }
  }
  return pairs;
}

describe("manifests are read as settings are meant", () => {
  for (const [name, s] of Object.entries(stacks)) {
    test(`${name}: every probe, and its control`, async () => {
      const platform = await platformFor(s);
      assert.deepEqual(platform.unjudged, []);
      const pairs = compared(platform, targetOf(s));
      assert.ok(pairs.length >= 5, String(pairs.length));
      assert.deepEqual(
        pairs.filter(({ expected, got }) => expected !== got),
        [],
      );
    });
  }

  for (const [name, s] of Object.entries(stacks).filter(([, x]) => x.authorization === "enforce"))
    test(`${name}: every call of the graph, as policies/decide.ts has it`, async () => {
      const platform = await platformFor(s);
      const target = targetOf(s);
      const wrong: object[] = [];
      let asked = 0;
      for (const [text, { call, decision }] of graphQuestions(s)) {
        const service = s.services.find((x) => x.name === call.service)!;
        // rules are not all: STRICT refuses plaintext before them
        if (call.from.kind === "plaintext" && modeOf(s, service) === "STRICT") continue;
        const request = ofProbe(requestOf(target, call), target);
        if (!request) continue;
        asked += 1;
        const said = answer(platform, request);
        if ((said.verdict === "open") !== decision.allowed) wrong.push({ text, decision, said });
        else if (!decision.allowed && decision.routed !== false && said.at !== decision.at)
          wrong.push({ text, decision, said });
      }
      assert.ok(asked > 0 || s.services.every((x) => !x.allowFrom), String(asked));
      assert.deepEqual(wrong, []);
    });

  test("and a policy that says something else is seen", async () => {
    const s = stacks["Pulumi.prod.yaml"]!;
    const objects = await stackObjects(s);
    for (const [name, change] of [
      ["allow-payments", (spec: { rules: object[] }) => spec.rules.pop()],
      ["allow-gateway", (spec: { rules: object[] }) => spec.rules.splice(1, 1)],
      ["default", (spec: { mtls: { mode: string } }) => (spec.mtls.mode = "PERMISSIVE")],
    ] as const) {
      const changed = structuredClone(objects);
      change(changed.find((o) => o.metadata.name === name)!.spec as never);
      const pairs = compared(platformOf(changed), targetOf(s));
      assert.ok(
        pairs.some(({ expected, got }) => expected !== got),
        name,
      );
    }
  });
});

describe("a probe that no manifest decides", () => {
  const s = stacks["Pulumi.prod.yaml"]!;
  const target = targetOf(s);
  const host = { from: "host", to: "https", host: s.host, path: "/users" } as const;
  for (const [what, request] of [
    ["a tool", { from: "tool", check: "analyze" }],
    ["what a client makes of a certificate", { ...host, trust: "system" }],
    ["a cipher", { ...host, ciphers: "AES128-SHA" }],
    ["a server of the probe's own", { ...host, to: "control-server" }],
    ["a host beside the stack", { from: "mesh", url: "http://kube-dns.kube-system:9153/" }],
    [
      "a port that no Service has",
      { from: "mesh", url: "http://users.bank.svc.cluster.local:81/" },
    ],
  ] as const)
    test(`${what} is none of its`, () =>
      assert.equal(ofProbe(request as ProbeRequest, target), undefined));
});
