import type { Labels } from "../manifests/objects.ts";

/** Where a token stands in a request. */
export type TokenPlace =
  | { readonly header: string; readonly prefix: string }
  | { readonly parameter: string }
  | { readonly cookie: string };

/** Why a token is no good, whatever the manifests say. */
export type TokenFlaw =
  | "token-expired"
  | "token-not-yet-valid"
  | "token-signature"
  | "token-algorithm"
  | "token-malformed";

/** A token as its issuer signed it, unless it has a flaw. */
export interface Token {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
  readonly place: TokenPlace;
  /** Whether it never expires. @default false */
  readonly lasting?: boolean;
  /** Whether it is its audience that tells it from others of its issuer. @default false */
  readonly further?: boolean;
  readonly flaw?: TokenFlaw;
}

/** Headers by their names in small letters; a list stands for several of one name. */
export type Headers = Readonly<Record<string, string | readonly string[]>>;

/** What any request brings along. */
export interface Message {
  readonly method: string;
  /** Path as it is sent, with its query. */
  readonly path: string;
  /** Host header. @default the name of whom the request is for */
  readonly host?: string;
  readonly headers?: Headers;
  readonly token?: Token;
}

/** An address that no rule names unless it names all: a reserved one, which nobody has. */
export const unnamedAddress = "240.0.0.77";

/** Who sends a request inside the cluster. */
export type Caller =
  /** A workload of the manifests, by its id: its proxy dials if it has one. */
  | { readonly kind: "workload"; readonly workload: string }
  /** Somebody with a proxy who is no workload of the manifests. */
  | {
      readonly kind: "mesh";
      readonly namespace: string;
      readonly account: string;
      /** @default the mesh's own */
      readonly trustDomain?: string;
    }
  /** Somebody who speaks mTLS himself, with a certificate that the mesh gave to this account. */
  | { readonly kind: "certificate"; readonly namespace: string; readonly account: string }
  /** Somebody who speaks TLS with a certificate that the mesh's CA did not sign, or without one. */
  | { readonly kind: "tls"; readonly certificate: "foreign" | "none" }
  /** Somebody without a proxy. */
  | { readonly kind: "plaintext" };

/** A request from somebody inside the cluster. */
export interface InsideRequest extends Message {
  readonly from: Caller;
  /** The caller's address. @default one that no rule names */
  readonly address?: string;
  /** Whom it is for: a workload and a port of its container. */
  readonly to: string;
  readonly port: number;
  /** Name and port of the Service that the caller dials; without one, the pod's address. */
  readonly via?: { readonly host: string; readonly port: number };
  /** Whether it is HTTP, as far as the caller is concerned. @default true */
  readonly http?: boolean;
}

/** TLS as a client outside speaks it. */
export interface ClientTls {
  /** Server name; empty: none is sent. */
  readonly serverName: string;
  /** Certificate that it shows: none, one of the CA that the gateway trusts, or of another. */
  readonly certificate: "none" | "trusted" | "foreign";
  /** Highest version that it speaks. @default TLSV1_3 */
  readonly version?: (typeof tlsVersions)[number];
}

export const tlsVersions = ["TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"] as const;

/** A request from outside, to a gateway. */
export interface EdgeRequest extends Message {
  readonly from: { readonly kind: "outside" };
  /** The client's address, as the gateway knows it. @default one that no rule names */
  readonly address?: string;
  /** The gateway's workload. */
  readonly door: string;
  /** Port that its proxy listens on. */
  readonly port: number;
  readonly host: string;
  readonly tls?: ClientTls;
}

export type Request = InsideRequest | EdgeRequest;

/** Why a request ended as it did; the words are those of `npm run verify`. */
export const reasons = [
  "ok",
  "redirect",
  "not-found",
  "rbac-denied",
  "token-expired",
  "token-not-yet-valid",
  "token-issuer",
  "token-signature",
  "token-algorithm",
  "token-malformed",
  "token-audience",
  "cert-required",
  "unknown-ca",
  "protocol-version",
  "tls-required",
  "closed",
  "tls-refused",
  "plaintext-only",
  "no-upstream",
  "unreachable",
  "other-status",
  "unclear",
] as const;
export type Reason = (typeof reasons)[number];

/** One container that a request reaches. */
export interface Way {
  readonly reached: string;
  readonly mtls: boolean;
  readonly tokenSeen: boolean;
}

/** What a request gets. */
export interface Answer {
  /** Whether it reaches a container; unknown where that cannot be judged. */
  readonly verdict: "open" | "closed" | "unknown";
  readonly reason: Reason;
  /** Who decided: the proxy that dials, the gateway, or the one in front of the container. */
  readonly at?: "caller" | "gateway" | "service";
  /** What decided, in words: an object, or what is unknown. */
  readonly by?: string;
  /** Workloads that it reaches, in the order of their names, with commas between several. */
  readonly reached?: string;
  /** Whether the last hop is mTLS, for what reaches a container: to each of them. */
  readonly mtls?: boolean;
  /** Whether a container sees the token. */
  readonly tokenSeen?: boolean;
  /** Each container that it reaches, where there are several. */
  readonly ways?: readonly Way[];
  /** What cannot be judged about further ways that it may take, in words. */
  readonly unsure?: string;
  /** Where a redirect leads. */
  readonly location?: string;
}

/** A request as the proxy that asks its rules sees it. */
export interface Seen {
  /** Namespace and labels of the proxy's pod. */
  readonly pod: { readonly namespace: string; readonly labels: Labels };
  /** Port that the proxy took it on. */
  readonly port: number;
  /** Identity behind the connection, without `spiffe://`; undefined for plaintext. */
  readonly principal: string | undefined;
  /** Address of who connects. */
  readonly peerAddress: string;
  /** Address of the client, as headers say. */
  readonly remoteAddress: string;
  readonly serverName: string;
  readonly method: string;
  /** Normalized. */
  readonly path: string;
  readonly host: string;
  readonly headers: Headers;
  /** Claims of the token, if the proxy looked at it. */
  readonly claims: Readonly<Record<string, unknown>> | undefined;
  /** Claims of it whose text is words apart by spaces. */
  readonly words: readonly string[];
  /** Whether the proxy sees HTTP; else rules about it are read as for bytes. */
  readonly http: boolean;
}
