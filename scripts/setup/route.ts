import { list } from "../errors.ts";
import { type FoundTool, type Plugin, type ToolName, toolNames } from "./tools.ts";

/** Where something comes from. */
export type Origin = "official" | "airgap";

/** Everything that decides which way is taken. */
export interface Facts {
  /** BANKMESH_ROUTE. */
  readonly forced?: Origin;
  readonly tools: Readonly<Record<ToolName, FoundTool>>;
  /** Official plugins that are not installed; asked for only when a good Pulumi CLI is there. */
  readonly missingPlugins?: readonly Plugin[];
  /** Official hosts that did not answer; undefined when they were not asked. */
  readonly silentHosts?: readonly string[];
}

export interface Route {
  /** "path" are the user's own tools and plugins. */
  readonly tools: "path" | Origin;
  /** Where charts and images come from. */
  readonly sources: Origin;
  /** Tools that are missing or too old beside the user's own CLI and plugins. @default none */
  readonly lacks?: readonly ToolName[];
  /** Why, in half a sentence. */
  readonly reason: string;
}

/** Whether the user's own tools and the official plugins are all there. */
export function hasOwnTools(facts: Facts): boolean {
  return hasOwnPlugins(facts) && missingTools(facts).length === 0;
}

function hasOwnPlugins(facts: Facts): boolean {
  return facts.tools.pulumi.good && facts.missingPlugins?.length === 0;
}

function missingTools(facts: Facts): ToolName[] {
  return toolNames.filter((name) => !facts.tools[name].good);
}

/** Whether the decision hangs on the official hosts. */
export function needsHosts(facts: Facts): boolean {
  return facts.forced === undefined;
}

/** Decides; the same facts give the same route. */
export function chooseRoute(facts: Facts): Route {
  const own = hasOwnTools(facts);
  if (facts.forced === "airgap")
    return { tools: "airgap", sources: "airgap", reason: "BANKMESH_ROUTE=airgap asks for it" };
  if (facts.forced === "official") {
    return {
      tools: own ? "path" : "official",
      sources: "official",
      reason: "BANKMESH_ROUTE=official asks for it",
    };
  }
  const silent = facts.silentHosts ?? [];
  if (silent.length === 0) {
    return own
      ? { tools: "path", sources: "official", reason: "tools and official plugins are installed" }
      : { tools: "official", sources: "official", reason: "the official download hosts answer" };
  }
  const reason = `${list(silent)} did not answer`;
  // Official plugins that are installed win; just charts and images cannot be had from where they come from.
  if (!hasOwnPlugins(facts)) return { tools: "airgap", sources: "airgap", reason };
  const lacks = missingTools(facts);
  return {
    tools: "path",
    sources: "airgap",
    ...(lacks.length > 0 && { lacks }),
    reason: `${lacks.length > 0 ? "the Pulumi CLI" : "tools"} and official plugins are installed, but ${reason}`,
  };
}

/** One line for people. */
export function describeRoute(route: Route): string {
  if (route.tools === "airgap") return `route: air-gapped, because ${route.reason}`;
  if (route.sources === "airgap")
    return `route: own tools with air-gapped images, because ${route.reason}`;
  return `route: ${route.tools === "path" ? "official, with the tools on PATH" : "official"}, because ${route.reason}`;
}
