import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { ownPulumiHome } from "../../scripts/setup/pulumi-home.ts";
import {
  chooseBackend,
  currentLogin,
  forgetStack,
  passphraseEnv,
} from "../../scripts/stack/backend.ts";
import { mergeStackFile, requireStack, stackNames } from "../../scripts/stack/files.ts";
import { isStale, parseLock } from "../../scripts/stack/locks.ts";
import { Display, isNoise } from "../../scripts/stack/display.ts";
import { isUnchanged, summaryOf } from "../../scripts/stack/pulumi.ts";
import { certificateLives, summary } from "../../scripts/stack/summary.ts";

function temporary(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-unit-"));
}

describe("stack file", () => {
  const tracked = "# dev\nconfig:\n  bankmesh:mtlsMode: STRICT\n";

  test("keeps the salt of the last run, and the tracked text with its comments", () => {
    const working = "config:\n  bankmesh:mtlsMode: PERMISSIVE\nencryptionsalt: v1:abc=:v1:def\n";
    const merged = mergeStackFile(tracked, working);
    assert.ok(merged.startsWith(tracked));
    assert.deepEqual(parse(merged), {
      config: { "bankmesh:mtlsMode": "STRICT" },
      encryptionsalt: "v1:abc=:v1:def",
    });
    assert.equal(mergeStackFile(tracked, merged), merged);
  });

  test("encryption of the tracked file wins, so that its secure values go on working", () => {
    const own = `${tracked}encryptionsalt: v1:own\n`;
    assert.equal(mergeStackFile(own, "encryptionsalt: v1:old\n"), own);
    const cloud = `secretsprovider: awskms://alias/x\nencryptedkey: abc\n${tracked}`;
    assert.equal(mergeStackFile(cloud, "encryptionsalt: v1:old\n"), cloud);
  });

  test("a first run, an empty file and a file without a last line break", () => {
    assert.equal(mergeStackFile(tracked, undefined), tracked);
    assert.equal(mergeStackFile("{}\n", "encryptionsalt: x\n"), "encryptionsalt: x\n");
    assert.equal(mergeStackFile("a: 1", "encryptionsalt: x\n"), "a: 1\nencryptionsalt: x\n");
  });

  test("only stacks that have a file; else they are listed, with how to add one", () => {
    const folder = temporary();
    for (const name of ["prod", "dev", "team", "staging"]) {
      fs.writeFileSync(path.join(folder, `Pulumi.${name}.yaml`), "");
    }
    assert.deepEqual(stackNames(folder), ["dev", "staging", "prod", "team"]);
    assert.equal(requireStack(undefined, folder), "dev");
    assert.throws(
      () => requireStack("stage", folder),
      /no stack "stage".*\nstacks: dev, staging, prod, team.*\nto add one: cp Pulumi\.dev\.yaml Pulumi\.stage\.yaml/,
    );
    assert.throws(
      () => requireStack("a b;c", folder),
      /cp Pulumi\.dev\.yaml Pulumi\.<stack>\.yaml/,
    );
    fs.rmSync(folder, { recursive: true });
  });
});

describe("backend", () => {
  test("PULUMI_BACKEND_URL wins; its password is not shown", () => {
    const backend = chooseBackend({ PULUMI_BACKEND_URL: "postgres://me:secret@db/state" }, false);
    assert.equal(backend.url, "postgres://me:secret@db/state");
    assert.ok(!backend.description.includes("secret"));
  });

  test("the folder of a file backend is known with options in its address, too", () => {
    const backend = chooseBackend({ PULUMI_BACKEND_URL: "file:///x?metadata=skip" }, false);
    assert.equal(backend.folder, "/x");
  });

  test("a login wins over the checkout, and is left to Pulumi", () => {
    const home = temporary();
    assert.equal(currentLogin({ PULUMI_HOME: home }), undefined);
    assert.match(
      chooseBackend({ PULUMI_HOME: home }, false).url ?? "",
      /^file:.*\.bankmesh\/state\?metadata=skip$/,
    );
    const credentials = { current: "https://api.pulumi.com" };
    fs.writeFileSync(path.join(home, "credentials.json"), JSON.stringify(credentials));
    const backend = chooseBackend({ PULUMI_HOME: home }, false);
    assert.equal(backend.url, undefined);
    assert.match(backend.description, /https:\/\/api\.pulumi\.com \(your Pulumi login\)/);
    fs.rmSync(home, { recursive: true });
  });

  test("the air-gapped route has a Pulumi home of its own, without logs, unless the user has one", () => {
    const folder = temporary();
    const home = path.join(folder, "pulumi-home");
    const nobody = { PULUMI_CREDENTIALS_PATH: folder };
    assert.equal(ownPulumiHome({ ...nobody, PULUMI_HOME: "/theirs" }, home), undefined);
    assert.equal(ownPulumiHome({ ...nobody, PULUMI_ACCESS_TOKEN: "x" }, home), undefined);
    assert.ok(!fs.existsSync(home));
    for (let i = 0; i < 2; i++) assert.equal(ownPulumiHome(nobody, home), home);
    assert.ok(fs.statSync(path.join(home, "logs")).isFile());
    fs.rmSync(folder, { recursive: true });
  });

  const file = { url: "file:///x", folder: "/x", description: "file:///x" };

  test("dev has an empty passphrase unless it is given one", () => {
    assert.deepEqual(passphraseEnv("dev", file, {}), { PULUMI_CONFIG_PASSPHRASE: "" });
    assert.deepEqual(passphraseEnv("dev", file, { PULUMI_CONFIG_PASSPHRASE: "x" }), {});
  });

  test("staging and prod refuse without one, and say how to make it", () => {
    for (const env of [{}, { PULUMI_CONFIG_PASSPHRASE: "" }]) {
      assert.throws(
        () => passphraseEnv("prod", file, env),
        /export PULUMI_CONFIG_PASSPHRASE_FILE=~\/\.config\/bankmesh\/prod\.passphrase/,
      );
    }
    assert.deepEqual(passphraseEnv("prod", file, { PULUMI_CONFIG_PASSPHRASE: "x" }), {});
    assert.throws(
      () => passphraseEnv("prod", file, { PULUMI_CONFIG_PASSPHRASE_FILE: "/no/such" }),
      /names \/no\/such, which cannot be read/,
    );
  });

  test("whoever keeps the keys elsewhere needs none", () => {
    assert.deepEqual(passphraseEnv("prod", file, {}, "awskms://alias/x"), {});
    const cloud = { description: "https://api.pulumi.com (your Pulumi login)" };
    assert.deepEqual(passphraseEnv("prod", cloud, {}), {});
  });
});

describe("lock of Pulumi's file backend", () => {
  const text = '{"pid":123,"username":"root","hostname":"here","timestamp":"2026-11-21T23:48:45Z"}';

  test("is read; anything else is none", () => {
    assert.equal(parseLock(text)?.pid, 123);
    assert.equal(parseLock('{"pid":123}'), undefined);
    assert.equal(parseLock("{"), undefined);
  });

  test("is stale only when its process of this machine is gone", () => {
    const lock = parseLock(text)!;
    assert.equal(
      isStale(lock, "here", () => false),
      true,
    );
    assert.equal(
      isStale(lock, "here", () => true),
      false,
    );
    assert.equal(
      isStale(lock, "elsewhere", () => false),
      false,
    );
  });
});

describe("results", () => {
  test("the summary is taken from the engine's last event of its kind", () => {
    const events = [
      '{"sequence":1,"preludeEvent":{}}',
      '{"sequence":9,"summaryEvent":{"resourceChanges":{"same":60,"update":1}}}',
      '{"sequence":10,"cancelEvent":{}}',
    ];
    assert.deepEqual(summaryOf(events.join("\n")), { same: 60, update: 1 });
    assert.equal(summaryOf(""), undefined);
  });

  test("nothing but same and read is unchanged", () => {
    assert.ok(isUnchanged({ same: 60, read: 1 }));
    assert.ok(!isUnchanged({ same: 60, replace: 1 }));
  });

  test("of a stack that is gone, the project's own backend keeps nothing; another one is left alone", () => {
    const folder = temporary();
    const files = ["backups", "history"].map((kind) => `.pulumi/${kind}/bankmesh/dev/x.json`);
    const all = [
      ...files,
      ".pulumi/stacks/bankmesh/dev.json.bak",
      ".pulumi/stacks/bankmesh/x.json",
    ];
    const make = () =>
      all.forEach((f) => {
        fs.mkdirSync(path.dirname(path.join(folder, f)), { recursive: true });
        fs.writeFileSync(path.join(folder, f), "{}");
      });
    const left = () => all.filter((f) => fs.existsSync(path.join(folder, f)));
    make();
    forgetStack({ description: "x", folder }, "bankmesh", "dev");
    assert.deepEqual(left(), all);
    forgetStack({ description: "x", folder }, "bankmesh", "dev", folder);
    assert.deepEqual(left(), [".pulumi/stacks/bankmesh/x.json"]);
    fs.rmSync(folder, { recursive: true });
  });

  test("what the plugins on PATH are is not told again and again", () => {
    assert.ok(
      isNoise("    warning: using pulumi-resource-tls from $PATH at /x/pulumi-resource-tls"),
    );
    assert.ok(isNoise("@ updating....."));
    assert.ok(!isNoise(" +  kubernetes:core/v1:Namespace bank creating (0s)"));
  });

  test("neither is a section or a count that is about them alone", () => {
    const show = (lines: string[]) => {
      const display = new Display();
      return lines.flatMap((line) => display.take(line));
    };
    const using = "warning: using pulumi-resource-tls from $PATH at /x/pulumi-resource-tls";
    const stack = "    pulumi:pulumi:Stack bankmesh-dev";
    const head = ["Diagnostics:", "  pulumi:pulumi:Stack (bankmesh-dev):", `    ${using}`];
    const resources = ["Resources:", "    79 unchanged"];
    const own = ["  bankmesh:bank:Bank (bank):", "    warning: own"];
    assert.deepEqual(
      show([`${stack}  ${using}`, `${stack}  1 warning`, ...head, "", ...resources]),
      ["", ...resources],
    );
    assert.deepEqual(show([`${stack}  ${using}`, `${stack}  3 warnings`]), [
      `${stack}  2 warnings`,
    ]);
    assert.deepEqual(show([...head, "    warning: own", "", ...own, "", ...resources]), [
      "Diagnostics:",
      head[1]!,
      "    warning: own",
      "",
      ...own,
      "",
      ...resources,
    ]);
    assert.deepEqual(show([...head, "", ...own, "", ...resources]), [
      ...["Diagnostics:", ...own, ""],
      ...resources,
    ]);
  });

  test("a refresh shows what it found, not what it looked at", () => {
    const row = (rest: string) => ` ~  kubernetes:core/v1:Service bank-users-service ${rest}`;
    for (const looked of ["refreshing (0s) ", "refreshing", "refresh", "refreshed (0.02s) "])
      assert.ok(isNoise(row(looked)), looked);
    assert.ok(isNoise("    kubernetes:core/v1:Service bank-users-service "));
    for (const found of ["refresh [diff: ~spec]", "update [diff: ~spec]", "refreshing (0s) failed"])
      assert.ok(!isNoise(row(found)), found);
    assert.ok(!isNoise(" -  kubernetes:core/v1:Service bank-users-service delete"));
  });

  test("a row that only counts seconds is not shown again", () => {
    const display = new Display();
    const row = (rest: string) => ` +  kubernetes:apps/v1:Deployment bank-users-deployment ${rest}`;
    const other = " +  kubernetes:core/v1:Service bank-users-service creating (0s) ";
    const came = [
      ...["creating (0s) ", "creating (0s) ", "creating (1s) 1 of 2 ready", "creating (2s) "],
      ...["creating (3s) 1 of 2 ready", "creating (3s) 2 of 2 ready", "created (3s) "],
    ].map(row);
    const shown = [...came, other, other].flatMap((line) => display.take(line));
    assert.deepEqual(shown, [came[0], came[2], came[5], came[6], other]);
  });

  test("the table says what runs, in which mode, and how to call it", () => {
    const text = summary(
      "dev",
      {
        ...{ clusterName: "istio-poc", istioVersion: "1.31.1", route: "airgap", namespace: "bank" },
        ...{ services: ["users", "orders"], mtlsMode: "STRICT", gatewayTls: "MUTUAL" },
        rollout: "orders; open as before: users",
        endpoints: { https: "https://app.local:8443" },
        howToCall: ["curl -fsS https://app.local:8443/users"],
      },
      "a file",
    );
    assert.equal(
      text,
      `  stack       dev (state in a file)
  cluster     istio-poc
  Istio       1.31.1 (airgap route)
  services    users, orders in namespace bank
  mtlsMode    STRICT: workloads take mTLS alone; plaintext is reset
  gatewayTls  MUTUAL: the gateway asks for the client's certificate too
  rollout     orders; open as before: users
  endpoints   https://app.local:8443

Call it (each line fails on a wrong answer):
  curl -fsS https://app.local:8443/users`,
    );
    assert.ok(!summary("dev", {}, "a file").includes("undefined"));
  });

  test("certificates: the shortest life first, the past named", () => {
    const lives = certificateLives(
      {
        certificates: {
          root: { validUntil: "2027-01-01T00:00:00Z" },
          server: { validUntil: "2026-11-20T00:00:00Z" },
        },
      },
      new Date("2026-11-22T00:00:00Z"),
    );
    assert.deepEqual(lives, [
      "server: EXPIRED 2 days ago (until 2026-11-20T00:00:00Z)",
      "root: 40 days left (until 2027-01-01T00:00:00Z)",
    ]);
  });
});
