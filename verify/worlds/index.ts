import { backendHosts, gatewayHosts } from "./edge-hosts.ts";
import { modesWorld } from "./modes.ts";
import { rulesHost, rulesWorld } from "./rules.ts";
import type { World } from "./world.ts";

/** Every world. */
export const worlds: readonly World[] = [modesWorld, rulesWorld];

/** Hosts that the worlds' gateways have a certificate for, and those that a server behind them has one for. */
export const worldHosts = { gateway: [...gatewayHosts, rulesHost], backend: backendHosts };
