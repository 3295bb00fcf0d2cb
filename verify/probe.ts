import type { Settings } from "../settings/index.ts";
import type { Reason } from "./classify.ts";
import type { TokenSpec } from "./tokens.ts";

/** What any request may bring along. */
interface Message {
  /** @default GET */
  readonly method?: string;
  /** Headers; a list stands for several of one name. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Token to bring; it is made when the request is sent, and stands in no report. @default none */
  readonly token?: TokenSpec;
  /** What stands before the token in the Authorization header. @default "Bearer " */
  readonly tokenPrefix?: string;
  /** Where the token stands instead of the Authorization header. */
  readonly tokenIn?: { readonly query: string } | { readonly header: string };
  /** Whether the service decides itself what it answers, so that each answer of its own is as good as 200. @default false */
  readonly anyAnswer?: boolean;
}

/** A request that a pod sends with curl. */
export interface PodRequest extends Message {
  /** A pod with a sidecar, without one, or one that goes past its sidecar with the certificate that it got. */
  readonly from: "mesh" | "plain" | "certificate";
  /** Service of the stack whose account the pod has. @default an account of its own, which no rule names */
  readonly as?: string;
  /** Client of the stack that asks itself, from its own namespace. @default a pod that is brought along */
  readonly client?: string;
  readonly url: string;
  /** Address and port that is dialled, whatever the URL says: one replica of many. @default the URL's */
  readonly connectTo?: string;
  /** The server's proxy hands bytes on and sees no HTTP in them. @default false */
  readonly opaque?: boolean;
  /** A gRPC call with an empty message; the URL's path is its method. @default false */
  readonly grpc?: boolean;
  /** Client certificate, for a URL of https: one made on the spot, the external client's, or the sidecar's. @default none */
  readonly clientCertificate?: "self-signed" | "client" | "mesh";
}

/** A request that this machine sends to the gateway, on a connection of its own. */
export interface HostRequest extends Message {
  readonly from: "host";
  /** The gateway's port for plain HTTP or for TLS, or its second one for TLS; the control server is this process's own. */
  readonly to: "http" | "https" | "second-https" | "control-server";
  /** Host header. */
  readonly host: string;
  readonly path: string;
  /** Server name of the TLS handshake; empty: none is sent. @default the host */
  readonly serverName?: string;
  /** Certificates that the server's has to come from. @default the stack's CA */
  readonly trust?: "system" | "namesake-ca" | "backend";
  /** Client certificate; the namesake CA has the name of the stack's CA, and another key. @default none */
  readonly clientCertificate?: "own" | "other-ca" | "namesake-ca" | "self-signed" | "revoked";
  /** The one TLS version that is offered. @default what Node.js offers */
  readonly tlsVersion?: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
  /** The ciphers that are offered. @default what Node.js offers */
  readonly ciphers?: string;
  /** Follow a redirect once, to this machine, with the same trust and certificate. */
  readonly follow?: boolean;
  /** Speak HTTP/2, and ask this host first on the same connection, which is made for it. @default one request a connection */
  readonly after?: string;
  /** Bytes that are sent before the request. @default none */
  readonly preface?: string;
}

/** What is asked of fixtures alone: a flip under traffic, a message of istioctl's, a refusal by the webhook, a metric, logs. */
export type FixtureCheck = "flip" | "flagged" | "webhook" | "counted" | "secrets-in-logs";

/** What is asked of Pulumi, where a stack's state is at hand. */
export type StateCheck = "unchanged";

/** A question that Istio's own tools or the cluster answer, about the platform or about one service. */
export interface ToolRequest {
  readonly from: "tool";
  readonly check:
    | "analyze"
    | "precheck"
    | "synced"
    | "rejections"
    | "sidecars"
    | "mode"
    | "certificate"
    | "ready"
    | StateCheck
    | FixtureCheck;
  /** @default the platform as a whole */
  readonly service?: string;
}

/** A request that traffic answers. */
export type TrafficRequest = PodRequest | HostRequest;
export type ProbeRequest = TrafficRequest | ToolRequest;

/** What a correct platform answers. */
export interface Expectation {
  readonly reason: Reason;
  /** Whose identity the service has to see behind the connection. @default not asked */
  readonly peer?: "caller" | "gateway" | "nobody";
  /** Subject of the client certificate that the gateway has to hand on. @default not asked */
  readonly clientSubject?: string;
  /** Where a redirect has to lead. */
  readonly location?: string;
  /** Whose rules have to be those that refuse it, for a request from outside. @default not asked */
  readonly refusedBy?: "gateway" | "service";
  /** Whether the service has to see the token. @default not asked */
  readonly tokenSeen?: boolean;
  /** Headers that the service has to see with this value; null: has to see nothing of. @default not asked */
  readonly seen?: Readonly<Record<string, string | null>>;
  /** What the rules would have said, in a dry run. @default not asked */
  readonly wouldBe?: "allowed" | "denied";
  /** Service whose own proxy would have, for a request from outside that the gateway lets in. @default who answers it */
  readonly wouldBeBy?: string;
  /** Whether the server's proxy has to log it, with status, flags and peer. @default not asked */
  readonly logged?: boolean;
}

/** The same request but for one thing, which has to succeed while the probe is refused. */
export interface Control {
  /** The one thing that differs. */
  readonly differs: string;
  /** What has to come of it. @default ok */
  readonly succeeds?: Reason;
  readonly send: (target: ProbeTarget, item: string) => ProbeRequest;
}

/** One question to a running platform. */
export interface Probe {
  /** Stable id; those of reference catalogues keep theirs. */
  readonly id: string;
  readonly question: string;
  /** Rows of the catalogue that an item stands for. @default the one that its id begins with */
  readonly rows?: (settings: Settings, item: string) => readonly string[];
  /** Why the expected answer is the right one. */
  readonly why: string;
  readonly applies: (settings: Settings) => boolean;
  /** What the question is asked for one by one, such as services. @default once */
  readonly each?: (settings: Settings) => readonly string[];
  /** Items that reports show as one line while they hold. @default each has its own */
  readonly group?: (settings: Settings, item: string) => string;
  readonly expect: (settings: Settings, item: string) => Expectation;
  /** Answers in a row that have to be the same, for sweeps over hundreds of items. @default as the run says */
  readonly samples?: number;
  /** How long a wrong answer may still become right, in seconds, unless the run says so; the verdict names it. @default 20 */
  readonly patienceSeconds?: number;
  readonly send: (target: ProbeTarget, item: string) => ProbeRequest;
  /** What decides it stands in secrets, key sets or a server of its own, of which manifests say nothing. @default false */
  readonly beyondManifests?: boolean;
  /** Needed by every probe that expects a refusal; undefined for an item that is let in. */
  readonly control?: Control | ((settings: Settings, item: string) => Control | undefined);
}

/** The control of one item. */
export function controlOf(probe: Probe, settings: Settings, item: string): Control | undefined {
  return typeof probe.control === "function" ? probe.control(settings, item) : probe.control;
}

/** Addresses that a probe may need. */
export interface ProbeTarget {
  readonly settings: Settings;
  /** Address of one pod of each service. */
  readonly podAddresses: Readonly<Record<string, string>>;
  /** Addresses of the pods that ask. */
  readonly callerAddresses?: Readonly<Record<string, string>>;
  /** Name by which a caller with a sidecar is called itself: a workload of the namespace that no rule names. */
  readonly callerHost?: string;
  /** The twin of the first service: the same but for PERMISSIVE, in a namespace of its own. */
  readonly twin?: Twin;
  /** How manifests name what is asked. @default as the Deployments of a stack and its gateway are named */
  readonly manifests?: ManifestNames;
}

/** What is asked, by the names that it has in manifests. */
export interface ManifestNames {
  /** The gateway's pods. */
  readonly door: string;
  /** The pods of a service. */
  readonly workload: (service: string) => string;
  /** Namespace of callers whose account no rule names. */
  readonly strangers: string;
  /** Pods and their port behind a Service that is none of the settings'; undefined where these are not the only ones. */
  readonly behind: (host: string, port: number) => { workload: string; port: number } | undefined;
}

export interface Twin {
  /** Service that it is the twin of. */
  readonly service: string;
  readonly namespace: string;
  readonly podAddress: string;
  /** Its own twin, the same but for the policy that lets everybody in. @default there is none: the mesh has no default-deny */
  readonly ruleless?: string;
}

/** Whether a correct answer is a refusal, which says nothing unless the control succeeds. */
export function isNegative(expectation: Expectation): boolean {
  return expectation.reason !== "ok";
}
