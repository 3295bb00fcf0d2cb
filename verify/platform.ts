import type { TokenKey } from "../components/signing-keys.ts";
import { checkConfiguration } from "../scripts/checks/index.ts";
import { UserError } from "../scripts/errors.ts";
import type { Reporter } from "../scripts/progress.ts";
import { prepareTools } from "../scripts/setup/index.ts";
import { requireStack } from "../scripts/stack/files.ts";
import { openStack, readOutputs } from "../scripts/stack/open.ts";
import type { Stack } from "../scripts/stack/pulumi.ts";
import type { Settings } from "../settings/index.ts";
import { Kubectl } from "./kubectl.ts";
import type { Subject } from "./verifier.ts";

/** A stack that is up, with what is needed to ask it. */
export interface Platform {
  readonly name: string;
  readonly stack: Stack;
  readonly settings: Settings;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly subject: Subject;
  /** Image with curl and a shell. */
  readonly curlImage: string;
  /** To be closed. */
  readonly kubectl: Kubectl;
}

/**
 * Opens a running stack.
 *
 * @param word the stack as it was asked for; dev when it is not named
 * @param mayBe refuses stacks by their settings, before anything is touched
 * @throws UserError when it is not up
 */
export async function openPlatform(
  reporter: Reporter,
  word: string | undefined,
  mayBe: (settings: Settings) => void = () => undefined,
): Promise<Platform> {
  const name = requireStack(word);
  const bench = await prepareTools(reporter, process.env, ["istioctl"]);
  const settings = checkConfiguration(name, bench.env);
  mayBe(settings);
  const { stack, state } = await openStack(reporter, name, bench);
  if (!state) throw new UserError(`stack "${name}" is not up: npm start -- ${name}`);
  const outputs = await readOutputs(stack, true);
  const text = (key: string) => String(outputs[key]);
  const subject = {
    settings,
    caPem: text("caCertPem"),
    client: { certPem: text("clientCertPem"), keyPem: text("clientKeyPem") },
    signingKeys: outputs.signingKeys as Record<string, TokenKey>,
  };
  const { curl } = outputs.images as { curl: string };
  const kubectl = new Kubectl(text("kubeconfig"), stack.env);
  return { ...{ name, stack, settings, outputs, subject, kubectl }, curlImage: curl };
}
