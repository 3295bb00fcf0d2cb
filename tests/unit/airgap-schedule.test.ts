import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { criticalPaths, runSchedule } from "../../airgap/schedule.ts";
import type { Task } from "../../airgap/schedule.ts";

const task = (
  name: string,
  seconds: number,
  needs: string[] = [],
  more: Partial<Task> = {},
): Task => ({
  name,
  seconds,
  needs,
  cores: 1,
  memory: 100,
  ...more,
});

const roomy = { cores: 2, memory: 10_000 };

/** Runs a schedule; each task takes as many ticks as its seconds. */
async function record(tasks: readonly Task[], capacity = roomy, failing?: string) {
  const events: string[] = [];
  const running = new Set<string>();
  let most = 0;
  const run = runSchedule(tasks, capacity, async (name) => {
    events.push(`+${name}`);
    running.add(name);
    most = Math.max(most, running.size);
    await new Promise((resolve) =>
      setTimeout(resolve, 10 * (tasks.find((t) => t.name === name)?.seconds ?? 0)),
    );
    running.delete(name);
    events.push(`-${name}`);
    if (name === failing) {
      throw new Error(`${name} failed`);
    }
  });
  const error = await run.then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  return { events, most, error };
}

suite("schedule of builds", () => {
  test("a task starts when what it needs has ended", async () => {
    const { events, error } = await record([task("c", 1, ["a", "b"]), task("a", 1), task("b", 3)]);
    assert.equal(error, undefined);
    assert.ok(events.indexOf("+c") > events.indexOf("-a"));
    assert.ok(events.indexOf("+c") > events.indexOf("-b"));
  });

  test("two run at a time on two cores, one on one", async () => {
    const tasks = [task("a", 2), task("b", 2), task("c", 2), task("d", 2)];
    assert.equal((await record(tasks)).most, 2);
    assert.equal((await record(tasks, { cores: 1, memory: 10_000 })).most, 1);
  });

  test("tasks that mostly wait share a core", async () => {
    const half = { cores: 0.5 };
    const tasks = [task("a", 2), task("b", 2, [], half), task("c", 2, [], half)];
    assert.equal((await record(tasks)).most, 3);
  });

  test("the longest chain goes first, not the longest task", async () => {
    const tasks = [task("short", 1), task("first", 2), task("long", 3), task("last", 4, ["first"])];
    assert.deepEqual(Object.fromEntries(criticalPaths(tasks)), {
      short: 1,
      first: 6,
      long: 3,
      last: 4,
    });
    const { events } = await record(tasks);
    assert.deepEqual(events.slice(0, 2), ["+first", "+long"]);
  });

  test("what does not fit into memory waits", async () => {
    const tasks = [task("a", 2, [], { memory: 600 }), task("b", 2, [], { memory: 600 })];
    assert.equal((await record(tasks, { cores: 8, memory: 1000 })).most, 1);
    assert.equal((await record(tasks, { cores: 8, memory: 1200 })).most, 2);
  });

  test("a task larger than the machine runs alone", async () => {
    const tasks = [task("big", 1, [], { memory: 99_999, cores: 64 }), task("b", 1)];
    const { most, error } = await record(tasks);
    assert.equal(error, undefined);
    assert.equal(most, 1);
  });

  test("after a failure nothing starts, and what runs is waited for", async () => {
    const tasks = [task("bad", 1), task("slow", 4), task("later", 1), task("after", 1, ["bad"])];
    const { events, error } = await record(tasks, roomy, "bad");
    assert.equal(error?.message, "bad failed");
    assert.deepEqual(events, ["+slow", "+bad", "-bad", "-slow"]);
  });

  test("needs outside the schedule count as done", async () => {
    assert.equal((await record([task("a", 1, ["ready-already"])])).error, undefined);
  });
});
