import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { checkStackFile, settingsSchema } from "../../settings/index.ts";
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
      assert.deepEqual(checkStackFile(path.join(root, `Pulumi.${stack}.yaml`), project), []);
    });
  }

  test("the modes that the stacks stand for", () => {
    const modes = ["dev", "staging", "prod"].map((stack) => {
      const { config } = parse(
        fs.readFileSync(path.join(root, `Pulumi.${stack}.yaml`), "utf8"),
      ) as {
        config: Record<string, unknown>;
      };
      return [stack, config["bankmesh:mtlsMode"], config["bankmesh:gatewayTls"]];
    });
    assert.deepEqual(modes, [
      ["dev", "PERMISSIVE", "SIMPLE"],
      ["staging", "STRICT", "SIMPLE"],
      ["prod", "STRICT", "MUTUAL"],
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
    assert.deepEqual(checkStackFile(file, project), [
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
      checkStackFile(file, project).map((p) => p.key),
      ["httpsPort"],
    );
  });

  test("another project's or provider's keys are not looked at", () => {
    const file = write("Pulumi.other.yaml", "config:\n  kubernetes:context: x\n  aws:region: y\n");
    assert.deepEqual(checkStackFile(file, project), []);
  });

  test("what is encrypted is left to the program", () => {
    const file = write(
      "Pulumi.secret.yaml",
      [
        "config:",
        "  bankmesh:caCertPem: not a certificate",
        "  bankmesh:caKeyPem:",
        "    secure: v1:abc",
        "  bankmesh:services:",
        "    - name: users",
        "      environment:",
        "        TOKEN:",
        "          secure: v1:def",
      ].join("\n"),
    );
    assert.deepEqual(checkStackFile(file, project), []);
  });
});

describe("Pulumi.yaml", () => {
  const declared = (
    parse(fs.readFileSync(path.join(root, "Pulumi.yaml"), "utf8")) as {
      config: Record<string, { type?: string; description?: string; default?: unknown }>;
    }
  ).config;
  const defaults: Record<string, unknown> = settingsSchema.parse({});
  const flat = Object.entries(defaults).filter(([, value]) => typeof value !== "object");

  test("declares every flat key that has a default, and nothing else", () => {
    assert.deepEqual(Object.keys(declared).sort(), flat.map(([key]) => `bankmesh:${key}`).sort());
  });

  for (const [key, value] of flat) {
    test(`${key}: type, description, and the default of the schema`, () => {
      const types: Record<string, string> = {
        string: "string",
        number: "integer",
        boolean: "boolean",
      };
      const entry = declared[`bankmesh:${key}`];
      assert.equal(entry?.type, types[typeof value]);
      assert.ok(entry?.description && entry.description.length > 10);
      assert.equal(entry.default, value);
    });
  }
});
