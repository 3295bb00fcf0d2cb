import type { ServiceSettings, Settings } from "../../settings/index.ts";

/** Full name of a service in a namespace. */
export function hostOf(service: string, namespace: string): string {
  return `${service}.${namespace}.svc.cluster.local`;
}

export function firstPort(service: ServiceSettings): { port: number; targetPort: number } {
  return service.ports?.[0] ?? { port: 80, targetPort: 8080 };
}

/** Whether a service answers with what it received; only then an identity can be read from the answer. */
export function echoes(settings: Settings, name: string): boolean {
  return find(settings, name).image === undefined;
}

export function find(settings: Settings, name: string): ServiceSettings {
  return settings.services.find((s) => s.name === name)!;
}
