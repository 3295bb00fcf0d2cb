import { createPublicKey, generateKeyPairSync } from "node:crypto";
import type { TokenKey } from "../../../components/signing-keys.ts";
import { makeCertificate } from "../../../verify/certificates.ts";
import type { HostRequest, Probe } from "../../../verify/probe.ts";
import { good } from "../../../verify/probes/edge-requests.ts";
import type { Kubectl } from "../../../verify/kubectl.ts";
import type { TokenSpec } from "../../../verify/tokens.ts";
import {
  type TlsServer,
  tlsServerContainer,
  tlsServerObjects,
  tlsServerVolumes,
} from "../../../verify/worlds/tls-server.ts";
import { fallbackKey } from "../../../verify/fallback-key.ts";

const namespace = "issuer";
const host = `issuer.${namespace}.svc.cluster.local`;
const metadata = { name: "issuer", namespace, labels: { app: "issuer" } };

const ca = { ...makeCertificate({ commonName: "corp-root", ca: true }), commonName: "corp-root" };
const server = makeCertificate({ commonName: host, dnsNames: [host], issuer: ca });
const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key: TokenKey = {
  kid: "corp-1",
  privateKeyPem: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
};

/** The CA that the issuer's certificate comes from. */
export const issuerCa = ca.certPem;

/** Found by discovery, by the address of its keys, and where there are none. */
export const issuers = [
  { name: "discovered", issuer: `https://${host}` },
  { name: "fetched", issuer: "https://fetched.example", jwksUri: `https://${host}/keys` },
  { name: "gone", issuer: "https://gone.example", jwksUri: `https://${host}/nothing` },
].map((one) => ({ ...one, audiences: ["bank"] }));

/** Service that each issuer's tokens open. */
const opens: Readonly<Record<string, string>> = {
  discovered: "users",
  fetched: "orders",
  gone: "payments",
};

/** Services with their rules. */
export const issuerServices = Object.entries(opens).map(([issuer, name]) => ({
  ...{ name, allowFrom: [{ gateway: true, methods: ["GET"], issuer }] },
}));

/** Keys to sign with, by the issuer's name. */
export const issuerKeys = Object.fromEntries(issuers.map(({ name }) => [name, key]));
/** The same, but for one issuer the key that Istio fell back to before ISTIO-SECURITY-2026-001. */
export const fallbackKeys = { ...issuerKeys, gone: fallbackKey };

/** Brings a small issuer: nginx with a certificate of a CA of its own, a discovery document and keys. */
export async function bringIssuer(kubectl: Kubectl, nginx: string): Promise<void> {
  await kubectl.apply(objects(nginx));
  const rollout = ["rollout", "status", "deployment/issuer", `--namespace=${namespace}`];
  await kubectl.run([...rollout, "--timeout=90s"]);
}

function objects(nginx: string): object[] {
  const jwk = { ...createPublicKey(key.privateKeyPem).export({ format: "jwk" }), kid: key.kid };
  const discovery = { issuer: `https://${host}`, jwks_uri: `https://${host}/keys` };
  const issuer: TlsServer = {
    ...{ metadata, image: nginx, port: 8443, certificate: server },
    locations: [
      `location = /.well-known/openid-configuration { return 200 '${JSON.stringify(discovery)}'; }`,
      `location = /keys { return 200 '${JSON.stringify({ keys: [jwk] })}'; }`,
      "location / { return 404; }",
    ],
  };
  const spec = { containers: [tlsServerContainer(issuer)], volumes: tlsServerVolumes(issuer) };
  const labels = metadata.labels;
  const pod = { metadata: { labels }, spec };
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    ...tlsServerObjects(issuer),
    {
      ...{ apiVersion: "v1", kind: "Service", metadata },
      spec: { selector: labels, ports: [{ port: 443, targetPort: 8443 }] },
    },
    {
      ...{ apiVersion: "apps/v1", kind: "Deployment", metadata },
      spec: { selector: { matchLabels: labels }, template: pod },
    },
  ];
}

/** A path that needs no token, of the service whose issuer has no keys. */
export const exemptPath = "/payments/health";

/** What the gateway makes of tokens whose keys istiod fetches. */
export function issuerProbes(): Probe[] {
  const ask =
    (token?: TokenSpec, path = `/${opens[token!.issuer]}`): Probe["send"] =>
    ({ settings }): HostRequest => ({ ...good(settings, path), ...(token && { token }) });
  const probe = (
    id: string,
    question: string,
    rest: Pick<Probe, "expect" | "send" | "control">,
  ) => ({
    ...{ id, question, why: "keys are the issuer's, or there are none" },
    ...{ applies: () => true, ...rest },
  });
  const refused = () => ({ reason: "token-signature", refusedBy: "gateway" }) as const;
  const right = (issuer: string, differs: string) => ({ differs, send: ask({ issuer }) });
  return [
    ...["discovered", "fetched"].flatMap((issuer) => [
      probe(`J1-${issuer}`, "Is a token let in whose keys istiod fetched?", {
        expect: () => ({ reason: "ok" }),
        send: ask({ issuer }),
      }),
      probe(`J10-${issuer}`, "Is a token refused that another key signed?", {
        expect: refused,
        send: ask({ issuer, flaw: "other-key" }),
        control: right(issuer, "the issuer's key"),
      }),
    ]),
    probe("J20", "Is a token refused whose issuer's keys cannot be fetched?", {
      expect: refused,
      send: ask({ issuer: "gone" }),
      control: right("fetched", "an issuer whose keys can be fetched, with the same key"),
    }),
    probe("J20-bare", "Is a request without a token answered as ever meanwhile?", {
      expect: () => ({ reason: "ok" }),
      send: ask(undefined, exemptPath),
    }),
  ];
}
