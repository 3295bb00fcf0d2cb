import { stringify } from "yaml";
import { stackGateway } from "../policies/gateway.ts";
import { compare } from "../meaning/compare.ts";
import { readPlatform } from "../meaning/manifests/platform.ts";
import { textReport } from "../meaning/report/text.ts";
import { manyRules } from "./builders.ts";
import { stackObjects } from "./manifests.ts";

/** The gateway's pods and Service as its chart makes them, as far as requests depend on it. */
function gateway(): object[] {
  const [, , namespace, , account] = stackGateway.principal.split("/");
  const metadata = { name: "istio-ingressgateway", namespace };
  const ports = [80, 443].map((port) => ({ name: `http-${port}`, port, targetPort: port }));
  const template = {
    metadata: {
      labels: { ...stackGateway.selector, "sidecar.istio.io/inject": "true" },
      annotations: { "inject.istio.io/templates": "gateway" },
    },
    spec: { serviceAccountName: account, containers: [{ name: "istio-proxy" }] },
  };
  return [
    { apiVersion: "apps/v1", kind: "Deployment", metadata, spec: { template } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector: stackGateway.selector, ports },
    },
  ];
}

/** Manifests of two platforms of many services with ten rules each, which differ in who may call one of them. */
export function platforms(
  services: number,
): [base: Map<string, string>, head: Map<string, string>] {
  const base = manyRules(services);
  const [first, ...others] = base.services;
  const head = { ...base, services: [{ ...first!, denyFrom: [] }, ...others] };
  // one object a file, as in rendered/
  const files = (objects: object[]) =>
    new Map(objects.map((o, i) => [`${i}.yaml`, stringify(o)] as const));
  const [before, after] = [base, head].map((s) =>
    files([...stackObjects(s, "echo"), ...gateway()]),
  );
  return [before!, after!];
}

/** Seconds from the texts of both platforms to the report, and how many questions that took. */
export function measureMeaning(services: number): { seconds: number; asked: number } {
  const [base, head] = platforms(services);
  const start = performance.now();
  const comparison = compare(readPlatform(base), readPlatform(head));
  textReport("bench", comparison);
  return { seconds: (performance.now() - start) / 1000, asked: comparison.asked };
}
