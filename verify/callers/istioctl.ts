import { execa } from "execa";
import type { Kubectl } from "../kubectl.ts";

/** Longest time that istioctl may take. */
const timeout = 30_000;

/**
 * What istioctl prints about the cluster.
 *
 * @throws Error with its message, when it printed nothing
 */
export async function istioctl(kubectl: Kubectl, args: readonly string[]): Promise<string> {
  const result = await execa("istioctl", ["--kubeconfig", kubectl.file, ...args], {
    ...{ env: kubectl.env, extendEnv: false, reject: false, timeout, stdin: "ignore" },
  });
  // findings have an exit code of their own
  if (result.failed && result.stdout.trim() === "")
    throw new Error(
      `istioctl ${args.join(" ")}: ${result.stderr.split("\n")[0] || result.shortMessage}`,
    );
  return result.stdout;
}
