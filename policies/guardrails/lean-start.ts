/**
 * Loaded by Node.js before the SDK (`nodeargs` in PulumiPolicy.yaml). The SDK makes itself ready for a pack that is to
 * be compiled, and loads a compiler for it; this one is read by Node.js itself (main.mjs). `@pulumi/policy` loads all
 * that a program may ask for, and needs it for files among properties alone. Together half of the pack's start.
 */
import Module from "node:module";
import { later } from "../../lean-start.ts";

type Load = (this: unknown, request: string, ...rest: unknown[]) => object;
const load = Reflect.get(Module, "_load") as Load;

/** What the SDK asks of TypeScript and ts-node at a pack's start. */
const idle = { version: "0.0.0", VERSION: "0.0.0", register: () => undefined };
/** As the SDK asks for them there: its own copy of ts-node, where the project has none. */
const compilers = /^typescript$|(^|[\\/])ts-node(@[\d.]+)?$/;
const start = /[\\/]@pulumi[\\/]pulumi[\\/](tsutils|cmd[\\/]run-policy-pack[\\/]run)\.js$/;
const properties = /[\\/]@pulumi[\\/]policy[\\/]deserialize\.js$/;

const lean: Load = function (request, ...rest) {
  const read = () => load.call(this, request, ...rest);
  const by = (rest[0] as { readonly filename?: string } | undefined)?.filename ?? "";
  if (compilers.test(request) && start.test(by)) return idle;
  return request === "@pulumi/pulumi" && properties.test(by) ? later(read) : read();
};
Reflect.set(Module, "_load", lean);
