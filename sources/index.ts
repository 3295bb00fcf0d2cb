import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";

/** Where one Istio chart comes from: a packaged chart's path, or a name in a repository. */
const chart = z.strictObject({ chart: z.string().min(1), repo: z.url().optional() });

/** All that differs between the official and the air-gapped route, and manifests that are only written down. */
const sourcesSchema = z.strictObject({
  /** The route that this file belongs to. */
  route: z.enum(["official", "airgap", "rendered"]),
  /** Folder that manifests are written to; there is no cluster then. @default a cluster */
  renderTo: z.string().min(1).optional(),
  istio: z.strictObject({
    version: z.string().min(1),
    charts: z.strictObject({ base: chart, istiod: chart, gateway: chart }),
    hub: z.string().min(1),
    tag: z.string().min(1),
    /** Values that this route's Envoy needs; merged into istiod's. */
    values: z.record(z.string(), z.unknown()),
  }),
  node: z.strictObject({
    image: z.string().min(1),
    /** Repository that kubeadm takes Kubernetes' own images from. @default kubeadm's */
    imageRepository: z.string().min(1).optional(),
    /** Workers that the image can network. @default no limit */
    maxWorkers: z.int().min(0).optional(),
  }),
  images: z.strictObject({
    echo: z.string().min(1),
    curl: z.string().min(1),
    nginx: z.string().min(1),
    httpd: z.string().min(1),
    "istio-app": z.string().min(1),
  }),
});

export type Sources = z.infer<typeof sourcesSchema>;
export type ChartSource = z.infer<typeof chart>;

/** Sources file of the official route, relative to the project's folder. */
export const officialSources = path.join("sources", "official.json");

/**
 * Reads and checks a sources file.
 *
 * @throws Error that names the file and the field when it is missing or wrong
 */
export function readSources(file: string): Sources {
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch {
    throw new Error(
      `sources file ${file} cannot be read: set BANKMESH_SOURCES or bankmesh:sources to one that can`,
    );
  }
  const parsed = sourcesSchema.safeParse(parseJson(file, text));
  if (parsed.success) return parsed.data;
  const first = parsed.error.issues[0]!;
  throw new Error(`sources file ${file}: ${first.path.join(".")}: ${first.message}`);
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (e) {
    throw new Error(`sources file ${file} is not JSON: ${(e as Error).message}`);
  }
}
