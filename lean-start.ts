/**
 * Loaded by Node.js before the SDK (`nodeargs` in Pulumi.yaml). For programs that send functions to the cloud, the SDK
 * brings a TypeScript compiler and npm's tree of packages, and attaches a debugger to the whole run, so that it can say
 * where a function stands that cannot be sent. Nothing here sends any: the two are read in when somebody first uses
 * them, the debugger waits as long. The SDK also maps each line of a stack to its source, which is what runs here
 * anyway. Together half of what loading the SDK takes, and a third of what each resource costs.
 */
import Module from "node:module";

type Load = (this: unknown, request: string, ...rest: unknown[]) => object;
const load = Reflect.get(Module, "_load") as Load;
const seldom = new Set(["typescript", "@npmcli/arborist"]);
/** As cmd/run asks for it; what sends functions asks by another path, and gets the real one. */
const debuggerAtStart = "../../runtime/closure/v8Hooks";
const sourceMaps = "source-map-support/register";

const lean: Load = function (request, ...rest) {
  const read = () => load.call(this, request, ...rest);
  if (request === debuggerAtStart) return { isInitializedAsync: () => Promise.resolve() };
  if (request === sourceMaps) return {};
  return seldom.has(request) ? later(read) : read();
};
Reflect.set(Module, "_load", lean);

/** A module that is read when somebody first uses it. */
export function later(read: () => object): object {
  let module: object | undefined;
  const real = () => (module ??= read());
  // with this mark, the SDK's own `import *` takes the proxy as it is instead of copying what is in it
  return new Proxy(
    { __esModule: true },
    {
      get: (mark, key): unknown => Reflect.get(key in mark ? mark : real(), key),
      has: (_, key) => Reflect.has(real(), key),
    },
  );
}
