import * as path from "node:path";
import { type Settings, settingsSchema } from "../../../settings/index.ts";
import { type Sources, officialSources, readSources } from "../../../sources/index.ts";

/** The project's folder. */
export const root = path.resolve(import.meta.dirname, "../../..");

/** A key set of somebody else: the public key of RFC 7517, appendix A.1. */
export const keySet =
  '{"keys":[{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}';

/** Sources of the official route. */
export const official: Sources = readSources(path.join(root, officialSources));

/** Sources as the air-gapped route writes them. */
export const airgap: Sources = {
  route: "airgap",
  istio: {
    version: "1.31.0-git.eed52ebb66ad",
    charts: {
      base: { chart: "/cache/base.tgz" },
      istiod: { chart: "/cache/istiod.tgz" },
      gateway: { chart: "/cache/gateway.tgz" },
    },
    hub: "bankmesh.local/istio",
    tag: "1.31.0-git.eed52ebb66ad-0123456789ab",
    values: {
      pilot: { env: { PILOT_ENABLE_METADATA_EXCHANGE: "false" } },
      telemetry: { enabled: false },
    },
  },
  node: {
    image: "bankmesh.local/node:v1.34.4-0123456789ab",
    imageRepository: "bankmesh.local/kubernetes",
    maxWorkers: 0,
  },
  images: {
    echo: "bankmesh.local/echo:0123456789ab",
    curl: "bankmesh.local/curl:0123456789ab",
    nginx: "bankmesh.local/nginx:0123456789ab",
    httpd: "bankmesh.local/httpd:0123456789ab",
    "istio-app": "bankmesh.local/istio/app:0123456789ab",
  },
};

/** Settings of a stack that sets these values, with the defaults of the rest. */
export function settings(values: Record<string, unknown> = {}): Settings {
  return settingsSchema.parse(values);
}
