// What npm scripts run, straight after a clone: brings a Node.js and the npm packages, then runs scripts/cli.ts.
// Plain JavaScript for Node.js 18 or later, without a dependency.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureDependencies } from "./bootstrap/dependencies.mjs";
import { cacheFolder, checkPlatform, ensureNode } from "./bootstrap/node.mjs";
import { runCli } from "./bootstrap/run-cli.mjs";
import { SetupError } from "./bootstrap/work.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  checkPlatform();
  const node = await ensureNode(cacheFolder());
  await ensureDependencies(root);
  process.exitCode = await runCli(node, root, process.argv.slice(2));
} catch (e) {
  if (!(e instanceof SetupError)) throw e;
  process.stderr.write(`error: ${e.message}\n`);
  process.exitCode = 1;
}
