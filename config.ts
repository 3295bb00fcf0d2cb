import * as pulumi from "@pulumi/pulumi";
import {
  type OwnCertificates,
  type SecretKey,
  type Settings,
  formatProblems,
  parseSettings,
} from "./settings/index.ts";
import type { Sources } from "./sources/index.ts";

/** The settings of the running stack. */
export interface Config {
  readonly stack: string;
  readonly settings: Settings;
  readonly sources: Sources;
  /** Images that run: the settings' own, else the route's. */
  readonly images: Sources["images"] & { readonly node: string };
  /** What of others is used as it is found, on a cluster that exists. */
  readonly adopt: { readonly adoptNamespace: boolean; readonly adoptIstio: boolean };
  /** The user's own certificates and keys, as secrets. */
  readonly own: { readonly [K in SecretKey]?: pulumi.Output<string> };
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
  const { settings, sources, own, problems } = parseSettings(stack, raw, process.env, now);
  if (!settings || !sources) throw new pulumi.RunError(formatProblems(stack, problems));
  const images = {
    ...sources.images,
    echo: settings.echoImage ?? sources.images.echo,
    node: settings.nodeImage ?? sources.node.image,
  };
  const adopt = {
    adoptNamespace: settings.adopt.includes("namespaces"),
    adoptIstio: settings.adopt.includes("istio"),
  };
  return Object.freeze({ stack, settings, sources, images, adopt, own: secrets(own), now });
}

function secrets(own: OwnCertificates): Config["own"] {
  return Object.fromEntries(Object.entries(own).map(([key, value]) => [key, pulumi.secret(value)]));
}
