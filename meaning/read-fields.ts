/**
 * What the evaluator reads of each kind, and what changes no answer to a caller: slower or more often, but the same
 * callers reach the same containers. Everything else in an object of these kinds counts as unread. A field stands for all
 * that is below it, `*` for each entry of a list.
 */
export const readFields: Readonly<Record<string, readonly string[]>> = {
  PeerAuthentication: ["spec"],
  AuthorizationPolicy: ["spec"],
  RequestAuthentication: below("spec", [
    ...["selector", "targetRef", "targetRefs"],
    ...below("jwtRules.*", [
      ...["issuer", "audiences", "fromHeaders", "fromParams", "fromCookies"],
      ...["forwardOriginalToken", "outputClaimToHeaders", "spaceDelimitedClaims", "timeout"],
    ]),
  ]),
  DestinationRule: below("spec", [
    ...["host", "exportTo", "workloadSelector", "subsets.*.name", "subsets.*.labels"],
    ...["trafficPolicy", "subsets.*.trafficPolicy"].flatMap((policy) => [
      ...below(policy, clientPolicy()),
      ...below(`${policy}.portLevelSettings.*`, ["port", ...clientPolicy()]),
    ]),
  ]),
  Gateway: below("spec", [
    "selector",
    ...below("servers.*", ["name", "port.name", "port.number", "port.protocol", "hosts"]),
    ...below("servers.*.tls", ["mode", "httpsRedirect", "minProtocolVersion"]),
  ]),
  VirtualService: below("spec", [
    ...["hosts", "gateways", "exportTo"],
    ...below("http.*", [
      ...["name", "timeout", "retries", "fault.delay", "rewrite.uri", "rewrite.authority"],
      ...["directResponse", "headers.response"],
      // said not to be read wherever it stands
      ...["delegate", "fault.abort", "rewrite.uriRegexRewrite"],
      "headers.request",
      ...below("match.*", [
        ...["name", "statPrefix", "uri", "method", "authority", "scheme", "headers"],
        ...["withoutHeaders", "queryParams", "ignoreUriCase", "port", "gateways"],
        ...["sourceLabels", "sourceNamespace"],
      ]),
      ...below("redirect", ["uri", "authority", "scheme", "port", "redirectCode"]),
      ...below("route.*", ["destination", "weight", "headers.response"]),
      "route.*.headers.request",
    ]),
    ...["tcp", "tls"].flatMap((kind) =>
      below(`${kind}.*`, ["match.*.port", "match.*.sniHosts", "route"]),
    ),
  ]),
  ServiceEntry: ["spec.hosts"],
  ProxyConfig: ["spec.concurrency", "spec.image"],
  // which Service an authorizer is does not matter: whatever asks it is not judged
  mesh: below("data.mesh", [
    ...["rootNamespace", "trustDomain", "trustDomainAliases", "enableAutoMtls"],
    ...["pathNormalization", "extensionProviders", "defaultProviders", "enableTracing"],
    ...["accessLogFile", "accessLogFormat", "accessLogEncoding", "enablePrometheusMerge"],
    ...["connectTimeout", "tcpKeepalive", "dnsRefreshRate", "localityLbSetting"],
    ...below("defaultConfig", [
      ...["drainDuration", "terminationDrainDuration", "holdApplicationUntilProxyStarts"],
      ...["discoveryAddress", "concurrency", "tracing", "proxyStatsMatcher"],
      "proxyMetadata.SECRET_TTL",
    ]),
  ]),
  injector: [
    "data.config.policy",
    ...below("data.values.global", [
      ...["tag", "hub", "variant", "imagePullPolicy", "imagePullSecrets", "logging", "logAsJson"],
      ...["priorityClassName", "defaultResources", "proxy_init.image", "proxy_init.resources"],
      ...below("proxy", [
        ...["image", "resources", "logLevel", "componentLogLevel", "outlierLogPath", "lifecycle"],
        ...["readinessFailureThreshold", "readinessInitialDelaySeconds", "readinessPeriodSeconds"],
        "startupProbe",
      ]),
    ]),
  ],
  Service: below("spec", [
    ...["selector", "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "sessionAffinity"],
    ...["sessionAffinityConfig", "internalTrafficPolicy", "trafficDistribution"],
    ...["publishNotReadyAddresses", "loadBalancerIP", "loadBalancerClass", "healthCheckNodePort"],
    ...below("ports.*", ["name", "port", "targetPort", "appProtocol", "protocol", "nodePort"]),
  ]),
  // providers are held against the RequestAuthentications of the same pods
  EnvoyFilter: below("spec", [
    ...["workloadSelector.labels", "priority", "configPatches.*.match.context"],
    "configPatches.*.match.proxy.proxyVersion",
    ...below("configPatches.*.patch.value.typed_config.providers.*", [
      ...["key", "issuer", "audiences", "require_expiration"],
    ]),
  ]),
  MutatingWebhookConfiguration: below("webhooks.*", [
    ...["name", "timeoutSeconds", "sideEffects", "admissionReviewVersions"],
    "clientConfig.caBundle",
  ]),
};

/** Settings of a client that spread its requests, and the mode of its TLS. */
function clientPolicy(): string[] {
  const spread = ["connectionPool", "loadBalancer", "outlierDetection", "retryBudget"];
  return ["tls.mode", ...spread];
}

function below(field: string, names: readonly string[]): string[] {
  return names.map((name) => `${field}.${name}`);
}

/** What counts also where it is new: a copy of a request reaches somebody else. */
export const alsoNew = /(^|\.)mirrors?$/;

/** What Istio's annotations of pods say that is read, or that changes no answer: what goes out protects nobody. */
export const readAnnotations: readonly RegExp[] = [
  /^sidecar\.istio\.io\/(inject|status|statsInclusion.*|extraStatTags|rewriteAppHTTPProbers)$/,
  /^sidecar\.istio\.io\/(proxyCPU|proxyMemory)(Limit)?$/,
  /^sidecar\.istio\.io\/(logLevel|componentLogLevel|agentLogLevel|nativeSidecar)$/,
  /^traffic\.sidecar\.istio\.io\/(include|exclude)Inbound(Ports)$/,
  /^traffic\.sidecar\.istio\.io\/(include|exclude)Outbound\w+$/,
];

/** Labels of pods that decide how they are spoken to, and are not read. */
export const unreadLabels = ["security.istio.io/tlsMode", "istio.io/dataplane-mode"];

/** Variables of istiod and of gateways' proxies that change no answer to a caller. */
export const readVariables: readonly string[] = [
  ...["GOMAXPROCS", "GOMEMLIMIT", "PILOT_TRACE_SAMPLING", "PILOT_ENABLE_ANALYSIS"],
];

/** Arguments of theirs that do not either: they are about logs. */
export const readArguments = /^--log_\w+(=|$)/;
