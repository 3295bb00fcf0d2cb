import { z } from "zod";
import { isKeySet, keySetText } from "./key-set.ts";
import { isFetched } from "./key-sources.ts";
import { deniedPathPattern, pathPattern } from "./path-pattern.ts";
import {
  addressBlock,
  dnsLabel,
  oneOf,
  port,
  serviceName,
  someText,
  versionLabel,
} from "./values.ts";

export const authorizationModes = ["off", "dry-run", "enforce"] as const;
/** Whether rules about callers apply: not at all, as lines in the access log alone, or for real. */
export type AuthorizationMode = (typeof authorizationModes)[number];

/** Methods of RFC 9110, and PATCH. */
const methods = [
  ...["GET", "HEAD", "POST", "PUT", "PATCH"],
  ...["DELETE", "OPTIONS", "CONNECT", "TRACE"],
] as const;
const method: z.ZodType<string> = z.enum(methods, {
  error: `an HTTP method: ${methods.join(", ")}`,
});

const rpcText = "a gRPC method such as /bank.Payments/Pay";
const rpc = z
  .string({ error: rpcText })
  .regex(/^\/[A-Za-z_][\w.]*\/([A-Za-z_]\w*|\*)$/, { error: rpcText });

const headerText = "the name of a header";
const header = z.string({ error: headerText }).regex(/^[A-Za-z0-9-]+$/, { error: headerText });

const principalText = "an identity such as cluster.local/ns/shop/sa/web";
const principal = z
  .string({ error: principalText })
  .regex(/^[a-z0-9.-]+\/ns\/[a-z0-9-]+\/sa\/[a-z0-9.-]+$/, { error: principalText });

const list = <T extends z.ZodType>(of: T) => z.array(of).min(1, { error: "at least one" });

const valueText =
  "a text, with * alone, at its begin or at its end; no regular expressions (.*, ^ or $): Istio takes any other * as a letter, and these as they stand";
const value = someText
  .regex(/^(\*|\*?[^*]+|[^*]+\*)$/, { error: valueText, abort: true })
  // | may stand: subjects of some issuers have it
  .refine((text) => !/^\^|\$$|\.\*$/.test(text), { error: valueText });
/** One value or several; with several, any of them will do. */
const values = z
  .union([value, list(value)], { error: `${valueText}; or a list of texts` })
  .transform((v) => (typeof v === "string" ? [v] : v));

const claimText =
  "the name of a claim; a dot leads into a nested one (realm.roles), with a name on either side";
// proxies reject all that istiod sends beside a name that is empty
const claimName = /^([^.[\]\s]+(\.[^.[\]\s]+)*|[^[\]\s]*:\/\/[^[\]\s]*)$/;
const claims = z.record(z.string().regex(claimName, { error: claimText }), values);

const wordsText = "the name of a claim at the top of the token; Envoy looks no deeper";
const topClaim = z
  .string({ error: wordsText })
  .regex(/^([^.[\]\s]+|[^[\]\s]+:\/\/[^[\]\s]+)$/, { error: wordsText });

/** What a request has to be, and to bring, for a rule to match it. All that is set has to hold. */
const request = {
  methods: list(method).optional(),
  paths: list(pathPattern).optional(),
  /** Methods of gRPC services; instead of methods and paths. */
  rpcs: list(rpc).optional(),
  /** Only for pods of the service that bear this version. */
  version: versionLabel.optional(),
  /** Ports of the container. */
  ports: list(port).optional(),
  /** Claims of the token, each with the values that will do. */
  claims: claims.optional(),
  /** Any valid token will do. */
  token: z.literal(true, { error: "true, or leave it out" }).optional(),
  /** Issuer that the token has to come from, by its name in authentication. */
  issuer: dnsLabel.optional(),
  headers: z.record(header, values).optional(),
  /** Addresses of clients outside, as the gateway knows them by trustedProxies. */
  remoteIpBlocks: list(addressBlock).optional(),
};

/** Who may call: one of these. */
const caller = {
  /** The gateway, for the service's own prefix unless paths say less. */
  gateway: z.literal(true, { error: "true, or leave it out" }).optional(),
  /** A service of the stack. */
  service: serviceName.optional(),
  /** Every workload of a namespace. */
  namespace: dnsLabel.optional(),
  /** One identity of the mesh. */
  principal: principal.optional(),
};

/** One way into a service. */
export const allowSchema = z.strictObject({ ...caller, ...request });
/** What is refused before anything is allowed; without a caller, whoever asks. */
export const denySchema = z.strictObject({
  ...caller,
  ...request,
  paths: list(deniedPathPattern).optional(),
});

const jwks = z
  .string({ error: (issue) => (isMap(issue.input) ? jwksMapText : keySetText) })
  .refine(isKeySet, { error: keySetText });

const jwksMapText = "the key set as text: put it between single quotes, or below a | in YAML";
const isMap = (value: unknown) => typeof value === "object" && value !== null;

const beforeText = "what stands before the token, such as Bearer and a space, in printable ASCII";
const before = z.string({ error: beforeText }).regex(/^[\x20-\x7e]+$/, { error: beforeText });
const fromHeader = z.strictObject({ name: header, prefix: before.optional() });
const reasonText = "why: a query parameter ends up in logs and histories";
const fromParameter = z.strictObject({
  name: someText,
  reason: z.string({ error: reasonText }).trim().min(10, { error: reasonText }),
});

const httpsText = "a URL of https: whoever sits on the way of http could hand over keys of his own";
const fetchedText =
  "a URL that istiod fetches: no address of loopback (127.0.0.0/8, ::1, localhost) and none of link-local (169.254.0.0/16, fe80::/10)";
const issuerUrlText = `${httpsText}; its keys are found by OpenID discovery, because it has neither keyIds, jwks nor jwksUri`;
const issuerText = "the iss of its tokens as it stands there, without *, which would be any issuer";
const copiedText =
  "a claim that can be copied: a dot leads into a claim, so that none whose name is an address (https://…) is found";
const copied = someText
  .refine((claim) => !claim.includes("://"), { error: copiedText, abort: true })
  .refine((claim) => !claim.split(".").includes(""), { error: claimText });
const issuerFields = z.strictObject({
  /** Name within the stack. */
  name: dnsLabel,
  /** Value of the token's iss. */
  issuer: someText.regex(/^[^*]+$/, { error: issuerText }),
  /** Values of aud that are taken; one of them has to be in the token. */
  audiences: list(someText),
  /** Keys that the stack makes; the first signs, all are accepted. */
  keyIds: list(dnsLabel).optional(),
  /** Keys of the issuer, written down. */
  jwks: jwks.optional(),
  /** Where the issuer serves its keys. */
  jwksUri: z
    .url({ protocol: /^https$/, error: httpsText })
    .refine(isFetched, { error: fetchedText })
    .optional(),
  headers: list(fromHeader).optional(),
  parameters: list(fromParameter).optional(),
  /** Claims whose text is words apart by spaces, beside scope and permission, which always are. */
  spaceDelimitedClaims: list(topClaim).optional(),
  /** Headers that the service gets, each with the claim that is copied into it; a dot leads into a claim. */
  claimHeaders: z.record(header, copied).optional(),
});

type IssuerFields = z.infer<typeof issuerFields>;
/** Whether its keys are known, or where they are; else its own address leads to them. */
const hasKeys = ({ keyIds, jwks: own, jwksUri }: IssuerFields) =>
  keyIds !== undefined || own !== undefined || jwksUri !== undefined;

const issuer = issuerFields
  .refine((i) => hasKeys(i) || isHttps(i.issuer), { path: ["issuer"], error: issuerUrlText })
  .refine((i) => hasKeys(i) || isFetched(i.issuer), { path: ["issuer"], error: fetchedText });

/** Who issues tokens, and which requests need none. */
export const authenticationSchema = z.strictObject({
  issuers: z.array(issuer).default([]),
  /** Paths at the gateway that need no token. */
  exempt: z.array(pathPattern).default([]),
  /** Which workloads look at tokens, beside the gateway: those whose rules ask for one, or all of the namespace. */
  inside: oneOf(["workloads", "namespace"]).default("workloads"),
  /** Refuse tokens that never expire; JWT allows them. */
  requireExpiry: z.boolean({ error: "true or false" }).default(false),
});

/** Where rules apply while they are being rolled out. */
export const rolloutSchema = z.strictObject({
  mode: oneOf(["all", "only", "all-but"]).default("all"),
  /** Services, each with its rules at the gateway and those at its own proxy. */
  services: z.array(serviceName).default([]),
  /** The bank's for all its services, istio-system for what the gateway asks. */
  namespaces: z.array(dnsLabel).default([]),
});

function isHttps(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === "https:";
}

export type AllowRule = z.infer<typeof allowSchema>;
export type DenyRule = z.infer<typeof denySchema>;
export type IssuerSettings = z.infer<typeof issuer>;
export type AuthenticationSettings = z.infer<typeof authenticationSchema>;
export type RolloutSettings = z.infer<typeof rolloutSchema>;
