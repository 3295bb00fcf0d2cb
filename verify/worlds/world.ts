import type { TokenKey } from "../../components/signing-keys.ts";
import type { KubernetesObject } from "../../manifests/object.ts";
import type { GatewayProxy } from "../../policies/gateway.ts";
import type { Settings } from "../../settings/index.ts";
import type { CallerKind } from "../callers/objects.ts";
import type { Probe } from "../probe.ts";
import type { RunOptions } from "../runner.ts";
import type { Edge } from "../verifier.ts";
import type { WorldKeys } from "./keys.ts";

/** Where a world stands. */
export interface WorldPlace {
  /** Names the run; part of the names of what it brings. */
  readonly run: string;
  /** Namespace of the world, its gateway and its callers. */
  readonly namespace: string;
  readonly gateway: GatewayProxy;
  /** Where this machine reaches the gateway. */
  readonly edge: Edge;
}

/** All that a world is made from. */
export interface WorldArgs {
  readonly place: WorldPlace;
  readonly keys: WorldKeys;
  readonly images: { readonly echo: string; readonly curl: string; readonly nginx: string };
}

/** What is asked at once, of the same settings. */
export interface Ask {
  readonly settings: Settings;
  readonly probes: readonly Probe[];
  readonly options?: RunOptions;
}

/** A change of a world, and what is asked once it is made. */
export interface Step {
  readonly apply?: readonly KubernetesObject[];
  /** What goes, as `kubectl delete` takes it: kind/name. */
  readonly remove?: readonly string[];
  /** Asked side by side. Called when the step's turn has come, so that times count from then. */
  readonly asks: () => readonly Ask[];
}

/**
 * A miniature stack in a namespace of its own, with a gateway of its own: settings that the program's builders turn into
 * objects, as they do for a stack, so that probes can be asked of it as they are.
 */
export interface World {
  /** Part of the namespace's name; small letters. */
  readonly name: string;
  readonly settings: (place: WorldPlace) => Settings;
  /** Ports of services' pods behind which a second server listens, and a third. */
  readonly servers: Readonly<Record<string, readonly number[]>>;
  /** Key sets of its issuers, by name. */
  readonly keySets: (keys: WorldKeys) => Readonly<Record<string, string>>;
  /** Keys that tokens are signed with, by the issuer's name or their own. */
  readonly signingKeys: (keys: WorldKeys) => Readonly<Record<string, TokenKey>>;
  /** Callers that it brings, beside those of the stack's run. */
  readonly callers: readonly CallerKind[];
  /** Service that serves as another's twin. @default none */
  readonly twinService?: string;
  /** Name of a workload that no rule names. @default none is asked for */
  readonly ruleless?: (place: WorldPlace) => string;
  /** What stands beside the objects that the settings become. */
  readonly extras: (args: WorldArgs) => readonly KubernetesObject[];
  /** Asked one after the other. */
  readonly steps: (args: WorldArgs) => readonly Step[];
}

/** Full name of a service of a world. */
export function serviceHost(name: string, { namespace }: WorldPlace): string {
  return `${name}.${namespace}.svc.cluster.local`;
}
