import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";

const config = new pulumi.Config();

const caKey = new tls.PrivateKey("ca", { algorithm: "RSA" });
const ca = new tls.SelfSignedCert("ca", {
  privateKeyPem: caKey.privateKeyPem,
  subject: { commonName: "demo-root" },
  isCaCertificate: true,
  validityPeriodHours: 87600,
  allowedUses: ["cert_signing", "crl_signing"],
});
const key = new tls.PrivateKey("server", { algorithm: "ECDSA", ecdsaCurve: "P256" });
const request = new tls.CertRequest("server", {
  privateKeyPem: key.privateKeyPem,
  subject: { commonName: "app.local" },
  dnsNames: ["app.local"],
});
const certificate = new tls.LocallySignedCert("server", {
  caCertPem: ca.certPem,
  caPrivateKeyPem: caKey.privateKeyPem,
  certRequestPem: request.certRequestPem,
  validityPeriodHours: 8760,
  earlyRenewalHours: config.getNumber("earlyRenewalHours"),
  allowedUses: ["server_auth", "digital_signature"],
});

const id = new random.RandomId("id", {
  byteLength: 8,
  keepers: { keeper: config.get("keeper") ?? "1" },
});
new random.RandomString("string", { length: 12 });
const password = new random.RandomPassword("password", { length: 20 });
new random.RandomUuid("uuid");
new random.RandomPet("pet");

const seen = command.local.runOutput({
  command: 'echo "saw $WHAT"',
  environment: { WHAT: "it" },
  logging: "none",
});
const ran = new command.local.Command("command", {
  create: 'cat; echo "created $MODE"',
  update: 'echo "updated after $PULUMI_COMMAND_STDOUT"',
  delete: 'echo deleted >> "$DELETED"',
  stdin: "in\n",
  environment: {
    MODE: config.get("mode") ?? "a",
    DELETED: config.require("deleted"),
    SECRET: pulumi.secret("secret-of-the-test"),
  },
  triggers: [id.hex],
});

export const certPem = certificate.certPem;
export const caPem = ca.certPem;
export const stdout = ran.stdout;
export const runStdout = seen.stdout;
export const passwordResult = password.result;
