import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { type CertificateLives, generation } from "../../components/certificate-life.ts";
import { Pki, type PkiArgs } from "../../components/pki.ts";
import { type Json, type RecordOptions, record } from "./support/mocks.ts";
import { valueOf } from "./support/outputs.ts";
import { settings } from "./support/settings.ts";

const keyType = "tls:index/privateKey:PrivateKey";
const rootType = "tls:index/selfSignedCert:SelfSignedCert";
const requestType = "tls:index/certRequest:CertRequest";
const leafType = "tls:index/locallySignedCert:LocallySignedCert";

const now = new Date("2026-11-22T12:00:00Z");
const end = "2036-11-18T12:00:00Z";
const args: PkiArgs = { pki: settings().pki, host: "app.local", now };

async function make(a: Partial<PkiArgs> = {}, options?: RecordOptions) {
  let pki: Pki | undefined;
  const recording = await record(() => {
    pki = new Pki("pki", { ...args, ...a });
  }, options);
  return { recording, pki: pki! };
}

const everything = [
  `${requestType} pki-client-request`,
  `${requestType} pki-server-request`,
  `${leafType} pki-client-cert`,
  `${leafType} pki-server-cert`,
  `${keyType} pki-client-key`,
  `${keyType} pki-root-key`,
  `${keyType} pki-server-key`,
  `${rootType} pki-root-cert`,
];
const withoutRoot = everything.filter((line) => !line.includes("pki-root"));
const withoutServer = everything.filter((line) => !line.includes("pki-server"));

describe("Pki", () => {
  for (const preview of [true, false]) {
    test(`children, ${preview ? "preview" : "update"}`, async () => {
      const { recording } = await make({}, { preview });
      assert.deepEqual(recording.below("pki"), everything);
    });
  }

  test("the component shows names and lives, and no key", async () => {
    const { recording } = await make();
    assert.deepEqual(recording.get("bankmesh:pki:Pki", "pki").inputs, {
      host: "app.local",
      algorithm: "RSA",
      leafValidityHours: 8760,
      renewalWindowHours: 720,
    });
  });

  test("keys: RSA 2048 unless the settings say otherwise", async () => {
    const inputsOf = async (pki: object) => {
      const { recording } = await make({ pki: settings({ pki }).pki });
      return recording.resources.filter((r) => r.type === keyType).map((r) => r.inputs);
    };
    const rsa = { algorithm: "RSA", rsaBits: 2048 };
    assert.deepEqual(await inputsOf({}), [rsa, rsa, rsa]);
    const ecdsa = { algorithm: "ECDSA", ecdsaCurve: "P384" };
    assert.deepEqual(await inputsOf(ecdsa), [ecdsa, ecdsa, ecdsa]);
  });

  test("root: demo-root, signs, ten years", async () => {
    const { recording } = await make();
    const root = recording.get(rootType, "pki-root-cert");
    assert.deepEqual(root.inputs, {
      privateKeyPem: "key of pki-root-key",
      subject: { commonName: "demo-root" },
      isCaCertificate: true,
      validityPeriodHours: 87600,
      earlyRenewalHours: 720,
      allowedUses: ["cert_signing", "crl_signing"],
    });
    assert.deepEqual(root.secrets, ["privateKeyPem"]);
    assert.equal(root.parent, "pki");
  });

  test("requests: the server's with its name as SAN, the client's without an empty list", async () => {
    const { recording } = await make({ host: "bank.example.org" });
    assert.deepEqual(recording.get(requestType, "pki-server-request").inputs, {
      privateKeyPem: "key of pki-server-key",
      subject: { commonName: "bank.example.org" },
      dnsNames: ["bank.example.org"],
    });
    assert.deepEqual(recording.get(requestType, "pki-client-request").inputs, {
      privateKeyPem: "key of pki-client-key",
      subject: { commonName: "ext-client" },
    });
  });

  test("leaves: signed by the root, each for its own use", async () => {
    const { recording } = await make({ pki: settings({ pki: { leafValidityHours: 2160 } }).pki });
    for (const [role, use] of [
      ["server", "server_auth"],
      ["client", "client_auth"],
    ] as const) {
      const leaf = recording.get(leafType, `pki-${role}-cert`);
      assert.deepEqual(leaf.inputs, {
        certRequestPem: `request of pki-${role}-request`,
        caCertPem: "certificate of pki-root-cert",
        caPrivateKeyPem: "key of pki-root-key",
        validityPeriodHours: 2160,
        earlyRenewalHours: 720,
        allowedUses: ["digital_signature", "key_encipherment", use],
      });
      assert.deepEqual(leaf.secrets, ["caPrivateKeyPem"]);
    }
  });

  test("no argument is an empty list, which would replace a request in every run", async () => {
    const { recording } = await make();
    const empty = (value: Json): boolean =>
      Array.isArray(value)
        ? value.length === 0
        : typeof value === "object" && value !== null && Object.values(value).some(empty);
    assert.deepEqual(
      recording.resources.filter((r) => empty(r.inputs)).map((r) => r.name),
      [],
    );
  });

  test("keys are secret, certificates are not", async () => {
    const { pki } = await make();
    for (const key of ["serverKeyPem", "clientKeyPem"] as const) {
      const role = key.replace("KeyPem", "");
      assert.deepEqual(await valueOf(pki[key]), { value: `key of pki-${role}-key`, secret: true });
    }
    assert.deepEqual(
      await Promise.all(
        [pki.caCertPem, pki.clientCaPem, pki.serverCertPem, pki.clientCertPem].map(valueOf),
      ),
      ["root", "root", "server", "client"].map((role) => ({
        value: `certificate of pki-${role}-cert`,
        secret: false,
      })),
    );
    assert.deepEqual(Object.values(pki.edge), [
      pki.serverCertPem,
      pki.serverKeyPem,
      pki.clientCaPem,
    ]);
  });
});

describe("own certificates", () => {
  const ca = { caCertPem: pulumi.secret("own CA"), caKeyPem: pulumi.secret("own CA key") };
  const server = {
    serverCertPem: pulumi.secret("own server"),
    serverKeyPem: pulumi.secret("own server key"),
  };

  test("an own CA signs both leaves; no root is made", async () => {
    const { recording, pki } = await make(ca);
    assert.deepEqual(recording.below("pki"), withoutRoot);
    for (const role of ["server", "client"]) {
      const leaf = recording.get(leafType, `pki-${role}-cert`);
      assert.equal(leaf.inputs.caCertPem, "own CA");
      assert.equal(leaf.inputs.caPrivateKeyPem, "own CA key");
      assert.deepEqual(leaf.secrets, ["caPrivateKeyPem"]);
    }
    const plain = { value: "own CA", secret: false };
    assert.deepEqual(await Promise.all([pki.caCertPem, pki.clientCaPem].map(valueOf)), [
      plain,
      plain,
    ]);
    const lives = await valueOf(pki.lives);
    assert.deepEqual(Object.keys(lives.value!).sort(), ["client", "server"]);
  });

  test("an own server certificate of a CA without its key: a root is made for clients", async () => {
    const { recording, pki } = await make({ caCertPem: ca.caCertPem, ...server });
    assert.deepEqual(recording.below("pki"), withoutServer);
    assert.deepEqual(await valueOf(pki.caCertPem), { value: "own CA", secret: false });
    assert.equal((await valueOf(pki.clientCaPem)).value, "certificate of pki-root-cert");
    assert.deepEqual(await valueOf(pki.serverCertPem), { value: "own server", secret: false });
    assert.deepEqual(await valueOf(pki.serverKeyPem), { value: "own server key", secret: true });
  });

  test("both: the client's certificate alone is made", async () => {
    const { recording, pki } = await make({ ...ca, ...server });
    assert.deepEqual(
      recording.below("pki"),
      everything.filter((line) => line.includes("pki-client")),
    );
    assert.equal((await valueOf(pki.clientCaPem)).value, "own CA");
  });
});

describe("renewal", () => {
  const hour = 3_600_000;
  const life = { validUntil: end, generation: 4 };
  const before = (hours: number) => new Date(Date.parse(end) - hours * hour);

  test("generation: counts up from the first moment of the window, once a run", () => {
    assert.equal(generation(undefined, 720, now), 0);
    assert.equal(generation(life, 720, new Date(before(720).getTime() - 1)), 4);
    assert.equal(generation(life, 720, before(720)), 5);
    assert.equal(generation(life, 720, before(-1)), 5);
  });

  const lives = (server: string): CertificateLives => ({
    root: { validUntil: "2036-11-18T12:00:00Z", generation: 0 },
    server: { validUntil: server, generation: 2 },
    client: { validUntil: "2027-11-18T12:00:00Z", generation: 0 },
  });
  const triggers = async (a: Partial<PkiArgs>, preview = false) => {
    const { recording } = await make(a, { preview });
    return ["root", "server", "client"].map(
      (role) => recording.resources.find((r) => r.name === `pki-${role}-cert`)?.replacementTrigger,
    );
  };

  test("the first run is generation 0", async () => {
    assert.deepEqual(await triggers({}), [0, 0, 0]);
    assert.deepEqual(await triggers({ previous: pulumi.output(undefined) }), [0, 0, 0]);
  });

  test("outside every window nothing changes", async () => {
    assert.deepEqual(await triggers({ previous: lives("2027-11-18T12:00:00Z") }), [0, 2, 0]);
  });

  for (const preview of [true, false]) {
    test(`inside one, that certificate alone, ${preview ? "preview" : "update"}`, async () => {
      const previous = pulumi.output(lives("2026-12-22T11:59:59Z"));
      assert.deepEqual(await triggers({ previous }, preview), [0, 3, 0]);
    });
  }

  test("the lives that the next run judges by", async () => {
    const { pki } = await make({ previous: lives("2026-12-01T00:00:00Z") });
    assert.deepEqual(await valueOf(pki.lives), {
      value: {
        root: { validUntil: end, generation: 0 },
        server: { validUntil: end, generation: 3 },
        client: { validUntil: end, generation: 0 },
      },
      secret: false,
    });
  });
});
