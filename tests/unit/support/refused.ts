import assert from "node:assert/strict";
import * as path from "node:path";
import { test } from "node:test";
import { parseSettings } from "../../../settings/index.ts";
import { root } from "./settings.ts";

/** One configuration that is refused, and one that differs from it in one thing and is taken. */
export interface Refused {
  readonly what: string;
  readonly raw: Record<string, unknown>;
  readonly key: string;
  /** Part of what the message allows. */
  readonly allowed: string;
  /** Part of the fix. @default nothing is asked about it */
  readonly fix?: string;
  readonly control: Record<string, unknown>;
}

const env = { BANKMESH_SOURCES: path.join(root, "sources/official.json") };

/** Asks each, and its control. */
export function testRefused(rows: readonly Refused[]): void {
  for (const { what, raw, key, allowed, fix = "", control } of rows)
    test(what, () => {
      const { settings, problems } = parseSettings("dev", raw, env);
      assert.equal(settings, undefined);
      assert.deepEqual(
        problems.map((p) => p.key),
        [key],
      );
      assert.ok(problems[0]!.allowed.includes(allowed), `allowed is: ${problems[0]!.allowed}`);
      assert.ok(problems[0]!.fix.includes(fix), `fix is: ${problems[0]!.fix}`);
      assert.deepEqual(parseSettings("dev", control, env).problems, []);
    });
}
