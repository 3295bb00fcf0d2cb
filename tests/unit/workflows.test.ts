import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { execa } from "execa";
import { parse } from "yaml";
import { commentLimit, marker } from "../../scripts/pr/comment.ts";
import { root } from "./support/settings.ts";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Record<string, unknown>;
  readonly env?: Record<string, string>;
}
interface Job {
  readonly "runs-on": string;
  readonly "timeout-minutes"?: number;
  readonly permissions?: Record<string, string>;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: Record<string, unknown>;
  readonly permissions: Record<string, string>;
  readonly jobs: Record<string, Job>;
}

const folder = path.join(root, ".github/workflows");
const files = fs.readdirSync(folder).sort();
const textOf = (file: string) => fs.readFileSync(path.join(folder, file), "utf8");
const workflowOf = (file: string) => parse(textOf(file)) as Workflow;
const jobsOf = (file: string) => Object.values(workflowOf(file).jobs);
const stepsOf = (file: string) => jobsOf(file).flatMap((job) => job.steps);

test("there are three workflows", () => {
  assert.deepEqual(files, ["ci.yml", "comment.yml", "preview.yml"]);
});

for (const file of files) {
  describe(file, () => {
    test("pins each action by its whole commit, with the version beside it", () => {
      const uses = textOf(file).match(/uses:.*/g)!;
      assert.equal(uses.length, stepsOf(file).filter((step) => step.uses).length);
      for (const line of uses)
        assert.match(line, /^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    });

    test("gives no text of an event to a shell: no expression stands in a command", () => {
      for (const { run } of stepsOf(file)) assert.doesNotMatch(run ?? "", /\$\{\{/);
    });

    test("has no secret, no trigger that hands one to others' code, no right that is not named", () => {
      assert.doesNotMatch(textOf(file), /secrets\b|pull_request_target|write-all|read-all/);
      const { on, permissions } = workflowOf(file);
      assert.ok(Object.keys(on).length > 0);
      for (const right of Object.entries(permissions))
        assert.deepEqual(right, ["contents", "read"]);
    });

    test("ends by itself, on a runner that is named, and leaves no token in the checkout", () => {
      for (const job of jobsOf(file)) {
        assert.match(job["runs-on"], /^ubuntu-\d+\.\d+$/);
        assert.ok(job["timeout-minutes"]! <= 90);
      }
      const checkouts = stepsOf(file).filter((step) => step.uses?.startsWith("actions/checkout@"));
      assert.ok(checkouts.length > 0);
      for (const step of checkouts) assert.equal(step.with?.["persist-credentials"], false);
    });
  });
}

test("what runs code of pull requests may read the repository, and has no token in its environment", () => {
  const theirs = files.filter((file) => "pull_request" in workflowOf(file).on);
  assert.deepEqual(theirs, ["ci.yml", "preview.yml"]);
  for (const file of theirs) {
    assert.deepEqual(workflowOf(file).permissions, { contents: "read" });
    for (const job of jobsOf(file)) assert.equal(job.permissions, undefined);
    assert.doesNotMatch(textOf(file), /github\.token|GITHUB_TOKEN|GH_TOKEN/);
  }
});

test("what may write comments runs on its own branch's code, and takes text alone", () => {
  const { on, permissions, jobs } = workflowOf("comment.yml");
  assert.deepEqual(on, { workflow_run: { workflows: ["preview"], types: ["completed"] } });
  assert.deepEqual(permissions, {});
  assert.deepEqual(Object.keys(jobs), ["comment"]);
  const rights = { actions: "read", contents: "read", "pull-requests": "write" };
  assert.deepEqual(jobs.comment!.permissions, rights);
  const [checkout, ...others] = jobs.comment!.steps;
  assert.equal(checkout!.with?.ref, undefined, "the default branch");
  assert.equal(checkout!.with?.repository, undefined);
  for (const { run } of others)
    assert.match(run!, /^(gh run download|node scripts\/pr\/post-comment\.mjs) /);
  assert.equal(workflowOf("preview.yml").on.workflow_run, undefined);
});

test("the preview is asked of the merge and of what is there now, which the checkout has", () => {
  const [checkout, ask] = stepsOf("preview.yml");
  assert.equal(checkout!.with?.["fetch-depth"], 2);
  assert.equal(ask!.run, "npm run -s pr-comment -- HEAD^1 HEAD --to comment.md");
});

test("a preview that ends without a text leaves one all the same, and the branch that it is about", () => {
  const steps = stepsOf("preview.yml") as (Step & { if?: string })[];
  const [fallback, summary, upload] = steps.slice(2);
  for (const step of [fallback, summary, upload]) assert.equal(step!.if, "${{ !cancelled() }}");
  assert.match(fallback!.run!, /if \[ ! -s comment\.md \][^]*### Could not tell[^]*>comment\.md/);
  assert.match(fallback!.run!, /"\$GITHUB_BASE_REF" >base\.txt/);
  assert.equal(upload!.with?.path, "comment.md\nbase.txt\n");
});

describe("post-comment", () => {
  interface Call {
    readonly method: string;
    readonly url: string;
    readonly body: { body: string } | undefined;
    readonly authorization: string | undefined;
  }
  const calls: Call[] = [];
  let pulls: unknown[] = [];
  let comments: unknown[] = [];
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-comment-"));
  const server = http.createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const { method, url } = request as { method: string; url: string };
      const body = text === "" ? undefined : (JSON.parse(text) as Call["body"]);
      calls.push({ method, url, body, authorization: request.headers.authorization });
      const page = Number(new URL(url, "http://x").searchParams.get("page") ?? 1);
      const answer = url.includes("/pulls?")
        ? pulls
        : method === "GET"
          ? comments.slice((page - 1) * 100, page * 100)
          : {};
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(answer));
    });
  });
  before(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
  after(() => {
    server.close();
    fs.rmSync(scratch, { recursive: true });
  });
  beforeEach(() => {
    calls.length = 0;
    pulls = [pull(7)];
    comments = [];
  });

  const pull = (number: number, ref = "main", sha = "abc") => ({
    ...{ number, head: { sha }, base: { ref } },
  });
  const branch = "feature/$(touch x)&state=closed";
  async function post(text: string | undefined, base?: string): Promise<string> {
    const file = path.join(scratch, "comment.md");
    for (const [name, words] of [
      [file, text],
      [path.join(scratch, "base.txt"), base],
    ] as const) {
      fs.rmSync(name, { force: true });
      if (words !== undefined) fs.writeFileSync(name, words);
    }
    const { port } = server.address() as AddressInfo;
    const { stdout } = await execa(process.execPath, ["scripts/pr/post-comment.mjs", file], {
      cwd: root,
      extendEnv: false,
      env: {
        GITHUB_API_URL: `http://127.0.0.1:${port}`,
        GITHUB_REPOSITORY: "bank/mesh",
        GH_TOKEN: "t0ken",
        RUN_URL: "https://example/run/1",
        ...{ HEAD_OWNER: "somebody", HEAD_BRANCH: branch, HEAD_SHA: "abc" },
      },
    });
    return stdout;
  }
  const bot = { login: "github-actions[bot]" };

  test("writes a comment to the open pull request of that commit", async () => {
    assert.equal(await post(`${marker}\n\n## X\n`), "wrote the comment of #7");
    assert.deepEqual(
      calls.map(({ method, url }) => `${method} ${url}`),
      [
        `GET /repos/bank/mesh/pulls?state=open&per_page=100&head=${encodeURIComponent(`somebody:${branch}`)}`,
        "GET /repos/bank/mesh/issues/7/comments?per_page=100&page=1",
        "POST /repos/bank/mesh/issues/7/comments",
      ],
    );
    const [, , { body, authorization }] = calls as [Call, Call, Call];
    const origin =
      "_Made of abc by [this run](https://example/run/1) from the pull request's own code._";
    assert.equal(body!.body, `${marker}\n${origin}\n\n\n## X\n`);
    assert.equal(authorization, "Bearer t0ken");
  });

  test("renews its own earlier comment, on whatever page, and nobody else's", async () => {
    const others = Array.from({ length: 99 }, (_, id) => ({ id, user: null, body: marker }));
    const imitation = { id: 500, user: { login: "mallory" }, body: marker };
    const own = { id: 501, user: bot, body: `${marker}\nold` };
    comments = [...others, imitation, { id: 502, user: bot, body: "another" }, own];
    assert.equal(await post("x"), "renewed the comment of #7");
    const last = calls.at(-1)!;
    assert.equal(`${last.method} ${last.url}`, "PATCH /repos/bank/mesh/issues/comments/501");
  });

  test("a pull request that has moved on is left alone", async () => {
    pulls = [pull(7, "main", "another")];
    assert.match(await post("x"), /^no open pull request/);
    assert.equal(calls.length, 1);
  });

  test("of two pull requests of one commit it is that into the branch that the text is about", async () => {
    pulls = [pull(7, "release"), pull(8)];
    assert.equal(await post("x", "main\n"), "wrote the comment of #8");
    assert.equal(await post("x", "release"), "wrote the comment of #7");
    for (const base of [undefined, "another"])
      assert.match(await post("x", base), /^no open pull request/);
  });

  test("where a run made no text, the comment says so, and of which commit", async () => {
    assert.equal(await post(undefined), "wrote the comment of #7");
    const { body } = calls.at(-1)!.body!;
    assert.match(body, /\n_Made of abc by [^]*\n### Could not tell\n/);
  });

  test("what somebody made too long is cut at GitHub's limit", async () => {
    await post("x".repeat(100_000));
    assert.equal(calls.at(-1)!.body!.body.length, commentLimit);
  });
});
