/**
 * What `@pulumi/policy` does for each rule and resource, done for each resource alone: it reads the same message of the
 * engine anew for every rule, and watches each read of a property lest it is one that is not known yet. Imported before
 * the pack is made, for its effect alone. Rules only read, so that one copy will do for all.
 */
import deserialize from "@pulumi/policy/deserialize.js";
import proxy from "@pulumi/policy/proxy.js";
import service from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/analyzer_pb.js";

/** Results by what they were made of, for as long as that is there. */
function once<A extends object, R>(make: (of: A) => R): (of: A) => R {
  const made = new WeakMap<A, { readonly result: R }>();
  return (of) => {
    const before = made.get(of);
    if (before) return before.result;
    const result = make(of);
    made.set(of, { result });
    return result;
  };
}

type Read = (message: object, keepSecrets: boolean) => object;
const read = Reflect.get(deserialize, "deserializeProperties") as Read;
const readOnce = once((message) => read(message, false));
// with its secrets kept apart, it is asked for in order to mend a resource, which no rule of ours does: see below
const lean: Read = (message, keepSecrets) => (keepSecrets ? {} : readOnce(message));
Reflect.set(deserialize, "deserializeProperties", lean);

type Watch = (props: object) => object;
const watch = Reflect.get(proxy, "unknownCheckingProxy") as Watch;
const unknowns = new Set(
  Object.entries(proxy).flatMap(([name, value]: [string, unknown]) =>
    /^unknown\w+Value$/.test(name) ? [value] : [],
  ),
);
const hasUnknown = (value: unknown): boolean =>
  typeof value === "object" && value !== null
    ? Object.values(value).some(hasUnknown)
    : unknowns.has(value);
Reflect.set(
  proxy,
  "unknownCheckingProxy",
  once<object, object>((props) => (hasUnknown(props) ? watch(props) : props)),
);

// Before each resource is judged, the engine hands it over to be mended: what comes with it is not even read.
const nothing = new messages.AnalyzeRequest();
nothing.setOptions(new messages.AnalyzerResourceOptions());
Reflect.set(service.AnalyzerService.remediate, "requestDeserialize", () => nothing);
