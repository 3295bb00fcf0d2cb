import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { UserError } from "../../scripts/errors.ts";
import { readable } from "../../scripts/stack/files.ts";
import { formatProblems, readStackFile } from "../../settings/index.ts";
import { root } from "./support/settings.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-stacks-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true }));
process.chdir(root);

function write(name: string, content: string): string {
  const file = path.join(folder, name);
  fs.writeFileSync(file, content);
  return file;
}

describe("stack files", () => {
  const project = path.join(root, "Pulumi.yaml");

  for (const stack of ["dev", "staging", "prod"]) {
    test(`Pulumi.${stack}.yaml as shipped has no problem`, () => {
      process.chdir(root);
      assert.deepEqual(
        readStackFile(path.join(root, `Pulumi.${stack}.yaml`), project).problems,
        [],
      );
    });
  }

  test("a file that is not YAML is named, with the place", () => {
    const file = write("Pulumi.dev.yaml", "config:\n  a: 1\n a: 2\n");
    assert.throws(
      () => readable(file, () => readStackFile(file, project)),
      (e: Error) =>
        e instanceof UserError &&
        /^Pulumi\.dev\.yaml is not YAML; nothing was touched\n {2}.* at line 3/.test(e.message),
    );
    const own = new Error("another");
    assert.throws(
      () =>
        readable(file, () => {
          throw own;
        }),
      own,
    );
  });

  test("what Pulumi would read past is refused: other namespaces by a slip, keys without one, keys outside config", () => {
    const file = write(
      "Pulumi.dev.yaml",
      `confg: {}
services: []
config:
  bankmsh:authorization: enforce
  mtlsMode: STRICT
  kubernetes:context: kind-x
  bankmesh:mtlsMode: STRICT
`,
    );
    const { settings, problems } = readStackFile(file, project);
    assert.equal(settings, undefined);
    assert.deepEqual(
      problems.map(({ key, fix }) => `${key}: ${fix}`),
      [
        "confg: in Pulumi.dev.yaml, write config",
        "services: in Pulumi.dev.yaml, write bankmesh:services under config",
        "bankmsh:authorization: in Pulumi.dev.yaml, write bankmesh:authorization",
        "mtlsMode: in Pulumi.dev.yaml, write bankmesh:mtlsMode",
      ],
    );
    assert.match(formatProblems("dev", problems), /3\. bankmsh:authorization is set\n/);
  });

  test("the modes that the stacks stand for", () => {
    const modes = ["dev", "staging", "prod"].map((stack) => {
      const { config } = parse(
        fs.readFileSync(path.join(root, `Pulumi.${stack}.yaml`), "utf8"),
      ) as {
        config: Record<string, unknown>;
      };
      const keys = ["mtlsMode", "gatewayTls", "authorization"];
      return [stack, ...keys.map((key) => config[`bankmesh:${key}`])];
    });
    assert.deepEqual(modes, [
      ["dev", "PERMISSIVE", "SIMPLE", undefined],
      ["staging", "STRICT", "SIMPLE", "enforce"],
      ["prod", "STRICT", "MUTUAL", "enforce"],
    ]);
  });

  test("the three stacks share no cluster name and no port, so that they can run side by side", () => {
    const taken = ["dev", "staging", "prod"].flatMap((stack) => {
      const { config } = parse(
        fs.readFileSync(path.join(root, `Pulumi.${stack}.yaml`), "utf8"),
      ) as {
        config: Record<string, unknown>;
      };
      return ["clusterName", "httpPort", "httpsPort"].map((key) => config[`bankmesh:${key}`]);
    });
    assert.equal(new Set(taken).size, 9);
  });

  test("problems of a file are those of its values, with the stack's name in the fix", () => {
    const file = write("Pulumi.blue.yaml", "config:\n  bankmesh:httpPort: 99999\n");
    assert.deepEqual(readStackFile(file, project).problems, [
      {
        key: "httpPort",
        value: "99999",
        allowed: "a port from 1 to 65535",
        fix: "pulumi config set --stack blue httpPort <value>",
      },
    ]);
  });

  test("the project's defaults count where the stack says nothing", () => {
    const file = write("Pulumi.ports.yaml", "config:\n  bankmesh:httpsPort: 8080\n");
    assert.deepEqual(
      readStackFile(file, project).problems.map((p) => p.key),
      ["httpsPort"],
    );
  });

  test("another project's or provider's keys are not looked at", () => {
    const file = write("Pulumi.other.yaml", "config:\n  kubernetes:context: x\n  aws:region: y\n");
    assert.deepEqual(readStackFile(file, project).problems, []);
  });

  test("encrypted certificates are left to the program", () => {
    const file = write(
      "Pulumi.secret.yaml",
      "config:\n  bankmesh:caCertPem: not a certificate\n  bankmesh:caKeyPem:\n    secure: v1:abc\n",
    );
    assert.deepEqual(readStackFile(file, project).problems, []);
  });

  test("another secret is refused: it would be plain text in the state", () => {
    const service =
      "    - name: users\n      environment:\n        TOKEN:\n          secure: v1:def\n";
    const file = write("Pulumi.nested.yaml", `config:\n  bankmesh:services:\n${service}`);
    const [problem, ...more] = readStackFile(file, project).problems;
    assert.deepEqual(more, []);
    assert.equal(problem?.key, "services[0].environment.TOKEN");
    assert.match(problem.allowed, /^plain text, .* secrets are caCertPem, caKeyPem, serverCertPem/);
    assert.doesNotMatch(JSON.stringify(problem), /v1:def/);
  });
});
