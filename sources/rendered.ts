import * as path from "node:path";
import type { Sources } from "./index.ts";

/** Packed-out charts that come with the project, relative to its folder; see sources/charts/README.md. */
export const vendoredCharts = path.join("sources", "charts");

/** The public half of a key, and the end of its id. */
export interface TestKey {
  readonly idEnd: string;
  readonly publicKeyPem: string;
}

/**
 * Stands in rendered manifests for every key that a stack would make. A worthless test key: its private half was thrown
 * away when it was made, so nothing that it signed exists, and it is in no cluster.
 */
export const renderedTestKey: TestKey = {
  idEnd: "rendered",
  publicKeyPem: `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAzgz7tylf+i4iTTua+cLx
sxrZRL5IKC7eyolcuGhR0wE+ajJVMeqPNLc+i6VffASHoBWzGdqBfk1ATeaMGGEy
IEkNL0yHvZlnFcTkCa4ypc7wktueNuh+qT2sHSEZBZekFdIrArzDVbbdZrFUwU33
ex/q9B3K43WXPKHQ7VgqXF0HdXEk2IGvJckuPiEDpAV4FkVDqp/iIBGoqPgN3fpy
vxNAZu3dDV9a6R8yFZQxd18yRg96QOpgEv64jQkBVPFefWzMzH2dufLpF8DQWD8N
3z0O+XLnSsIxmumFR+9crOv7dSL38N7u1nxr/GLNfL63buwWySNcU1n6Joxqu82E
fwIDAQAB
-----END PUBLIC KEY-----
`,
};

/**
 * The sources of manifests that are written down: images of the official route, charts from this project. The same on
 * each route, and nothing in them is of one machine.
 *
 * @param official sources of the official route
 * @param renderTo folder that the manifests go to
 */
export function renderedSources(official: Sources, renderTo: string): Sources {
  const chart = (name: string) => ({ chart: path.join(vendoredCharts, name) });
  const charts = { base: chart("base"), istiod: chart("istiod"), gateway: chart("gateway") };
  return {
    ...official,
    route: "rendered",
    renderTo,
    istio: { ...official.istio, charts },
  };
}
