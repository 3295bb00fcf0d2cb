// Makes istio-crds.json from the CRDs of a base chart: node policies/schemas/extract.ts <crd-all.gen.yaml>
import * as fs from "node:fs";
import * as path from "node:path";
import { parseAllDocuments } from "yaml";

interface Crd {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: {
        readonly openAPIV3Schema: { readonly properties: { readonly spec: unknown } };
      };
    }[];
  };
}

/** Kinds that the program makes, by the version that it uses. */
export const kinds: Readonly<Record<string, string>> = {
  Gateway: "networking.istio.io/v1",
  VirtualService: "networking.istio.io/v1",
  DestinationRule: "networking.istio.io/v1",
  PeerAuthentication: "security.istio.io/v1",
  RequestAuthentication: "security.istio.io/v1",
  AuthorizationPolicy: "security.istio.io/v1",
  EnvoyFilter: "networking.istio.io/v1alpha3",
};

/** JSON Schemas of the kinds' specs, as text with sorted keys. */
export function extract(crds: string): string {
  const out: Record<string, unknown> = {};
  for (const document of parseAllDocuments(crds)) {
    const crd = document.toJS() as Crd | null;
    const apiVersion = crd ? kinds[crd.spec.names.kind] : undefined;
    if (!crd || !apiVersion?.startsWith(`${crd.spec.group}/`)) continue;
    const version = crd.spec.versions.find((v) => apiVersion.endsWith(`/${v.name}`));
    if (version)
      out[crd.spec.names.kind] = jsonSchema(version.schema.openAPIV3Schema.properties.spec);
  }
  const sorted = Object.entries(out).sort(([a], [b]) => a.localeCompare(b));
  return `${JSON.stringify(Object.fromEntries(sorted), null, 1)}\n`;
}

/** Structural schema to JSON Schema: no prose, no Kubernetes extensions, fields that do not exist are refused. */
export function jsonSchema(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(jsonSchema);
  if (typeof node !== "object" || node === null) return node;
  const source = node as Record<string, unknown>;
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(source).sort()) {
    if (key === "description" || key === "format" || key.startsWith("x-kubernetes-")) continue;
    out[key] =
      key === "properties"
        ? properties(source[key] as Record<string, unknown>)
        : jsonSchema(source[key]);
  }
  if (source["x-kubernetes-int-or-string"]) out.type = ["integer", "string"];
  // inside anyOf/oneOf the alternatives name a part of the fields only
  const closed =
    source.type === "object" &&
    source.properties !== undefined &&
    source.additionalProperties === undefined;
  if (closed && !source["x-kubernetes-preserve-unknown-fields"]) out.additionalProperties = false;
  return out;
}

function properties(source: Record<string, unknown>): unknown {
  return Object.fromEntries(
    Object.keys(source)
      .sort()
      .map((key) => [key, jsonSchema(source[key])]),
  );
}

if (process.argv[1] === import.meta.filename) {
  const [file] = process.argv.slice(2);
  if (!file) throw new Error("name the crd-all.gen.yaml of the pinned base chart");
  fs.writeFileSync(
    path.join(import.meta.dirname, "istio-crds.json"),
    extract(fs.readFileSync(file, "utf8")),
  );
}
