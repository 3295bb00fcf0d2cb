/** Builds the piece "tool" of a cache slowly: until the file "go" is there. Says what happens. */
import * as fs from "node:fs";
import * as path from "node:path";

import { Cache } from "../../../airgap/cache.ts";

const [root = "", key = ""] = process.argv.slice(2);

async function main(): Promise<void> {
  const { built } = await new Cache(root).obtain(
    "tool",
    key,
    async ({ dir }) => {
      console.log("building");
      fs.writeFileSync(path.join(dir, "tool"), "half");
      while (!fs.existsSync(path.join(root, "go"))) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      fs.writeFileSync(path.join(dir, "tool"), "whole");
    },
    (holder) => console.log(`waiting for ${holder?.pid}`),
  );
  console.log(`built ${built}`);
}

void main();
