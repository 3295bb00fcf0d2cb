import * as assert from "node:assert/strict";
import { X509Certificate, createPrivateKey } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { type ControlServer, startControlServer } from "../../verify/callers/control-server.ts";
import { HostCaller } from "../../verify/callers/host.ts";
import { makeCertificate } from "../../verify/certificates.ts";
import { type Reason, classify } from "../../verify/classify.ts";
import type { HostRequest } from "../../verify/probe.ts";

describe("certificates for probes", () => {
  it("are signed by their issuer, and by no other of the same name", () => {
    const root = {
      ...makeCertificate({ commonName: "demo-root", ca: true }),
      commonName: "demo-root",
    };
    const twin = makeCertificate({ commonName: "demo-root", ca: true });
    const leaf = makeCertificate({ commonName: "ext-client", issuer: root });
    const certificate = new X509Certificate(leaf.certPem);
    const issuer = new X509Certificate(root.certPem);
    assert.equal(certificate.subject, "CN=ext-client");
    assert.ok(issuer.ca && !certificate.ca);
    assert.ok(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey));
    assert.ok(!certificate.verify(new X509Certificate(twin.certPem).publicKey));
    assert.ok(certificate.checkPrivateKey(createPrivateKey(leaf.keyPem)));
  });

  it("carry a server's names", () => {
    const { certPem } = makeCertificate({ commonName: "app.local", dnsNames: ["app.local"] });
    assert.equal(new X509Certificate(certPem).checkHost("app.local"), "app.local");
  });
});

describe("requests from this machine", () => {
  let server: ControlServer;
  let caller: HostCaller;

  before(async () => {
    server = await startControlServer(["app.local"]);
    const client = makeCertificate({ commonName: "ext-client" });
    caller = new HostCaller({
      ...{ address: "127.0.0.1", httpPort: 1, httpsPort: server.port, controlPort: server.port },
      ...{ caPem: server.caPem, controlCaPem: server.caPem, namesakeCaPem: client.certPem },
      makeToken: () => "a.b.c",
      clients: { own: client, "other-ca": client, "namesake-ca": client, "self-signed": client },
    });
  });

  after(() => server.close());

  const cases: [what: string, request: Partial<HostRequest>, expected: Reason][] = [
    ["a trusted server", {}, "ok"],
    ["TLS 1.0 to a server that takes it", { tlsVersion: "TLSv1" }, "ok"],
    ["TLS 1.1 to a server that takes it", { tlsVersion: "TLSv1.1" }, "ok"],
    [
      "a weak cipher to a server that takes it",
      { tlsVersion: "TLSv1.2", ciphers: "AES128-SHA@SECLEVEL=0" },
      "ok",
    ],
    [
      "a cipher that the server has not",
      { tlsVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" },
      "handshake-failure",
    ],
    ["a server of another CA", { trust: "namesake-ca" }, "server-cert-untrusted"],
    ["a server of no public CA", { trust: "system" }, "server-cert-untrusted"],
    ["a server of another name", { host: "other.local" }, "server-cert-untrusted"],
    ["no server name", { serverName: "" }, "ok"],
    ["a client certificate that nobody asked for", { clientCertificate: "own" }, "ok"],
    ["a port that nobody has", { to: "http" }, "unreachable"],
  ];
  for (const [what, request, expected] of cases) {
    it(`${what}: ${expected}`, async () => {
      const evidence = await caller.send({
        from: "host",
        to: "https",
        host: "app.local",
        path: "/",
        ...request,
      });
      assert.equal(classify(evidence, request.to !== "http"), expected, JSON.stringify(evidence));
    });
  }
});
