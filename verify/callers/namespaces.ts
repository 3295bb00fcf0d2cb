import type { Kubectl } from "../kubectl.ts";

/**
 * Takes namespaces away with all that is in them. Their pods are told at once: a cluster by itself comes to them after
 * all else that a namespace can hold, which takes it 5 s.
 *
 * @param wait until they are gone, for a minute at most
 */
export async function takeAway(
  kubectl: Kubectl,
  namespaces: readonly string[],
  { wait }: { readonly wait: boolean },
): Promise<void> {
  if (namespaces.length === 0) return;
  const command = ["delete", "namespace", ...namespaces, "--ignore-not-found"];
  // first, or what keeps pods running makes new ones
  await kubectl.run([...command, "--wait=false"]);
  const pods = ["delete", "pod", "--all", "--wait=false"];
  await Promise.all(
    namespaces.map((namespace) =>
      // a namespace that is gone already has none
      kubectl.run([...pods, `--namespace=${namespace}`]).catch(() => undefined),
    ),
  );
  if (wait) await kubectl.run([...command, "--timeout=60s"]);
}
