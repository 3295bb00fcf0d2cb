import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { stringify } from "yaml";
import { deployment, injected, manifest, service } from "./support/manifests.ts";
import { root } from "./support/settings.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-diff-"));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const git = (...args: string[]) =>
  execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@example.com", ...args], {
    cwd: folder,
    stdio: "pipe",
  });

function write(stack: string, mode: string, more: Record<string, string> = {}): void {
  const into = path.join(folder, "rendered", stack, "1-manifest");
  fs.mkdirSync(into, { recursive: true });
  const strict = manifest("PeerAuthentication", "default", { mtls: { mode } });
  [injected(), deployment("users"), service("users"), strict].forEach(
    ({ place: _place, ...object }, i) => {
      void _place;
      fs.writeFileSync(path.join(into, `${i}.yaml`), stringify(object));
    },
  );
  for (const [name, text] of Object.entries(more)) fs.writeFileSync(path.join(into, name), text);
}

/** The command as npm starts it. */
function diff(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(root, "scripts/cli.ts"), "diff", ...args],
    {
      cwd: root,
      env: { ...process.env, INIT_CWD: folder },
      encoding: "utf8",
    },
  );
  return { status, out: stdout, err: stderr };
}

before(() => {
  git("init", "-q", "-b", "main");
  fs.writeFileSync(path.join(folder, "README.md"), "x\n");
  git("add", "-A");
  git("commit", "-qm", "empty");
  git("tag", "empty");
  write("dev", "PERMISSIVE");
  write("prod", "STRICT");
  git("add", "-A");
  git("commit", "-qm", "rendered");
  git("tag", "before");
  write("prod", "PERMISSIVE");
  git("commit", "-qam", "weaker");
});

describe("npm run diff", () => {
  test("two refs: each stack, 1 where something opens", () => {
    const { status, out } = diff("before", "main");
    assert.equal(status, 1);
    assert.match(out, /^dev: nobody gets anything else/);
    assert.match(out, /\nprod: \d+ requests get more than before\n/);
    assert.match(out, /! plaintext → bank\/users:8080: may now connect/);
  });

  test("the other way round nothing opens: 0", () => {
    const { status, out } = diff("main", "before", "--stack", "prod");
    assert.equal(status, 0);
    assert.match(out, /^prod: nothing opens up, and something closes/);
    assert.doesNotMatch(out, /dev:/);
  });

  test("a ref and a checkout, a folder of stacks, and one stack's folder", () => {
    assert.equal(diff("main", ".").status, 0);
    assert.equal(diff("before", "./rendered").status, 1);
    assert.equal(diff("./rendered/dev", "./rendered/prod").status, 0);
    assert.equal(diff("before", "./rendered/prod", "--stack", "prod").status, 1);
  });

  test("as Markdown and as JSON", () => {
    assert.match(diff("before", "main", "--output", "markdown").out, /### ⚠️ prod: /);
    const json = JSON.parse(diff("before", "main", "--output", "json").out) as {
      name: string;
      counts: { opens: number };
    }[];
    assert.deepEqual(
      json.map((s) => [s.name, s.counts.opens > 0]),
      [
        ["dev", false],
        ["prod", true],
      ],
    );
  });

  test("a stack that is new is compared with nothing", () => {
    write("more", "STRICT");
    const { status, out } = diff("main", ".", "--stack", "more");
    fs.rmSync(path.join(folder, "rendered", "more"), { recursive: true });
    assert.equal(status, 1);
    assert.match(out, /not there/);
  });

  test("what cannot be judged: 2, with file and line", () => {
    const odd =
      "apiVersion: security.istio.io/v9\nkind: AuthorizationPolicy\nmetadata: {name: odd, namespace: bank}\n";
    write("odd", "STRICT", { "odd.yaml": `# first\n${odd}` });
    const { status, out } = diff("./rendered/odd", "./rendered/odd");
    fs.rmSync(path.join(folder, "rendered", "odd"), { recursive: true });
    assert.equal(status, 2);
    assert.match(
      out,
      /cannot be judged\n {4}\? .*odd\/1-manifest\/odd\.yaml:2: AuthorizationPolicy bank\/odd \(before and after\): apiVersion is security\.istio\.io\/v9/,
    );
  });

  for (const [what, args, text] of [
    ["one side alone", ["main"], /what is compared with what\?/],
    [
      "neither a ref nor a folder",
      ["main", "nowhere"],
      /nowhere is neither a git ref nor a folder\nallowed: /,
    ],
    [
      "a ref without manifests",
      ["empty", "main"],
      /empty has no manifests: there is no rendered\/<stack>\/ in it\nfix: /,
    ],
    ["a folder without manifests", ["main", "./.git"], /has no manifests: no YAML in it/],
    [
      "a stack that nobody has",
      ["main", "main", "--stack", "prd"],
      /neither side has a stack "prd"; did you mean prod\?/,
    ],
    ["one platform against several", ["main", "./rendered/prod"], /fix: --stack NAME/],
    [
      "another format",
      ["main", "main", "--output", "yaml"],
      /unknown format yaml: there are text, markdown, json/,
    ],
    [
      "a text that git could take for an option",
      ["--upload-pack=x", "main"],
      /unknown option --upload-pack/,
    ],
  ] as const)
    test(`${what}: 2, and what to do`, () => {
      const { status, err, out } = diff(...args);
      assert.equal(status, 2);
      assert.match(err, text);
      assert.equal(out, "");
    });

  test("manifests that are not YAML: 2, all of them with their lines", () => {
    write("bad", "STRICT", { "a.yaml": "a: [\n", "b.yaml": "x: 1\ny: {\n" });
    const { status, err } = diff("./rendered/bad", "./rendered/bad");
    fs.rmSync(path.join(folder, "rendered", "bad"), { recursive: true });
    assert.equal(status, 2);
    assert.match(err, /a\.yaml:2: is not YAML/);
    assert.match(err, /b\.yaml:3: is not YAML/);
  });
});
