import * as assert from "node:assert/strict";
import type { KubernetesObject } from "../../../manifests/object.ts";
import type { Kubectl } from "../../../verify/kubectl.ts";

interface Deployment {
  readonly spec: { readonly template: { readonly spec: object } };
}

export interface ClientRuleArgs {
  readonly kubectl: Kubectl;
  readonly namespace: string;
  /** Service that the rule is about. */
  readonly service: string;
  /** Runs a script in a pod of the namespace with a sidecar, or in one without. */
  readonly shell: (kind: "mesh" | "plain", script: string) => Promise<string>;
  /** Takes the rule away. */
  readonly withoutRule: () => Promise<void>;
}

/**
 * What a DestinationRule with ISTIO_MUTUAL does is seen by a server behind the service's name that does not speak mTLS:
 * the mesh does not reach it, somebody without a sidecar does, and so does the mesh once the rule is gone.
 */
export async function assertDialsMtls(args: ClientRuleArgs): Promise<void> {
  const { kubectl, service, shell, withoutRule } = args;
  const namespace = `--namespace=${args.namespace}`;
  const url = `http://${service}.${args.namespace}.svc.cluster.local/`;
  const bare = `${service}-bare`;
  const lead = (app: string) => {
    const patch = JSON.stringify({ spec: { selector: { app } } });
    return kubectl.run(["patch", "service", service, namespace, "--patch", patch]);
  };
  await kubectl.apply([await bareTwin(args, bare)]);
  await kubectl.run(["wait", "--for=condition=Ready", `pod/${bare}`, namespace, "--timeout=60s"]);
  await lead(bare);
  await settles(shell, "plain", url, / 200$/);
  await settles(shell, "mesh", url, /connection failure.* 503$/s);
  await withoutRule();
  await settles(shell, "mesh", url, / 200$/);
  await lead(service);
  await kubectl.run(["delete", "pod", bare, namespace, "--wait=false"]);
}

/** Asks until the answer is this three times in a row. */
async function settles(
  shell: ClientRuleArgs["shell"],
  kind: "mesh" | "plain",
  url: string,
  wanted: RegExp,
): Promise<void> {
  for (let streak = 0, tries = 0; streak < 3; tries++) {
    const got = await shell(kind, `curl -sS -m 5 -w ' %{http_code}' ${url} 2>&1`);
    streak = wanted.test(got.trim()) ? streak + 1 : 0;
    assert.ok(tries < 40, `${kind} to ${url}: ${got}`);
  }
}

/** A service's pod once more, without a sidecar and under a name of its own. */
async function bareTwin(
  { kubectl, namespace, service }: ClientRuleArgs,
  name: string,
): Promise<KubernetesObject> {
  const { spec } = await kubectl.json<Deployment>([
    ...["get", `deployment/${service}`, `--namespace=${namespace}`],
  ]);
  return {
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata: { name, namespace, labels: { app: name, "sidecar.istio.io/inject": "false" } },
    spec: { ...spec.template.spec, terminationGracePeriodSeconds: 1 },
  };
}
