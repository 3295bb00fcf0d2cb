import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, describe, test } from "node:test";
import { parse } from "yaml";
import { escaped, mermaid } from "../../graph/mermaid.ts";
import { type AccessGraph, accessGraph } from "../../graph/model.ts";
import { svg } from "../../graph/svg.ts";
import { joined, shown } from "../../graph/words.ts";
import { serviceAllow } from "../../policies/authorization.ts";
import { parseSettings } from "../../settings/index.ts";
import { root, settings } from "./support/settings.ts";

const nasty = [
  '<b>"a"</b>',
  "#35;|x|",
  "%%{init: {}}%%",
  "a\\nb",
  "&lt;",
  "x_y\u202e",
  "style:#1;",
];
const rich = {
  authorization: "enforce",
  gatewayTls: "MUTUAL",
  meshDefaultDeny: true,
  authentication: {
    issuers: [
      { name: "bank", issuer: "https://issuer.bank", audiences: ["bank"], keyIds: ["k1"] },
      { name: "partner", issuer: "https://partner", audiences: ["bank"] },
    ],
    exempt: ["/payments/health", "*.css"],
  },
  services: [
    { name: "users", allowFrom: [{ gateway: true }, { service: "orders", methods: ["GET"] }] },
    {
      name: "orders",
      allowFrom: [
        { gateway: true, token: true },
        { namespace: "shop-floor" },
        { principal: "cluster.local/ns/bank/sa/users-sa", methods: ["GET", "PUT"] },
        { principal: "cluster.local/ns/shop/sa/web" },
      ],
    },
    {
      name: "payments",
      allowFrom: [
        { gateway: true, methods: ["POST"], claims: { scope: "payments:write", role: nasty } },
        { gateway: true, claims: { role: ["admin", "clerk"] }, issuer: "bank" },
        { service: "orders", paths: ["/payments"], headers: { "x-style": "a b" } },
      ],
      denyFrom: [{ gateway: true, paths: ["/payments/internal*"] }, { methods: ["TRACE"] }],
    },
    {
      name: "end-x",
      prefix: false,
      sourceImage: "istio-app",
      ports: [{ port: 90, targetPort: 9090, protocol: "grpc" }],
      allowFrom: [{ service: "payments", rpcs: ["/bank.Ledger/Append"], ports: [9090] }],
    },
  ],
};
const graphOf = (values: object = {}) => accessGraph("dev", settings({ ...rich, ...values }));
const full = graphOf();

/** The edges to a node, one line each: `caller kind: what, it, asks for`. */
function to({ edges }: AccessGraph, id: string): string[] {
  return edges
    .filter((edge) => edge.to === id)
    .map(({ from, kind, lines }) => `${from} ${kind}: ${lines.join("; ")}`);
}

const node = ({ nodes }: AccessGraph, id: string) => nodes.find((n) => n.id === id);

describe("graph: who may call what", () => {
  test("the nodes are the gateway, the services and whom rules name, each once", () => {
    assert.deepEqual(
      full.nodes.map(({ id, kind }) => `${id} ${kind}`),
      [
        "outside outside",
        "gateway gateway",
        "service_users service",
        "service_orders service",
        "service_payments service",
        "service_end_x service",
        "namespace_shop_floor caller",
        "principal_1 caller",
        "anybody caller",
        "note_mesh note",
      ],
    );
    assert.deepEqual(node(full, "gateway")?.lines, ["gateway", "app.local", "gatewayTls: MUTUAL"]);
    assert.deepEqual(node(full, "principal_1")?.lines, [
      "principal",
      "cluster.local/ns/shop/sa/web",
    ]);
    assert.deepEqual(node(full, "namespace_shop_floor")?.lines, [
      "namespace shop-floor",
      "every workload",
    ]);
  });

  test("every rule is an edge that says what it asks for", () => {
    assert.deepEqual(to(full, "service_users"), [
      "gateway allow: /users and below",
      "service_orders allow: GET",
      "gateway open: no token; *.css; any method",
    ]);
    assert.deepEqual(to(full, "service_orders").slice(0, -1), [
      "gateway allow: /orders and below; any valid token",
      "namespace_shop_floor allow: every request",
      "service_users allow: GET, PUT",
      "principal_1 allow: every request",
    ]);
    assert.deepEqual(to(full, "service_end_x"), [
      "service_payments allow: rpc /bank.Ledger/Append; port 9090",
    ]);
  });

  test("a rule about one version says so", () => {
    const services = [
      { name: "users", allowFrom: [{ service: "orders", version: "v1" }] },
      { name: "orders", allowFrom: [{ gateway: true }] },
    ];
    const authentication = { issuers: [], exempt: [] };
    assert.deepEqual(to(graphOf({ services, authentication }), "service_users"), [
      "service_orders allow: version v1",
    ]);
  });

  test("what is refused comes first, what needs no token last", () => {
    const edges = to(full, "service_payments");
    assert.deepEqual(edges.slice(0, 2), [
      "gateway deny: deny; /payments/internal*",
      "anybody deny: deny; TRACE",
    ]);
    assert.match(
      edges[2]!,
      /^gateway allow: POST; .*; valid token; claim scope = payments:write; /,
    );
    assert.deepEqual(edges.slice(3), [
      "gateway allow: /payments and below; token of bank; claim role = admin or clerk",
      'service_orders allow: /payments; header x-style = "a b"',
      "gateway open: no token; /payments/health, *.css; any method",
    ]);
  });

  test("exempt paths are those of the service's policy", () => {
    const s = settings(rich);
    const ofPolicy = serviceAllow(s, s.services[2]!).rules?.at(-1)?.to?.[0]?.operation?.paths;
    assert.deepEqual(to(full, "service_payments").at(-1)?.split("; ")[1]?.split(", "), ofPolicy);
  });

  for (const [mode, text] of [
    ["NONE", "HTTP, in plain text"],
    ["SIMPLE", "HTTPS"],
    ["MUTUAL", "HTTPS with a client certificate"],
  ] as const)
    test(`the way to the gateway with ${mode}: ${text}`, () =>
      assert.deepEqual(to(graphOf({ gatewayTls: mode }), "gateway"), [`outside allow: ${text}`]));

  test("off: the routes, and one node that says what is open", () => {
    const off = graphOf({ authorization: "off", meshDefaultDeny: false });
    assert.match(off.title, /authorization off\)$/);
    assert.deepEqual(off.nodes.at(-1), {
      id: "note_off",
      kind: "note",
      lines: ["authorization: off:", "every workload may call every service"],
    });
    assert.deepEqual(
      off.edges.slice(1).map(({ from, kind, lines }) => `${from} ${kind} ${lines.join()}`),
      ["users", "orders", "payments"].map((name) => `gateway open /${name} and below`),
    );
  });

  test("dry-run: the same rules, and the title says that nothing is refused", () => {
    const dry = graphOf({ authorization: "dry-run" });
    assert.match(dry.title, /dry-run: refused in the access log alone/);
    assert.match(full.title, /enforce: what has no arrow is refused\)/);
    assert.deepEqual({ ...dry, title: "" }, { ...full, title: "" });
  });

  test("a rollout that has reached the gateway alone: its rules are drawn, no others", () => {
    const rollout = { mode: "only", namespaces: ["istio-system"] };
    const edge = graphOf({ rollout, meshDefaultDeny: false });
    assert.deepEqual(node(edge, "service_payments")?.lines, [
      "payments",
      "open inside the mesh:",
      "the rollout has reached the gateway alone",
    ]);
    const ofGateway = (lines: string[]) => lines.filter((line) => line.startsWith("gateway "));
    assert.deepEqual(to(edge, "service_payments"), ofGateway(to(full, "service_payments")));
  });

  test("a refusal that the gateway cannot ask is drawn once the service asks it", () => {
    const refusals = (mode: string, refusal: object) => {
      const rules = { allowFrom: [{ gateway: true }], denyFrom: [{ gateway: true, ...refusal }] };
      const services = [{ name: "payments", ...rules }];
      const rollout = { mode, namespaces: ["istio-system"] };
      const edges = to(graphOf({ services, rollout, meshDefaultDeny: false }), "service_payments");
      return edges.filter((edge) => edge.startsWith("gateway deny"));
    };
    const drawn = ["gateway deny: deny; POST; /payments and below"];
    assert.deepEqual(refusals("only", { methods: ["POST"], ports: [8080] }), []);
    assert.deepEqual(refusals("only", { methods: ["POST"] }), drawn);
    const atService = [`${drawn[0]}; port 8080`];
    assert.deepEqual(refusals("all-but", { methods: ["POST"], ports: [8080] }), atService);
  });

  test("what the rollout has not reached is open, and its rules are not drawn", () => {
    const rollout = { mode: "all-but", services: ["payments", "end-x"] };
    const partly = graphOf({ rollout, meshDefaultDeny: false });
    assert.match(partly.title, /refused, but to what is open\)/);
    assert.deepEqual(node(partly, "service_payments"), {
      id: "service_payments",
      kind: "open",
      lines: ["payments", "open to everybody:", "the rollout has not reached it"],
    });
    assert.deepEqual(to(partly, "service_payments"), ["gateway open: /payments and below"]);
    assert.deepEqual(to(partly, "service_end_x"), []);
    assert.equal(node(partly, "anybody"), undefined);
    assert.deepEqual(to(partly, "service_users"), to(full, "service_users"));
  });
});

describe("words of the graph", () => {
  test("what could be taken for something else stands in quotation marks", () => {
    assert.equal(shown("payments:write"), "payments:write");
    assert.equal(shown("a or b"), '"a or b"');
    assert.equal(shown("a,b"), '"a,b"');
    assert.equal(shown('"'), String.raw`"\""`);
    assert.equal(shown("a\n\u202e\uffff\u0085"), String.raw`"a\n\u{202e}\u{ffff}\u{85}"`);
  });

  test("long lists go on in another line, and lose nothing", () => {
    const parts = Array.from({ length: 20 }, (_, i) => `/path/number/${i}`);
    const lines = joined(parts, ", ");
    assert.ok(lines.length > 5 && lines.every((line) => line.length <= 44));
    assert.equal(lines.join(" "), parts.join(", "));
    assert.deepEqual(joined(["a".repeat(60), "b"], " or ", "claim x = "), [
      `claim x = ${"a".repeat(60)} or`,
      "b",
    ]);
    assert.deepEqual(joined([]), []);
  });
});

describe("graph as Mermaid", () => {
  const text = mermaid(full);

  test("nothing that Mermaid reads as its own is left in a label", () => {
    assert.equal(escaped('a"b'), "a#34;b");
    assert.equal(escaped("<x>|#1;"), "#60;x#62;#124;#35;1#59;");
    assert.equal(escaped("/a/*_`%&\\"), "/a/#42;#95;#96;#37;#38;#92;");
    assert.equal(escaped("a:b: c:"), "a#58;b: c:");
    assert.equal(escaped("Style classDef www.x"), "#83;tyle #99;lassDef #119;ww.x");
    assert.equal(escaped("é 😀"), "é #128512;");
  });

  test("codes lead back to the labels, none missing", () => {
    const labels = [...text.matchAll(/"([^"\n]*)"[\])|]/g)].map(([, inner]) =>
      inner!.split("<br/>").map(decoded).join("\n"),
    );
    const wanted = [...full.nodes, ...full.edges].map(({ lines }) => lines.join("\n"));
    assert.deepEqual(labels.sort(), [...wanted, "namespace bank"].sort());
  });

  test("a refusal is dashed and red, what needs no rule orange", () => {
    const arrows = text.split("\n").filter((line) => /-->|-\.->/.test(line));
    assert.equal(arrows.length, full.edges.length);
    const places = (kind: string) => full.edges.flatMap((e, i) => (e.kind === kind ? [i] : []));
    arrows.forEach((line, i) =>
      assert.equal(line.includes("-.->"), full.edges[i]!.kind === "deny", line),
    );
    assert.ok(text.includes(`linkStyle ${places("deny").join(",")} stroke:#cf222e`));
    assert.ok(text.includes(`linkStyle ${places("open").join(",")} stroke:#bc4c00`));
  });

  test("an open service is marked", () => {
    const rollout = { mode: "all-but", services: ["users", "end-x"] };
    const partly = mermaid(graphOf({ rollout, meshDefaultDeny: false }));
    assert.match(partly, /^ {2}class service_users,service_end_x open$/m);
    assert.doesNotMatch(text, / open$/m);
  });

  test("the same settings give the same text", () => assert.equal(mermaid(graphOf()), text));
});

describe("graph as SVG", async () => {
  const image = await svg(full);
  const texts = [...image.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, t]) => parsed(t!));

  test("it holds each line of each label, and the title", () => {
    const lines = [...full.nodes, ...full.edges].flatMap((x) => x.lines);
    assert.deepEqual(texts.sort(), [...lines, full.title, "namespace bank"].sort());
  });

  test("it has a white ground, a title and a description for those who cannot see it", () => {
    assert.match(image, /^<svg role="img" aria-labelledby="access-title" /);
    assert.match(image, /<polygon fill="white" stroke="none"/);
    const [, title] = /<title id="access-title">([^<]*)<\/title>/.exec(image) ?? [];
    assert.equal(parsed(title!), full.title);
    const [, words] = /<desc id="access-description">([^<]*)<\/desc>/.exec(image) ?? [];
    assert.match(parsed(words!), /^anybody → payments: deny; TRACE$/m);
    assert.equal(words!.split("\n").length, full.edges.length + 1);
  });

  test("a refusal is dashed and red", () => {
    const dashed = [...image.matchAll(/<path [^>]*stroke="#cf222e"[^>]*stroke-dasharray=/g)];
    assert.equal(dashed.length, full.edges.filter(({ kind }) => kind === "deny").length);
  });
});

describe("npm run graph", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-graph-"));
  after(() => fs.rmSync(folder, { recursive: true }));
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [path.join(root, "scripts/cli.ts"), "graph", ...args], {
      encoding: "utf8",
      env: { ...process.env, INIT_CWD: folder },
    });

  test("prints the graph of a stack, or writes it where it was called", () => {
    const printed = run("staging");
    assert.equal(printed.status, 0, printed.stderr);
    assert.match(printed.stdout, /^---\ntitle: "Stack staging: .*"\n---\nflowchart LR\n/);
    const written = run("staging", "--svg", "out.svg");
    assert.equal(written.stdout, `${path.join(folder, "out.svg")}\n`, written.stderr);
    assert.match(fs.readFileSync(path.join(folder, "out.svg"), "utf8"), /^<svg [^]*<\/svg>\n$/);
  });

  test("a stack or a folder that is not there is refused", () => {
    assert.match(run("stagng").stderr, /did you mean staging\?/);
    const { status, stderr } = run("--svg", "no/such/folder.svg");
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^error: --svg: .*no\/such\/folder\.svg cannot be written: there is no such/,
    );
  });

  test("the README shows what its stack gives", () => {
    const readme = fs.readFileSync(path.join(root, "README.md"), "utf8");
    const section = readme.slice(readme.indexOf("## Who may call what"));
    const block = (language: string) =>
      new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "m").exec(section)![1]!;
    const raw = Object.entries(parse(block("yaml")) as object).map(
      ([key, value]) => [key.replace("bankmesh:", ""), value as unknown] as const,
    );
    const { settings: own, problems } = parseSettings("dev", Object.fromEntries(raw), {});
    assert.deepEqual(problems, []);
    assert.equal(block("mermaid"), mermaid(accessGraph("dev", own!)));
  });
});

/** The text behind Mermaid's codes. */
function decoded(text: string): string {
  return text.replace(/#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}

/** The text behind the entities of XML. */
function parsed(text: string): string {
  const names: Record<string, string> = { quot: '"', lt: "<", gt: ">", amp: "&" };
  return text.replace(/&(?:#(\d+)|(\w+));/g, (_, code: string | undefined, name: string) =>
    code === undefined ? names[name]! : String.fromCodePoint(Number(code)),
  );
}
