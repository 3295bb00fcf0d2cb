import type { AccessGraph, GraphEdge, GraphNode } from "./model.ts";

// Graphviz knows the widths of one font at a time; this is a wide one, so that text in others stays within its box
const font = "DejaVu Sans";
const fonts = `${font},Verdana,Arial,sans-serif`;

/** The graph as an SVG image on white, with a title and a description in words. */
export async function svg(graph: AccessGraph): Promise<string> {
  // Graphviz as WebAssembly: slow to load for those who do not need it
  const { Graphviz } = await import("@hpcc-js/wasm-graphviz");
  const drawn = (await Graphviz.load()).dot(dot(graph), "svg");
  const words = `<title id="access-title">${xml(graph.title)}</title>\n<desc id="access-description">${xml(description(graph))}</desc>`;
  return drawn
    .slice(drawn.indexOf("<svg "))
    .replaceAll(`font-family="${font}"`, `font-family="${fonts}"`)
    .replace(
      "<svg ",
      '<svg role="img" aria-labelledby="access-title" aria-describedby="access-description" ',
    )
    .replace(">", () => `>\n${words}`);
}

/** The graph in Graphviz's language. */
export function dot(graph: AccessGraph): string {
  const isService = ({ kind }: GraphNode) => kind === "service" || kind === "open";
  return [
    "digraph {",
    `graph [fontname="${font}", label=${quoted([graph.title])}, labelloc=t, fontsize=16, rankdir=LR, bgcolor=white, pad=0.3, nodesep=0.4, ranksep=0.7]`,
    `node [fontname="${font}", fontsize=12, shape=box, style="rounded,filled", fillcolor=white, margin="0.2,0.1"]`,
    `edge [fontname="${font}", fontsize=11]`,
    ...graph.nodes.filter((node) => !isService(node)).map(nodeText),
    "subgraph cluster_stack {",
    `graph [label=${quoted([`namespace ${graph.namespace}`])}, fontsize=12, style="rounded,filled", color="#d0d7de", fillcolor="#f6f8fa", margin=16]`,
    ...graph.nodes.filter(isService).map(nodeText),
    "}",
    ...graph.edges.map(edgeText),
    "}",
  ].join("\n");
}

const nodeStyles: Readonly<Record<GraphNode["kind"], string>> = {
  outside: "shape=ellipse",
  gateway: "penwidth=2",
  service: "penwidth=2",
  open: 'penwidth=2, color="#bc4c00", fillcolor="#fff1e5"',
  caller: 'style="filled"',
  note: 'shape=note, style="filled", color="#9a6700", fillcolor="#fff8c5"',
};

const edgeStyles: Readonly<Record<GraphEdge["kind"], string>> = {
  allow: "color=black",
  open: 'color="#bc4c00", fontcolor="#bc4c00"',
  deny: 'color="#cf222e", fontcolor="#cf222e", style=dashed, arrowhead=tee',
};

function nodeText({ id, kind, lines }: GraphNode): string {
  return `${id} [label=${quoted(lines)}, ${nodeStyles[kind]}]`;
}

function edgeText({ from, to, kind, lines }: GraphEdge): string {
  return `${from} -> ${to} [label=${quoted(lines)}, ${edgeStyles[kind]}]`;
}

/** Lines as a text of Graphviz, which reads \ and entities in it. */
function quoted(lines: readonly string[]): string {
  const escaped = lines.map((line) =>
    line.replace(/&/g, "&amp;").replace(/[\\"]/g, (c) => `\\${c}`),
  );
  return `"${escaped.join("\\n")}"`;
}

function description({ nodes, edges }: AccessGraph): string {
  const name = (id: string) => nodes.find((node) => node.id === id)!.lines.join(" ");
  return [
    ...nodes.filter(({ kind }) => kind === "open" || kind === "note").map(({ id }) => name(id)),
    ...edges.map(({ from, to, lines }) => `${name(from)} → ${name(to)}: ${lines.join("; ")}`),
  ].join("\n");
}

function xml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
