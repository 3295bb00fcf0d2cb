import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { describeViolation, type Violation } from "../../scripts/render/guardrails.ts";
import {
  differences,
  leftOut,
  normalized,
  objectsOf,
  readManifests,
  writeManifests,
} from "../../scripts/render/manifests.ts";
import { renderedConfig } from "../../scripts/render/throw-away.ts";

const head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n";

describe("normalized", () => {
  test("sorts keys, drops what is null, keeps order and emptiness of everything else", () => {
    const text = `kind: ConfigMap
apiVersion: v1
spec: { b: 1, a: [z, b], none: null, nobody: {}, nothing: [] }
metadata: { name: x, creationTimestamp: null }
`;
    assert.equal(
      normalized(text, "x.yaml"),
      `apiVersion: v1
kind: ConfigMap
metadata:
  name: x
spec:
  a:
    - z
    - b
  b: 1
  nobody: {}
  nothing: []
`,
    );
  });

  // what another reader of YAML 1.1 would take for a number or a truth
  for (const text of [
    "on",
    "y",
    "no",
    "0o7",
    "012",
    "1_000",
    "12:30",
    "1e3",
    "~",
    "null",
    "",
    "1.31",
  ]) {
    test(`the text ${JSON.stringify(text)} stays a text`, () => {
      const out = normalized(`${head}data:\n  v: ${JSON.stringify(text)}\n`, "x.yaml");
      for (const version of ["1.1", "1.2"] as const)
        assert.equal((parse(out, { version }) as { data: { v: unknown } }).data.v, text);
    });
  }

  test("long and many lines keep their text, and are the same when read again", () => {
    const text = `{"a":"${"x ".repeat(200)}"}\n  second: line\n\nend`;
    const once = normalized(`${head}data:\n  v: ${JSON.stringify(text)}\n`, "x.yaml");
    assert.equal((parse(once) as { data: { v: string } }).data.v, text);
    assert.equal(normalized(once, "x.yaml"), once);
  });

  test("of a Secret only the keys are left", () => {
    const out = normalized(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {tls.key: c2VjcmV0}\nstringData: {b: secret}\ntype: Opaque\n",
      "s.yaml",
    );
    assert.deepEqual(parse(out), {
      ...{ apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, type: "Opaque" },
      stringData: { b: leftOut, "tls.key": leftOut },
    });
    assert.doesNotMatch(out, /c2VjcmV0|secret\n/);
  });

  test("a private key anywhere else is refused by the file's name", () => {
    const text = `${head}data:\n  k: |\n    -----BEGIN RSA PRIVATE KEY-----\n`;
    assert.throws(() => normalized(text, "x.yaml"), /^UserError: x\.yaml would have a private key/);
  });

  test("what is not YAML, or no object, is named", () => {
    assert.throws(() => normalized("a: [", "bad.yaml"), /bad\.yaml is not YAML: .* line 1/);
    for (const text of ["", "kind: X\n", "- 1\n", "apiVersion: v1\nkind: X\nmetadata: {}\n"])
      assert.throws(
        () => normalized(text, "bad.yaml"),
        /bad\.yaml is no manifest: apiVersion, kind/,
      );
  });
});

describe("manifests of a folder", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-manifests-"));
  process.on("exit", () => fs.rmSync(folder, { recursive: true }));

  test("are written, and nothing else is left there; a folder that is not there has none", () => {
    const target = path.join(folder, "dev");
    fs.mkdirSync(path.join(target, "1-manifest"), { recursive: true });
    fs.writeFileSync(path.join(target, "1-manifest", "old.yaml"), head);
    const manifests = new Map([["1-manifest/x.yaml", head]]);
    writeManifests(target, manifests);
    assert.deepEqual(readManifests(target), manifests);
    assert.deepEqual(readManifests(path.join(folder, "prod")), new Map());
  });

  test("differ by file", () => {
    const before = new Map(Object.entries({ same: "1", changed: "1", gone: "1" }));
    const after = new Map(Object.entries({ same: "1", changed: "2", young: "1" }));
    assert.deepEqual(differences(before, after), {
      added: ["young"],
      changed: ["changed"],
      removed: ["gone"],
    });
  });

  test("objects know the line of a field, or of the nearest one above it", () => {
    const text = `${head}spec:\n  servers:\n    - port: 80\n    - port: 443\n      tls:\n        mode: SIMPLE\n`;
    const [manifest] = objectsOf(new Map([["x.yaml", text]]));
    const line = (...field: (string | number)[]) => manifest!.line(field);
    assert.deepEqual(
      [
        ...[
          line(),
          line("spec"),
          line("spec", "servers", 1),
          line("spec", "servers", 1, "tls", "mode"),
        ],
        ...[line("spec", "servers", 1, "tls", "absent"), line("absent", "at", "all")],
      ],
      [1, 5, 8, 10, 9, 1],
    );
    const violation: Violation = {
      ...{ rule: "gw-03", level: "mandatory", message: "x is y" },
      ...{ manifest, field: ["spec", "servers", 1, "tls", "mode"] },
    };
    assert.equal(describeViolation(violation), "gw-03 mandatory: x is y (x.yaml:10)");
  });
});

test("renderedConfig leaves out how a stack is encrypted, its own certificates and its sources", () => {
  const text = `secretsprovider: awskms://x
encryptionsalt: v1:abc
config:
  bankmesh:mtlsMode: STRICT
  bankmesh:caCertPem: pem
  bankmesh:caKeyPem: { secure: v1:xyz }
  bankmesh:serverCertPem: pem
  bankmesh:serverKeyPem: { secure: v1:xyz }
  bankmesh:sources: mine.json
`;
  assert.deepEqual(parse(renderedConfig(text)), { config: { "bankmesh:mtlsMode": "STRICT" } });
  assert.deepEqual(parse(renderedConfig("")), { config: {} });
});
