import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { ToolCaller } from "../../verify/callers/tools.ts";
import { wrongChain } from "../../verify/certificate-chain.ts";
import { makeCertificate } from "../../verify/certificates.ts";
import type { Evidence } from "../../verify/evidence.ts";
import { judge } from "../../verify/judge.ts";
import { Kubectl } from "../../verify/kubectl.ts";
import type { ToolRequest } from "../../verify/probe.ts";
import { settings } from "./support/settings.ts";

const message = (code: string, level: string, origin: string) => ({
  ...{ code, level, origin, message: "m", documentationUrl: "u" },
});
const pod = (name: string, more: object = {}) => ({
  metadata: { name },
  spec: {
    containers: [{ name: "app", readinessProbe: { httpGet: { path: "/app-health/app/readyz" } } }],
    initContainers: [{ name: "istio-proxy", restartPolicy: "Always" }],
  },
  status: { conditions: [{ type: "Ready", status: "True" }] },
  ...more,
});

/** What the tools print, by a word of their arguments. */
const answers: Record<string, string> = {};

describe("tools that verify asks", () => {
  let folder: string;
  let kubectl: Kubectl;
  const findings = async (
    check: ToolRequest["check"],
    service?: string,
    handshake?: (address: string) => Promise<string>,
  ) => {
    for (const [word, text] of Object.entries(answers))
      fs.writeFileSync(path.join(folder, `${word}.answer`), text);
    const s = settings({ mtlsMode: "STRICT" });
    const caller = new ToolCaller({
      ...{ kubectl, settings: s, run: "0ab1c2" },
      ...(handshake && { handshake }),
    });
    const request: ToolRequest = { from: "tool", check, ...(service && { service }) };
    let answer: Evidence | undefined;
    await caller.askAll([request], new AbortController().signal, (_, e) => (answer = e));
    return answer!.findings ?? answer!.message;
  };

  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "verify-tools-"));
    const script = `#!/bin/sh
for word in "$@"; do [ -f "${folder}/$word.answer" ] && exec cat "${folder}/$word.answer"; done
echo "Error: nobody answers" >&2; exit 1
`;
    for (const name of ["istioctl", "kubectl"])
      fs.writeFileSync(path.join(folder, name), script, { mode: 0o755 });
    kubectl = new Kubectl("the kubeconfig", { PATH: `${folder}:/usr/bin:/bin` });
  });

  after(() => {
    kubectl.close();
    fs.rmSync(folder, { recursive: true });
  });

  test("analyze: from a warning on, about the platform, not about the run's own pods", async () => {
    answers.analyze = JSON.stringify([
      message("IST0001", "Warning", "AuthorizationPolicy bank/deny-orders"),
      message("IST0002", "Info", "Namespace bank"),
      message("IST0003", "Error", "Pod bank/curl-plain-0ab1c2"),
      message("IST0004", "Error", "Pod elsewhere/app"),
      message("IST0005", "Error", "Deployment istio-system/istiod"),
      {
        ...message("IST0174", "Warning", "DestinationRule bank/dr-mesh-mtls"),
        message: "The host *.bank.svc.cluster.local does not match any services in the mesh.",
      },
      {
        ...message("IST0174", "Warning", "DestinationRule istio-system/plaintext-dns"),
        message: "The host kube-dns.kube-system.svc.cluster.local does not match any services.",
      },
      {
        ...message("IST0174", "Warning", "DestinationRule bank/dr-gone"),
        message: "The host gone.bank.svc.cluster.local does not match any services in the mesh.",
      },
    ]);
    assert.deepEqual(await findings("analyze"), [
      "IST0001 AuthorizationPolicy bank/deny-orders: m",
      "IST0005 Deployment istio-system/istiod: m",
      "IST0174 DestinationRule bank/dr-gone: The host gone.bank.svc.cluster.local does not match any services in the mesh.",
    ]);
    for (const nothing of ["✔ No issues found when checking the cluster.\n", ""]) {
      answers.precheck = nothing;
      assert.deepEqual(await findings("precheck"), []);
    }
    answers.precheck = "something else\n";
    assert.deepEqual(await findings("precheck"), ["something else"]);
  });

  test("proxy-status: what is stale is named, and no proxy at all is no pass", async () => {
    const proxy = (id: string, configStatus?: string, type = "Listener") => ({
      node: { id },
      genericXdsConfigs:
        configStatus === undefined
          ? []
          : [{ typeUrl: `type.googleapis.com/envoy.v3.${type}`, configStatus }],
    });
    const status = (...resources: object[]) =>
      (answers["proxy-status"] = JSON.stringify({ resources }));
    const bare = pod("bare", { spec: { containers: [{ name: "app" }] } });
    const starting = pod("starting", { status: { conditions: [] } });
    answers["--namespace=istio-system"] = JSON.stringify({ items: [] });
    answers["--namespace=bank"] = JSON.stringify({
      items: [pod("a"), pod("b"), pod("c"), pod("cut-off"), bare, starting],
    });
    status(
      ...[proxy("a.bank", "SYNCED"), proxy("b.bank", "STALE"), proxy("c.bank", "NOT_SENT")],
      // without a route of its own, or with nothing to listen for, there is nothing to send
      proxy("a.bank", "NOT_SENT", "Route"),
      proxy("egress-1.istio-system", "NOT_SENT"),
      ...[proxy("istio-ingressgateway-1.istio-system", "NOT_SENT"), proxy("d.bank")],
      proxy("egress-1.istio-system", "NOT_SENT", "Cluster"),
    );
    assert.deepEqual(await findings("synced"), [
      "cut-off.bank is not connected to istiod",
      "b.bank: Listener is STALE",
      "c.bank: Listener is NOT_SENT",
      "istio-ingressgateway-1.istio-system: Listener is NOT_SENT",
      "istiod has sent nothing to d.bank",
      "egress-1.istio-system: Cluster is NOT_SENT",
    ]);
    status();
    assert.deepEqual(await findings("synced"), ["no proxy is connected to istiod"]);
    for (const namespace of ["bank", "istio-system"]) {
      delete answers[`--namespace=${namespace}`];
      fs.rmSync(path.join(folder, `--namespace=${namespace}.answer`));
    }
  });

  test("rejections: istiod's counters, where they are not 0", async () => {
    answers["--selector=app=istiod"] = JSON.stringify({ items: [pod("istiod-1")] });
    answers["--raw"] = `# TYPE pilot_total_xds_rejects counter
pilot_total_xds_rejects{type="lds"} 2
pilot_xds_cds_reject{node="a"} 0
pilot_xds 5
`;
    assert.deepEqual(await findings("rejections"), ['pilot_total_xds_rejects{type="lds"} 2']);
  });

  test("sidecars: each living pod has a native one", async () => {
    const { spec } = pod("x");
    const items = [
      pod("good-1"),
      pod("old-1", { spec: { ...spec, initContainers: [{ name: "istio-proxy" }] } }),
      pod("bare-1", { spec: { containers: spec.containers } }),
      pod("gone-1", { metadata: { name: "gone-1", deletionTimestamp: "x" }, spec: {} }),
      pod("ours-1", { metadata: { name: "o", labels: { "bankmesh.local/verify": "0ab1c2" } } }),
    ];
    answers["--namespace=bank"] = JSON.stringify({ items });
    assert.deepEqual(await findings("sidecars"), [
      "old-1 has no native sidecar",
      "bare-1 has no sidecar",
    ]);
    delete answers["--namespace=bank"];
    fs.rmSync(path.join(folder, "--namespace=bank.answer"));
  });

  test("ready: by a probe that leads through the sidecar", async () => {
    const [app] = pod("x").spec.containers;
    const straight = { ...app!, readinessProbe: { httpGet: { path: "/healthz" } } };
    answers["--selector=app=users"] = JSON.stringify({
      items: [
        pod("users-1"),
        pod("users-2", { status: { conditions: [{ type: "Ready", status: "False" }] } }),
        pod("users-3", { spec: { containers: [straight] } }),
      ],
    });
    assert.deepEqual(await findings("ready", "users"), [
      "users-2 is not ready",
      "users-3: the kubelet asks app past its sidecar",
    ]);
  });

  test("mode: what istioctl finds has to be what the stack says", async () => {
    answers["--selector=app=users"] = JSON.stringify({ items: [pod("users-1")] });
    answers.describe = "Effective PeerAuthentication:\n   Workload mTLS mode: STRICT\n";
    assert.deepEqual(await findings("mode", "users"), []);
    answers.describe = "Effective PeerAuthentication:\n   Workload mTLS mode: PERMISSIVE\n";
    assert.deepEqual(await findings("mode", "users"), ["users-1: mode PERMISSIVE, not STRICT"]);
  });

  test("certificate: as it is configured, and as a handshake shows it", async () => {
    const root = { ...makeCertificate({ commonName: "root", ca: true }), commonName: "root" };
    const made = (dnsName: string) =>
      makeCertificate({ commonName: "x", dnsNames: [dnsName], issuer: root }).certPem;
    const [own, other] = [made("users"), made("orders")];
    const inline = (pem: string) => ({ inlineBytes: Buffer.from(pem).toString("base64") });
    answers["jsonpath={.data.root-cert\\.pem}"] = root.certPem;
    answers["--selector=app=users"] = JSON.stringify({
      items: [pod("users-1", { status: { podIP: "10.0.0.1" } })],
    });
    answers["proxy-config"] = JSON.stringify({
      dynamicActiveSecrets: [
        { name: "default", secret: { tlsCertificate: { certificateChain: inline(own) } } },
        {
          name: "ROOTCA",
          secret: { validationContext: { trustedCa: inline(root.certPem) } },
        },
      ],
    });
    const identity = "URI:spiffe://cluster.local/ns/bank/sa/users-sa";
    const configured = `users-1: its certificate is for DNS:users, not for ${identity}`;
    assert.deepEqual(await findings("certificate", "users"), [configured]);
    const asked: string[] = [];
    const shows = (pem: string) => async (address: string) => {
      asked.push(address);
      return pem;
    };
    assert.deepEqual(await findings("certificate", "users", shows(own)), [
      configured,
      configured.replace("users-1: ", "users-1: in a handshake "),
    ]);
    assert.deepEqual(await findings("certificate", "users", shows(other)), [
      configured,
      `users-1: in a handshake its certificate is for DNS:orders, not for ${identity}`,
      "users-1: it serves another chain than it is configured with",
    ]);
    assert.deepEqual(asked, ["10.0.0.1:8080", "10.0.0.1:8080"]);
    const longer = await findings("certificate", "users", shows(own + root.certPem));
    assert.match(String(longer), /another chain than it is configured with/);
    assert.match(String(await findings("certificate", "users", shows(""))), /has no certificate/);
  });

  test("a tool that fails found nothing out, which is no pass", async () => {
    fs.rmSync(path.join(folder, "analyze.answer"));
    delete answers.analyze;
    const said = await findings("analyze");
    assert.match(String(said), /istioctl analyze .*nobody answers/);
    const request: ToolRequest = { from: "tool", check: "analyze" };
    const evidence = { at: "", seconds: 0, body: "", message: String(said) };
    const judged = judge({ reason: "ok" }, { request, evidence }, undefined, {} as never);
    assert.equal(judged.verdict, "inconclusive");
  });

  test("a chain: identity, signatures, the mesh's root", () => {
    const ca = (commonName: string) => ({
      ...makeCertificate({ commonName, ca: true }),
      commonName,
    });
    const [root, other] = [ca("root"), ca("other")];
    const leaf = makeCertificate({ commonName: "x", dnsNames: ["users"], issuer: root });
    const wrong = (chain: string, trusted: string, identity = "DNS:users") =>
      wrongChain(chain, trusted, root.certPem, identity);
    assert.deepEqual(wrong(leaf.certPem, root.certPem), []);
    assert.deepEqual(wrong(leaf.certPem + root.certPem, root.certPem), []);
    assert.deepEqual(wrong("", root.certPem), ["the proxy has no certificate"]);
    assert.deepEqual(wrong(leaf.certPem, root.certPem, "DNS:orders"), [
      "its certificate is for DNS:users, not for DNS:orders",
    ]);
    assert.deepEqual(wrong(leaf.certPem, other.certPem), [
      "it trusts another root than the mesh's",
    ]);
    const forged = makeCertificate({ commonName: "x", dnsNames: ["users"], issuer: other });
    assert.deepEqual(wrong(forged.certPem, root.certPem), [
      "its chain does not lead to the mesh's root",
    ]);
  });
});
