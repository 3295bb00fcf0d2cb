import type { EngineEvent, OpType } from "@pulumi/pulumi/automation/index.js";

/** What the engine does, or would do, to one resource. */
export interface Step {
  readonly op: OpType;
  /** Last part of the type: PeerAuthentication. */
  readonly kind: string;
  /** Logical name. */
  readonly name: string;
  readonly urn: string;
  /** Paths of the properties that change. */
  readonly diffs: readonly string[];
}

const quiet: readonly OpType[] = ["same", "read", "refresh"];

/** Steps of a run that change something, in the engine's order. */
export function changesIn(events: readonly EngineEvent[]): Step[] {
  return events.flatMap(({ resourcePreEvent }) => {
    const metadata = resourcePreEvent?.metadata;
    if (!metadata || quiet.includes(metadata.op)) return [];
    return [stepOf(metadata)];
  });
}

/** What a refresh found to differ from the state. */
export function driftIn(events: readonly EngineEvent[]): Step[] {
  return events.flatMap(({ resOutputsEvent }) => {
    const metadata = resOutputsEvent?.metadata;
    if (!metadata || quiet.includes(metadata.op)) return [];
    return [stepOf(metadata)];
  });
}

type Metadata = NonNullable<EngineEvent["resourcePreEvent"]>["metadata"];

function stepOf({ op, urn, diffs, detailedDiff }: Metadata): Step {
  const [, , types = "", name = ""] = urn.split("::");
  const kind = types.split("$").at(-1)!.split(":").at(-1)!;
  return {
    op,
    kind,
    name,
    urn,
    diffs: Object.keys(detailedDiff ?? {}).length > 0 ? Object.keys(detailedDiff!) : (diffs ?? []),
  };
}

/**
 * Steps as lines to compare: `update PeerAuthentication security-namespace-mtls`, sorted. A replacement is one line,
 * whatever steps the engine makes of it.
 */
export function lines(steps: readonly Step[]): string[] {
  const all = steps.map(({ op, kind, name }) => {
    const word = op.endsWith("-replacement") || op.endsWith("-replaced") ? "replace" : op;
    return `${word} ${kind} ${name}`;
  });
  return [...new Set(all)].sort();
}

/** Text of all the errors that a run told. */
export function errorsIn(events: readonly EngineEvent[]): string {
  return events
    .flatMap(({ diagnosticEvent: d }) =>
      d?.severity === "error" || d?.severity === "info#err" ? [d.message] : [],
    )
    .join("\n")
    .replaceAll(/<\{%[a-z ]*%\}>/g, "");
}
