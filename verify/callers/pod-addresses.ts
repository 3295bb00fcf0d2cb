import type { Kubectl } from "../kubectl.ts";

/** Address of one running pod of each app of a namespace. */
export async function podAddresses(
  kubectl: Kubectl,
  namespace: string,
): Promise<Record<string, string>> {
  const pods = await kubectl.json<{
    items: {
      metadata: { labels?: Record<string, string>; deletionTimestamp?: string };
      status: { podIP?: string; phase?: string };
    }[];
  }>(["get", "pod", `--namespace=${namespace}`]);
  const living = pods.items.filter(
    (p) => !p.metadata.deletionTimestamp && p.status.phase === "Running",
  );
  return Object.fromEntries(
    living.flatMap((p) => {
      const app = p.metadata.labels?.app;
      return app && p.status.podIP ? [[app, p.status.podIP] as const] : [];
    }),
  );
}
