// A reporter of node:test that counts: one JSON line at the end. Suites are not counted, what is in them is.
/** @param {AsyncIterable<import("node:test/reporters").TestEvent>} source */
export default async function* count(source) {
  const tally = { passed: 0, failed: 0, skipped: 0 };
  for await (const event of source) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { data } = event;
    if (data.details?.type === "suite") continue;
    // a parent fails because its subtest did; the subtest is counted
    if (
      event.type === "test:fail" &&
      /** @type {any} */ (data.details)?.error?.failureType === "subtestsFailed"
    )
      continue;
    if (data.skip !== undefined && data.skip !== false) tally.skipped++;
    else if (event.type === "test:pass") tally.passed++;
    else if (data.todo === undefined || data.todo === false) tally.failed++;
  }
  yield `${JSON.stringify(tally)}\n`;
}
