import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { PkiSettings } from "../settings/index.ts";
import { type CertificateLife, type CertificateLives, generation } from "./certificate-life.ts";

export interface PkiArgs {
  /** Keys, validity and renewal. */
  readonly pki: PkiSettings;
  /** DNS name of the server certificate. */
  readonly host: string;
  /** The user's own CA. @default a root is made */
  readonly caCertPem?: pulumi.Input<string>;
  /** Key of that CA; a secret. @default none, then it signs nothing here */
  readonly caKeyPem?: pulumi.Input<string>;
  /** The user's own server certificate. @default one is made */
  readonly serverCertPem?: pulumi.Input<string>;
  /** Key of that certificate; a secret. */
  readonly serverKeyPem?: pulumi.Input<string>;
  /** Lives of the certificates as the last update left them. @default none, everything is new */
  readonly previous?: pulumi.Input<CertificateLives | undefined>;
  /** Point in time that renewal is judged at. */
  readonly now: Date;
}

/** Certificates of the gateway. */
export interface EdgeCertificates {
  /** Certificate of the gateway. */
  readonly serverCertPem: pulumi.Output<string>;
  /** Its key; a secret. */
  readonly serverKeyPem: pulumi.Output<string>;
  /** Certificate that clients are checked against. */
  readonly clientCaPem: pulumi.Output<string>;
}

interface Signer {
  readonly certPem: pulumi.Output<string>;
  readonly keyPem: pulumi.Output<string>;
}

interface Leaf extends Signer {
  readonly cert: tls.LocallySignedCert;
}

/**
 * Certificates of the edge: a root, the gateway's certificate, one client's. Apart from the mesh's CA, which is
 * istiod's own.
 *
 * Whether the tls resources renew themselves is told both ways (docs/decisions.md, 4). The stack keeps the end of each
 * certificate as an output; a plain `pulumi up` inside the renewal window counts its generation up, which replaces it,
 * and the preview shows it.
 */
export class Pki extends pulumi.ComponentResource {
  /** Certificate that callers check the gateway against. */
  public readonly caCertPem: pulumi.Output<string>;
  /** Certificate that the gateway checks clients against. */
  public readonly clientCaPem: pulumi.Output<string>;
  /** Certificate of the gateway. */
  public readonly serverCertPem: pulumi.Output<string>;
  /** Key of the gateway; a secret. */
  public readonly serverKeyPem: pulumi.Output<string>;
  /** Certificate of the external client. */
  public readonly clientCertPem: pulumi.Output<string>;
  /** Key of the external client; a secret. */
  public readonly clientKeyPem: pulumi.Output<string>;
  /** What the gateway takes of all this. */
  public readonly edge: EdgeCertificates;
  /** End and generation of each certificate made here; hand it back as `previous` in the next run. */
  public readonly lives: pulumi.Output<CertificateLives>;

  /**
   * @param name logical name
   * @param args names, keys, validity
   * @param opts resource options
   */
  constructor(name: string, args: PkiArgs, opts?: pulumi.ComponentResourceOptions) {
    const { algorithm, leafValidityHours, renewalWindowHours } = args.pki;
    super(
      "bankmesh:pki:Pki",
      name,
      { host: args.host, algorithm, leafValidityHours, renewalWindowHours },
      opts,
    );
    const maker = new Maker(name, args, this);

    const signs = args.caCertPem !== undefined && args.caKeyPem !== undefined;
    const root = signs ? given(args.caCertPem, args.caKeyPem) : maker.root();
    const server = args.serverCertPem
      ? given(args.serverCertPem, args.serverKeyPem!)
      : maker.server(root);
    const client = maker.client(root);

    this.caCertPem = args.caCertPem ? pulumi.unsecret(pulumi.output(args.caCertPem)) : root.certPem;
    this.clientCaPem = root.certPem;
    this.serverCertPem = server.certPem;
    this.serverKeyPem = pulumi.secret(server.keyPem);
    this.clientCertPem = client.certPem;
    this.clientKeyPem = pulumi.secret(client.keyPem);
    const { serverCertPem, serverKeyPem, clientCaPem } = this;
    this.edge = { serverCertPem, serverKeyPem, clientCaPem };
    this.lives = pulumi.output(maker.lives);
    this.registerOutputs({
      caCertPem: this.caCertPem,
      clientCaPem: this.clientCaPem,
      serverCertPem: this.serverCertPem,
      clientCertPem: this.clientCertPem,
      lives: this.lives,
    });
  }
}

// certificates are public; keys are not
function given(certPem: pulumi.Input<string>, keyPem: pulumi.Input<string>): Signer {
  return { certPem: pulumi.unsecret(pulumi.output(certPem)), keyPem: pulumi.secret(keyPem) };
}

/** Makes keys and certificates, and notes how long each lives. */
class Maker {
  public readonly lives: Record<string, pulumi.Output<CertificateLife>> = {};
  private readonly child: pulumi.CustomResourceOptions;

  private readonly name: string;
  private readonly args: PkiArgs;

  public constructor(name: string, args: PkiArgs, parent: pulumi.Resource) {
    this.name = name;
    this.args = args;

    this.child = { parent };
  }

  public root(): Signer {
    const key = this.key("root");
    const renewal = this.generation("root");
    const cert = new tls.SelfSignedCert(
      `${this.name}-root-cert`,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: "demo-root" },
        isCaCertificate: true,
        validityPeriodHours: this.args.pki.caValidityHours,
        earlyRenewalHours: this.args.pki.renewalWindowHours,
        allowedUses: ["cert_signing", "crl_signing"],
      },
      { ...this.child, replacementTrigger: renewal },
    );
    this.note("root", cert.validityEndTime, renewal);
    return { certPem: cert.certPem, keyPem: key.privateKeyPem };
  }

  public server(root: Signer): Leaf {
    const { host } = this.args;
    return this.leaf(
      "server",
      root,
      host,
      ["digital_signature", "key_encipherment", "server_auth"],
      [host],
    );
  }

  public client(root: Signer): Leaf {
    return this.leaf("client", root, "ext-client", [
      "digital_signature",
      "key_encipherment",
      "client_auth",
    ]);
  }

  private leaf(
    role: string,
    root: Signer,
    commonName: string,
    allowedUses: string[],
    dnsNames?: string[],
  ): Leaf {
    const key = this.key(role);
    const request = new tls.CertRequest(
      `${this.name}-${role}-request`,
      // never an empty list: it would replace the request in every run (terraform-provider-tls#263)
      { privateKeyPem: key.privateKeyPem, subject: { commonName }, ...(dnsNames && { dnsNames }) },
      this.child,
    );
    const renewal = this.generation(role);
    const cert = new tls.LocallySignedCert(
      `${this.name}-${role}-cert`,
      {
        certRequestPem: request.certRequestPem,
        caCertPem: root.certPem,
        caPrivateKeyPem: root.keyPem,
        validityPeriodHours: this.args.pki.leafValidityHours,
        earlyRenewalHours: this.args.pki.renewalWindowHours,
        allowedUses,
      },
      { ...this.child, replacementTrigger: renewal },
    );
    this.note(role, cert.validityEndTime, renewal);
    return { cert, certPem: cert.certPem, keyPem: key.privateKeyPem };
  }

  private key(role: string): tls.PrivateKey {
    const { algorithm, rsaBits, ecdsaCurve } = this.args.pki;
    const size = algorithm === "RSA" ? { rsaBits } : { ecdsaCurve };
    return new tls.PrivateKey(`${this.name}-${role}-key`, { algorithm, ...size }, this.child);
  }

  private generation(role: string): pulumi.Output<number> {
    const { previous, pki, now } = this.args;
    return pulumi
      .output(previous)
      .apply((lives) => generation(lives?.[role], pki.renewalWindowHours, now));
  }

  private note(
    role: string,
    validUntil: pulumi.Output<string>,
    renewal: pulumi.Output<number>,
  ): void {
    this.lives[role] = pulumi.output({ validUntil, generation: renewal });
  }
}
