/**
 * Switches off what Pulumi's SDK does for each resource and nobody here looks at; half of what Node.js does in a run of
 * 50 services. Imported before anything else, for its effect alone. (What the SDK does at its start: lean-start.ts.)
 */
import log from "@pulumi/pulumi/log/index.js";
import messages from "@pulumi/pulumi/proto/resource_pb.js";
import { Resource } from "@pulumi/pulumi/resource.js";
import debuggable from "@pulumi/pulumi/runtime/debuggable.js";

// Each registration sends three debug messages, one after another, the last with the whole answer in it. Only
// `pulumi --debug` shows them; BANKMESH_DEBUG_SDK=1 keeps them.
if (!process.env.BANKMESH_DEBUG_SDK) {
  Reflect.set(log, "debug", () => Promise.resolve());
  // the message is made up all the same, each answer of the engine as one long text
  Reflect.set(messages.RegisterResourceResponse.prototype, "toString", () => "(left out)");
}

// Each resource's state names the line that made it; the calls that led there, mostly the SDK's own, are a tenth of a
// small resource's state, which is written before and after each step. The first of them is that line once more.
type Trace = (skip: number) => readonly unknown[];
const whole = Reflect.get(Resource, "stackTrace") as Trace;
Reflect.set(Resource, "stackTrace", (skip: number) => whole.call(Resource, skip + 1).slice(0, 1));
Reflect.set(messages.RegisterResourceRequest.prototype, "setStacktrace", function (this: object) {
  return this;
});

// Each promise of the SDK's notes the calls that made it, for a report of promises that never end; the report stays.
type Note = (promise: Promise<unknown>, context: unknown) => Promise<unknown>;
const noted = Reflect.get(debuggable, "debuggablePromise") as Note;
const bare: Note = (promise, context) => {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return noted(promise, context);
  } finally {
    Error.stackTraceLimit = limit;
  }
};
Reflect.set(debuggable, "debuggablePromise", bare);
