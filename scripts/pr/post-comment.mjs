// Brings a text to the pull request that it was made for: node post-comment.mjs <file>. Runs with the right to write
// comments, on a text that anybody's pull request may have made: nothing of it is run, and it is cut at GitHub's limit.
// Plain Node.js without a package, because nothing is installed where it runs.
import * as fs from "node:fs";
import * as path from "node:path";

/** First line of each comment, by which the next one finds it; the same as in comment.ts. */
const marker = "<!-- bankmesh: what this change does -->";
const limit = 65_536;

/**
 * @typedef {{ number: number, head: { sha: string }, base: { ref: string } }} PullRequest
 * @typedef {{ id: number, body: string, user: { login: string } | null }} Comment
 */

/** @param {string} name */
function given(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/**
 * Asks GitHub's API.
 *
 * @param {string} method
 * @param {string} path below the repository
 * @param {object} [body]
 * @returns {Promise<any>}
 */
async function ask(method, path, body) {
  const url = `${given("GITHUB_API_URL")}/repos/${given("GITHUB_REPOSITORY")}/${path}`;
  const answer = await fetch(url, {
    method,
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${given("GH_TOKEN")}`,
      "content-type": "application/json",
      "x-github-api-version": "2022-11-28",
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!answer.ok)
    throw new Error(`${method} ${path}: HTTP ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/**
 * The open pull requests of exactly that commit that the text is about. The event names none where they come from a fork.
 * What the artefact says of itself is not to be trusted, so it chooses among these alone: by the branch that the change
 * was held against. Where there is no text, that is so for all of them.
 *
 * @param {string | undefined} text
 * @param {string | undefined} base
 * @returns {Promise<number[]>}
 */
async function pullRequests(text, base) {
  const head = encodeURIComponent(`${given("HEAD_OWNER")}:${given("HEAD_BRANCH")}`);
  /** @type {PullRequest[]} */
  const open = await ask("GET", `pulls?state=open&per_page=100&head=${head}`);
  const mine = open.filter((pull) => pull.head.sha === given("HEAD_SHA"));
  const about =
    text === undefined || (base === undefined && mine.length === 1)
      ? mine
      : mine.filter((pull) => pull.base.ref === base);
  return about.map((pull) => pull.number);
}

/**
 * The comment that an earlier run made.
 *
 * @param {number} number
 * @returns {Promise<number | undefined>}
 */
async function earlier(number) {
  for (let page = 1; ; page++) {
    /** @type {Comment[]} */
    const comments = await ask("GET", `issues/${number}/comments?per_page=100&page=${page}`);
    const own = comments.find(
      ({ user, body }) => user?.login === "github-actions[bot]" && body.startsWith(marker),
    );
    if (own) return own.id;
    if (comments.length < 100) return undefined;
  }
}

/** @param {string} text */
function commentOf(text) {
  const rest = text.startsWith(marker) ? text.slice(marker.length) : text;
  const commit = given("HEAD_SHA").slice(0, 12);
  const origin = `_Made of ${commit} by [this run](${given("RUN_URL")}) from the pull request's own code._`;
  return `${marker}\n${origin}\n${rest}`.slice(0, limit);
}

/** @param {string} file */
function textIn(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : undefined;
}

const missing = `

## What this change does

### Could not tell

The run ended without a text; its log has the reason.
`;

const file = process.argv[2] ?? "";
const text = textIn(file);
const numbers = await pullRequests(text, textIn(path.join(path.dirname(file), "base.txt"))?.trim());
if (numbers.length === 0)
  process.stdout.write(
    "no open pull request has that commit any more, or none that says against what\n",
  );
for (const number of numbers) {
  const body = commentOf(text ?? missing);
  const id = await earlier(number);
  if (id === undefined) await ask("POST", `issues/${number}/comments`, { body });
  else await ask("PATCH", `issues/comments/${id}`, { body });
  process.stdout.write(`${id === undefined ? "wrote" : "renewed"} the comment of #${number}\n`);
}
