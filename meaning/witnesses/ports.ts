import { modesOf } from "../evaluate/transport.ts";
import { selects } from "../manifests/objects.ts";
import { targetPort } from "../manifests/workloads.ts";
import { unique } from "./literals.ts";
import { type NamedRule, type Sides, distinct, formsOf } from "./sides.ts";

/** A port of a container, and the Service by which it is reached. */
export interface Entry {
  readonly port: number;
  readonly via?: { readonly host: string; readonly port: number };
  /** The first way to its port, by which everything is asked; by others, what each rule is about. */
  readonly first: boolean;
  /** A port that rules alone name, or in place of all others one that nobody does: it is spoken to as the first is. */
  readonly unspoken?: true;
  /** The port that nobody names. */
  readonly spare?: true;
}

/** Ways to a workload: by each Service, at each port that anything is about, and at one that nothing is about. */
export function entriesOf(sides: Sides, id: string, rules: readonly NamedRule[]): Entry[] {
  const forms = formsOf(sides, id);
  const named = forms.flatMap(({ platform, workload }) =>
    platform.services
      .filter((s) => s.namespace === workload.namespace && selects(s.selector, workload.labels))
      .flatMap((s) =>
        s.ports.flatMap((p) => {
          const port = targetPort(workload, p);
          return port === undefined ? [] : [{ port, via: { host: s.host, port: p.port } }];
        }),
      ),
  );
  const entries: Entry[] = [];
  const add = (way: Omit<Entry, "first">) =>
    entries.push({ ...way, first: !entries.some((e) => e.port === way.port) });
  distinct(named).forEach(add);
  const spoken = forms.flatMap(({ platform, workload }) => [
    ...workload.excepted,
    ...modesOf(platform, workload).ports.keys(),
  ]);
  const isNew = (port: number) => !entries.some((e) => e.port === port);
  const bare = unique(forms.flatMap(({ workload }) => workload.ports.map((p) => p.number)));
  for (const port of bare.filter(isNew)) add({ port });
  // what no Service leads to is asked as if one did: nothing else keeps a caller's proxy from mTLS
  const host = named[0]?.via.host;
  const as = (port: number) => ({ port, ...(host !== undefined && { via: { host, port } }) });
  for (const port of unique(spoken).filter(isNew)) add(as(port));
  const ruled = unique(rules.flatMap(({ rule }) => portsIn(rule)));
  for (const port of ruled.filter(isNew)) add({ ...as(port), unspoken: true });
  let spare = 9999;
  while (!isNew(spare)) spare -= 1;
  add({ ...as(spare), unspoken: true, spare: true });
  return entries;
}

function portsIn({ to = [], when = [] }: NamedRule["rule"]): number[] {
  return [
    ...to.flatMap(({ operation = {} }) => [
      ...(operation.ports ?? []),
      ...(operation.notPorts ?? []),
    ]),
    ...when
      .filter((w) => w.key === "destination.port")
      .flatMap((w) => [...(w.values ?? []), ...(w.notValues ?? [])]),
  ].map(Number);
}
