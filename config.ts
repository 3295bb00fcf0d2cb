import * as pulumi from "@pulumi/pulumi";
import {
  type OwnCertificates,
  type SecretKey,
  type Settings,
  formatProblems,
  parseSettings,
} from "./settings/index.ts";
import type { Sources } from "./sources/index.ts";
import { type TestKey, renderedTestKey } from "./sources/rendered.ts";

/** The settings of the running stack. */
export interface Config {
  readonly stack: string;
  readonly settings: Settings;
  readonly sources: Sources;
  /** Images that run: the settings' own, else the route's. */
  readonly images: Sources["images"] & { readonly node: string };
  /** What of others is used as it is found, on a cluster that exists. */
  readonly adopts: (what: string) => boolean;
  /** The user's own certificates and keys, as secrets. */
  readonly own: { readonly [K in SecretKey]?: pulumi.Output<string> };
  /** In place of keys that would be made; only where manifests are written down. */
  readonly testKey: TestKey | undefined;
  /** Point in time that certificates' renewal is judged at. */
  readonly now: Date;
}

/**
 * Reads and checks the stack's configuration. The only place that does.
 *
 * @throws pulumi.RunError with every problem at once: key, value, what is allowed, the command that fixes it
 */
export function readConfig(now = new Date()): Config {
  const stack = pulumi.getStack();
  const prefix = `${pulumi.getProject()}:`;
  const raw = Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
  const encrypted = Object.keys(raw).filter((key) => encryptedKeys().includes(prefix + key));
  const parsed = parseSettings(stack, raw, process.env, now, encrypted);
  const { settings, sources, own, problems } = parsed;
  if (!settings || !sources) throw new pulumi.RunError(formatProblems(stack, problems));
  const images = {
    ...sources.images,
    echo: settings.echoImage ?? sources.images.echo,
    node: settings.nodeImage ?? sources.node.image,
  };
  const adopts = (what: string) =>
    settings.adopt.includes(what) || (what !== "istio" && settings.adopt.includes("namespaces"));
  const testKey = sources.renderTo === undefined ? undefined : renderedTestKey;
  return Object.freeze({
    stack,
    settings,
    sources,
    images,
    adopts,
    testKey,
    own: secrets(own),
    now,
  });
}

/** Full keys whose values were encrypted; the SDK has them from the host, and asks only by `requireSecret`. */
function encryptedKeys(): string[] {
  return JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS ?? "[]") as string[];
}

function secrets(own: OwnCertificates): Config["own"] {
  return Object.fromEntries(Object.entries(own).map(([key, value]) => [key, pulumi.secret(value)]));
}
