import type { AccessGraph, GraphEdge, GraphNode } from "./model.ts";

/** The graph as a Mermaid flowchart, which GitHub and others draw. */
export function mermaid(graph: AccessGraph): string {
  const inside = graph.nodes.filter(isService);
  const others = graph.nodes.filter((node) => !isService(node));
  const open = inside.filter((node) => node.kind === "open");
  const notes = others.filter((node) => node.kind === "note");
  return [
    "---",
    // YAML reads JSON
    `title: ${JSON.stringify(graph.title)}`,
    "---",
    "flowchart LR",
    ...others.map(nodeText),
    `subgraph stack[${label([`namespace ${graph.namespace}`])}]`,
    ...inside.map((node) => `  ${nodeText(node)}`),
    "end",
    ...graph.edges.map(edgeText),
    ...marked("open", "fill:#fff1e5,stroke:#bc4c00,color:#000", open),
    ...marked("note", "fill:#fff8c5,stroke:#9a6700,color:#000", notes),
    ...coloured(graph.edges, "open", "#bc4c00"),
    ...coloured(graph.edges, "deny", "#cf222e"),
  ]
    .map((line, i) => (i < 4 ? line : `  ${line}`))
    .join("\n")
    .concat("\n");
}

function isService({ kind }: GraphNode): boolean {
  return kind === "service" || kind === "open";
}

function nodeText({ id, kind, lines }: GraphNode): string {
  if (kind === "outside") return `${id}([${label(lines)}])`;
  return kind === "caller" ? `${id}(${label(lines)})` : `${id}[${label(lines)}]`;
}

function edgeText({ from, to, kind, lines }: GraphEdge): string {
  return `${from} ${kind === "deny" ? "-.->" : "-->"}|${label(lines)}| ${to}`;
}

function marked(name: string, style: string, nodes: readonly GraphNode[]): string[] {
  if (nodes.length === 0) return [];
  return [`classDef ${name} ${style}`, `class ${nodes.map(({ id }) => id).join(",")} ${name}`];
}

function coloured(edges: readonly GraphEdge[], kind: GraphEdge["kind"], colour: string): string[] {
  const places = edges.flatMap((edge, i) => (edge.kind === kind ? [i] : []));
  if (places.length === 0) return [];
  return [`linkStyle ${places.join(",")} stroke:${colour},color:${colour}`];
}

function label(lines: readonly string[]): string {
  return `"${lines.map(escaped).join("<br/>")}"`;
}

/**
 * Text as it may stand in a label. All that Mermaid, Markdown or HTML could read as theirs becomes a code such as #34;
 * also the first letter of words that Mermaid's preprocessing, or an automatic link, would take hold of.
 *
 * @see https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
 */
export function escaped(text: string): string {
  return text
    .replace(/[^\p{L}\p{N} /.,=:-]|:(?! |$)/gu, code)
    .replace(/(?:style|classDef|www)/gi, (word) => code(word) + word.slice(1));
}

function code(text: string): string {
  return `#${text.codePointAt(0)};`;
}
