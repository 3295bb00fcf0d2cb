import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import * as tls from "node:tls";
import { type Settings, readStackFile, settingsSchema } from "../../settings/index.ts";
import { fixturesOn } from "../../verify/ask-all.ts";
import { graphQuestions } from "../../verify/calls.ts";
import { makeCertificate } from "../../verify/certificates.ts";
import { graphRows } from "../../verify/probes/graph-rows.ts";
import { revocationList } from "../../verify/revocations.ts";
import { allProbes, probesFor } from "../../verify/probes/index.ts";
import { rows, rowsOf, rowsThatHold } from "../../verify/rows.ts";
import { stateProbe } from "../../verify/state.ts";
import { root } from "./support/settings.ts";
import { countedRequests, flipFindings, secretsIn } from "../../verify/worlds/findings.ts";
import { judgeLogged } from "../../verify/logged.ts";
import type { Outcome } from "../../verify/runner.ts";

describe("rows of the catalogue", () => {
  it("stand in the documentation with what asks them instead", () => {
    const text = fs.readFileSync(new URL("../../docs/verification.md", import.meta.url), "utf8");
    const flat = text.replaceAll(/\s+/g, " ");
    for (const [id, where] of rows)
      if (where !== "verify")
        assert.match(flat, new RegExp(`\\| ${id} +\\| ${where.elsewhere} +\\|`), id);
  });

  it("stand there with the shipped stacks that are asked themselves", () => {
    const text = fs.readFileSync(new URL("../../docs/verification.md", import.meta.url), "utf8");
    const stacks = ["dev", "staging", "prod"].map((name) => {
      const s = readStackFile(
        ...([`Pulumi.${name}.yaml`, "Pulumi.yaml"].map((f) => path.join(root, f)) as [
          string,
          string,
        ]),
        { BANKMESH_SOURCES: path.join(root, "sources/official.json") },
      ).settings!;
      const asked = probesFor(s, [...allProbes, stateProbe]).flatMap((p) =>
        (p.each?.(s) ?? [""]).flatMap((item) => rowsOf(p, s, item)),
      );
      return new Set(asked);
    });
    const said = [
      ...text.matchAll(/^\| ((?:[A-Z]\d+ ?)+) +\| (asked|-) +\| (asked|-) +\| (asked|-) +\|/gm),
    ];
    const lines = new Map(
      said.flatMap(([, ids, ...of]) =>
        ids!
          .trim()
          .split(" ")
          .map((id) => [id, of] as const),
      ),
    );
    for (const [id, where] of rows)
      if (where === "verify")
        assert.deepEqual(
          lines.get(id),
          stacks.map((of) => (of.has(id) ? "asked" : "-")),
          id,
        );
  });

  it("hold when all that was asked of them does", () => {
    const one = (verdict: string, ...of: string[]) => ({ rows: of, verdict });
    const outcomes = [one("holds", "E5", "E18"), one("fails", "E5"), one("holds", "A1")];
    assert.deepEqual(rowsThatHold(outcomes), ["E18", "A1"]);
  });

  const bank = (allowFrom: object[], extra: object = {}): Settings =>
    settingsSchema.parse({
      authorization: "enforce",
      authentication: {
        issuers: [{ name: "b", issuer: "https://b", audiences: ["b"], keyIds: ["k"], ...extra }],
      },
      services: [{ name: "users", allowFrom }, { name: "orders" }],
    });
  const found = (s: Settings) => {
    const all = [...graphQuestions(s)].flatMap(([text, q]) =>
      graphRows(s, q).map((row) => [row, text] as const),
    );
    return Map.groupBy(all, ([row]) => row);
  };

  it("are found in the calls about a scope", () => {
    const of = found(bank([{ gateway: true, methods: ["POST"], claims: { scope: "a:write" } }]));
    const texts = (row: string) => (of.get(row) ?? []).map(([, text]) => text).join("\n");
    assert.match(texts("A1"), /"scope":"a:write"/);
    assert.match(texts("A2"), /"scope":"other a:write"/);
    assert.match(texts("A3"), /"a:write2".*\n.*"xa:write".*\n.*"A:WRITE"/);
    assert.match(texts("A6"), /token of b$/m);
    assert.match(texts("A7"), /\["a:write"\]/);
    assert.match(texts("A17"), /: PURGE,/);
    assert.equal(of.has("A4"), false);
  });

  it("are found in the calls about other claims, callers and tokens", () => {
    const of = found(
      bank(
        [
          { gateway: true, methods: ["POST"], claims: { scope: "a:write" } },
          { gateway: true, methods: ["POST"], claims: { role: "admin" } },
          { gateway: true, methods: ["PUT"], claims: { groups: "audit" } },
          { gateway: true, methods: ["PATCH"], claims: { "realm.roles": "x" } },
          { service: "orders", methods: ["POST"], claims: { scope: "a:write" } },
        ],
        { spaceDelimitedClaims: ["groups"] },
      ),
    );
    for (const row of ["A4", "A8", "A9", "A10", "A11", "A13", "J3"]) assert.ok(of.has(row), row);
    assert.ok(of.get("A10")!.every(([, text]) => text.includes("token of b")));
    assert.ok(of.get("A11")!.every(([, text]) => /^orders .*no token$/.test(text)));
  });
});

describe("fixtures", () => {
  it("are wanted on a cluster of the stack's own, elsewhere when they are asked for", () => {
    assert.deepEqual((["kind", "existing"] as const).map(fixturesOn({})), [true, false]);
    assert.equal(fixturesOn({ "no-fixtures": true })("kind"), false);
    assert.equal(fixturesOn({ fixtures: true })("existing"), true);
    assert.throws(() => fixturesOn({ fixtures: true, "no-fixtures": true }), /leave one out/);
  });

  it("tell what was wrong with a flip", () => {
    const codes = Array.from({ length: 30 }, () => "200");
    assert.deepEqual(flipFindings("ok", "tls-required", codes), []);
    assert.match(flipFindings("ok", "ok", codes).join(), /not refused after it/);
    assert.match(flipFindings("timeout", "tls-required", codes).join(), /not answered before/);
    assert.match(
      flipFindings("ok", "tls-required", [...codes, "503", "000"]).join(),
      /2 of 32 calls failed: 503, 000/,
    );
    assert.match(flipFindings("ok", "tls-required", ["200"]).join(), /only 1 calls/);
  });

  it("count one caller's requests by mTLS", () => {
    const line = (principal: string, policy: string, n: number) =>
      `istio_requests_total{reporter="destination",source_principal="${principal}",connection_security_policy="${policy}"} ${n}`;
    const metrics = [line("spiffe://a", "mutual_tls", 20), line("spiffe://b", "mutual_tls", 5)];
    metrics.push(line("spiffe://a", "none", 3), "other 1");
    assert.equal(countedRequests(metrics.join("\n"), "spiffe://a"), 20);
  });

  it("find tokens and keys in logs, and do not take empty logs for clean ones", () => {
    const line = '{"start_time":"x","path":"/"}';
    assert.deepEqual(secretsIn(line), []);
    assert.match(secretsIn("").join(), /not read/);
    assert.match(
      secretsIn(`${line}\neyJhbGciOiJSUzI1NiJ9.eyJzdWIi.x`).join(),
      /1 lines hold a token/,
    );
    assert.match(secretsIn(`${line}\n-----BEGIN RSA PRIVATE KEY-----`).join(), /private key/);
  });
});

describe("what a log says of a request", () => {
  const identities = {
    ...{ caller: "spiffe://c", gateway: "spiffe://g" },
    ...{ service: (n: string) => `spiffe://${n}`, client: (n: string) => n },
  };
  const judged = (accessLog?: object) =>
    judgeLogged(
      {
        ...{ verdict: "holds", text: "answered", expected: { reason: "ok", logged: true } },
        request: { from: "mesh", as: "orders", url: "http://x/" },
        evidence: { status: 200, ...(accessLog && { accessLog }) },
      } as unknown as Outcome,
      identities,
    );

  it("needs code, flags and peer", () => {
    const line = { response_code: 200, response_flags: "-" };
    const right = { ...line, downstream_peer_uri_san: "spiffe://orders" };
    assert.equal(judged(right).verdict, "holds");
    assert.match(judged(line).text, /names nobody as the peer/);
    assert.match(judged({ ...right, response_code: 403 }).text, /code 403/);
    assert.match(judged({ ...right, response_flags: undefined }).text, /no flags/);
    assert.equal(judged().verdict, "fails");
  });
});

describe("a list of revoked certificates", () => {
  const ca = { ...makeCertificate({ commonName: "root", ca: true }), commonName: "root" };
  const server = makeCertificate({ commonName: "s", dnsNames: ["s"], issuer: ca });
  const [good, bad] = ["good", "bad"].map((commonName) =>
    makeCertificate({ commonName, issuer: ca }),
  );
  let listener: tls.Server;

  before(async () => {
    listener = tls.createServer(
      {
        ...{ cert: server.certPem, key: server.keyPem, ca: ca.certPem },
        ...{ crl: revocationList(ca, [bad!]), requestCert: true, rejectUnauthorized: false },
      },
      (socket) => socket.end(socket.authorized ? "in" : String(socket.authorizationError)),
    );
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  });
  after(() => listener.close());

  const ask = (client: { certPem: string; keyPem: string }) =>
    new Promise<string>((resolve) => {
      const { port } = listener.address() as { port: number };
      const options = { host: "127.0.0.1", port, servername: "s", ca: ca.certPem };
      const socket = tls.connect({ ...options, cert: client.certPem, key: client.keyPem });
      socket.once("data", (data) => resolve(data.toString()));
      socket.once("error", (e: NodeJS.ErrnoException) => resolve(e.code ?? e.message));
    });

  it("keeps out whom it names, and nobody else", async () => {
    assert.equal(await ask(good!), "in");
    assert.match(await ask(bad!), /REVOKED/);
  });
});
