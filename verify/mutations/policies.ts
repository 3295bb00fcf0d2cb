import { type AuthorizationPolicySpec, gatewayDeny } from "../../policies/authorization.ts";
import { needsToken } from "../../policies/token-needs.ts";
import {
  type ServiceSettings,
  type Settings,
  gatewayNamespace,
  refusedAt,
  rolledOut,
  rolledOutAtGateway,
  wholeNamespace,
} from "../../settings/index.ts";
import { httpServices } from "../calls.ts";
import { gatewayPlace } from "../probes/token-places.ts";
import { applies, changedCalls, once, red, withService } from "./expectations.ts";
import type { Expected, Mutation, ObjectRef } from "./mutation.ts";
import { adds, all, annotated, deletes, edits, istio, needs, withSpec } from "./objects.ts";
import { gatewayPolicy } from "./rules.ts";

const enforced = needs((s) => s.authorization === "enforce", "the rules refuse nobody");
/** Nobody is let in where no policy is about a workload. */
const denied = all(
  enforced,
  needs((s) => wholeNamespace(s), "the rollout has not reached the whole namespace"),
);
const deniedByNamespace = all(
  denied,
  needs((s) => !s.meshDefaultDeny, "the mesh's own default-deny refuses as well"),
);

const policy = (name: string, namespace: string) => istio("AuthorizationPolicy", name, namespace);
const defaultDeny = (s: Settings) => policy("default-deny", s.namespace);

const nobody = (service: ServiceSettings): ServiceSettings => ({ ...service, allowFrom: [] });
const anybody = (service: ServiceSettings): ServiceSettings => ({
  ...service,
  allowFrom: [...(service.allowFrom ?? []), {}],
});

/** The first service whose calls get other answers by other rules. */
const changedBy = (change: (service: ServiceSettings) => ServiceSettings) =>
  once((s) =>
    httpServices(s)
      .filter((x) => rolledOut(s, x.name))
      .map((service) => ({ service, settings: withService(s, change(service)) }))
      .find(({ settings }) => changedCalls(s, settings).length > 0),
  );
const closed = changedBy(nobody);
const opened = changedBy(anybody);
const noticed = (by: typeof closed) =>
  needs((s) => by(s) !== undefined, "no call that can be made here would notice");

const allowOf = (s: Settings) => policy(`allow-${closed(s)!.service.name}`, s.namespace);
const refused = (s: Settings) => changedCalls(s, closed(s)!.settings);

/** Nothing listens in the pod that A15 asks, so its proxy, which lets the call in, answers that it reaches nobody. */
const nobodyListens = { verdict: "inconclusive", got: "no-upstream" } as const;

const nowhere = { matchLabels: { app: "nobody-has-this-name" } };

/** A service whose denyFrom decides calls, and the stack without it. */
const undenied = once((s: Settings) => {
  const withRules = httpServices(s).filter(
    (x) => x.denyFrom && x.denyFrom.every((rule) => rule.version === undefined),
  );
  return withRules
    .map((service) => ({ service, settings: withService(s, { ...service, denyFrom: [] }) }))
    .find(({ settings }) => changedCalls(s, settings).length > 0);
});

/** Which policies there are, and whom they are about. */
export const policyMutations: readonly Mutation[] = [
  {
    id: "allow-deleted",
    breaks: "the policy that lets a service's callers in is gone",
    notFor: all(denied, noticed(closed)),
    ...deletes((s) => [allowOf(s)]),
    expected: refused,
  },
  {
    id: "allow-selects-nothing",
    breaks: "the selector of a service's policy matches no workload",
    notFor: all(denied, noticed(closed)),
    ...edits<AuthorizationPolicySpec>(allowOf, (spec) => ({ ...spec, selector: nowhere })),
    expected: (s) => [...refused(s), ...red(s, "O6", { got: "findings", says: /IST0127/ })],
  },
  {
    id: "allow-dry-run",
    breaks: "an annotation makes a service's policy one that is only logged",
    notFor: all(denied, noticed(closed)),
    reads: (s) => [allowOf(s)],
    change: ([live]) => ({ changed: [annotated(live!, "istio.io/dry-run", "true")] }),
    expected: refused,
  },
  {
    id: "service-unguarded",
    breaks: "a service's policy and the namespace's default-deny are gone together",
    notFor: all(deniedByNamespace, noticed(opened)),
    ...deletes((s) => [defaultDeny(s), policy(`allow-${opened(s)!.service.name}`, s.namespace)]),
    expected: (s) => [...changedCalls(s, opened(s)!.settings), ...red(s, "A15", nobodyListens)],
  },
  {
    id: "default-deny-deleted",
    breaks: "workloads without rules of their own are open to everybody",
    notFor: all(deniedByNamespace, strangerAsked()),
    ...deletes((s) => [defaultDeny(s)]),
    expected: (s) => red(s, "A15", nobodyListens),
  },
  {
    id: "default-deny-dry-run",
    breaks: "an annotation makes default-deny a policy that is only logged",
    notFor: all(deniedByNamespace, strangerAsked()),
    reads: (s) => [defaultDeny(s)],
    change: ([live]) => ({ changed: [annotated(live!, "istio.io/dry-run", "true")] }),
    expected: (s) => red(s, "A15", nobodyListens),
  },
  {
    id: "default-deny-selects-nothing",
    breaks: "default-deny is about a workload that does not exist",
    notFor: all(deniedByNamespace, strangerAsked()),
    ...edits<AuthorizationPolicySpec>(defaultDeny, (spec) => ({ ...spec, selector: nowhere })),
    expected: (s) => [
      ...red(s, "A15", nobodyListens),
      ...red(s, "O6", { got: "findings", says: /IST0127/ }),
    ],
  },
  {
    id: "mesh-default-deny-deleted",
    breaks: "workloads of other namespaces that no policy is about are open to everybody",
    notFor: needs((s) => applies("A15-mesh", s), "the mesh has no default-deny that is enforced"),
    ...deletes(() => [policy("mesh-default-deny", gatewayNamespace)]),
    expected: (s) => red(s, "A15-mesh", { got: "ok" }),
  },
  {
    id: "everybody-allowed",
    breaks: "a policy beside the stack's own lets everybody in to the whole namespace",
    notFor: all(enforced, noticed(opened)),
    ...adds(
      (s) => policy("everybody", s.namespace),
      () => ({ action: "ALLOW", rules: [{}] }),
    ),
    expected: (s) => [
      ...changedCalls(s, { ...s, services: s.services.map(anybody) }),
      ...red(s, "A15", nobodyListens),
    ],
  },
  {
    id: "gateway-unguarded",
    breaks: "the policy that says what the gateway lets in is gone",
    notFor: all(
      deniedByNamespace,
      needs((s) => passed(s).length > 0, "no request that can be made here would notice"),
    ),
    ...deletes(() => [gatewayPolicy]),
    expected: passed,
  },
  {
    id: "deny-deleted",
    breaks: "what a service refuses before anything is allowed is gone",
    notFor: all(
      enforced,
      needs(
        (s) => undenied(s) !== undefined,
        "no rule of denyFrom decides a call that can be made",
      ),
    ),
    reads: (s) => denials(s, undenied(s)!.service),
    change: (live, { settings: s }) => {
      const spec = gatewayDeny(undenied(s)!.settings);
      const [others, own] = [true, false].map((is) =>
        live.filter((o) => (o.metadata.namespace === gatewayNamespace) === is),
      );
      const gone = (objects: typeof live) =>
        objects.map(({ apiVersion, kind, metadata }) => ({
          ...{ apiVersion, kind },
          metadata: { name: metadata.name, namespace: metadata.namespace! },
        }));
      return spec
        ? { changed: others!.map((o) => withSpec(o, () => spec)), deleted: gone(own!) }
        : { deleted: gone(live) };
    },
    expected: (s) => changedCalls(s, undenied(s)!.settings),
  },
];

function strangerAsked() {
  return needs((s) => applies("A15", s), "nobody inside the mesh may call anybody");
}

/** What the gateway no longer refuses itself. */
function passed(s: Settings): Expected[] {
  const entrance = gatewayPlace.entrance(s);
  const again = entrance && needsToken(s, entrance.service);
  return [
    ...red(s, "J3", again ? { got: "rbac-denied", says: /refused by the service/ } : { got: "ok" }),
    ...red(s, "E31", { verdict: "inconclusive", got: "not-found" }),
  ];
}

/** Policies of denyFrom about a service. */
function denials(s: Settings, service: ServiceSettings): ObjectRef[] {
  const rules = service.denyFrom ?? [];
  const inside = rolledOut(s, service.name) && rules.some((r) => refusedAt(r) !== "gateway");
  const outside =
    rolledOutAtGateway(s, service.name) &&
    rules.some((r) => r.gateway && refusedAt(r) !== "service");
  return [
    ...(inside ? [policy(`deny-${service.name}`, s.namespace)] : []),
    ...(outside ? [policy("deny-gateway", gatewayNamespace)] : []),
  ];
}
