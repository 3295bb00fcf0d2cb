import type { Rule } from "../rule.ts";
import * as authorization from "./authorization.ts";
import * as conditions from "./conditions.ts";
import * as edge from "./edge.ts";
import * as gateway from "./gateway.ts";
import * as identity from "./identity.ts";
import * as injection from "./injection.ts";
import * as istio from "./istio.ts";
import * as jwt from "./jwt.ts";
import * as keys from "./keys.ts";
import * as mtls from "./mtls.ts";
import * as namespaces from "./namespaces.ts";
import * as observability from "./observability.ts";
import * as pki from "./pki.ts";
import * as releases from "./releases.ts";
import * as tokens from "./tokens.ts";
import * as traffic from "./traffic.ts";
import * as versions from "./versions.ts";
import * as workloads from "./workloads.ts";

/** ex-01: about the exemptions themselves, not about resources. */
export const exemptionRule: Rule = {
  id: "ex-01",
  level: "mandatory",
  description: "No exemption has expired",
  url: "https://www.pulumi.com/docs/insights/policy/",
};

/** Every rule, in the order in which they are listed. */
export const rules: readonly Rule[] = [
  mtls.onePeerAuthentication(),
  mtls.strictMode(),
  mtls.noWeakerMode(),
  mtls.portsOfWorkloads(),
  mtls.noPlaintextDialling(),
  mtls.serversAreChecked(),
  mtls.narrowHosts(),
  injection.noOptOut(),
  injection.noInterceptionAnnotations(),
  injection.noProxyRights(),
  injection.normalizedPaths(),
  injection.registryOnly(),
  identity.ownAccounts(),
  identity.noNeedlessTokens(),
  identity.fewRights(),
  authorization.defaultDeny(),
  tokens.tokensAreAskedFor(),
  authorization.noOpenRules(),
  authorization.positiveAllows(),
  authorization.callerAndRequest(),
  authorization.claimBranches(),
  conditions.knownConditions(),
  conditions.wholePrincipals(),
  conditions.httpRulesForHttp(),
  conditions.denyIsSecondLine(),
  conditions.selectorsMatch(),
  conditions.knownProviders(),
  jwt.issuerAndAudience(),
  jwt.keysFromSafePlaces(),
  jwt.publicKeysOnly(),
  jwt.tokensExpire(),
  jwt.noTokensInUrls(),
  jwt.tokensStay(),
  jwt.wordListsAreDeclared(),
  gateway.ownHosts(),
  gateway.httpsOnly(),
  gateway.tls12(),
  gateway.tls13(),
  edge.wholeCredentials(),
  gateway.checkedClients(),
  gateway.modesApart(),
  edge.credentialsBesidePods(),
  edge.trustedHops(),
  edge.narrowRoutes(),
  gateway.wholeSegments(),
  edge.serviceTypes(),
  pki.shortLives(),
  pki.leafUses(),
  pki.rootSignsOnly(),
  pki.strongKeys(),
  pki.strongerKeys(),
  pki.separateCas(),
  keys.secretKeys(),
  traffic.rateLimits(),
  traffic.boundedFilters(),
  traffic.pinnedExtensions(),
  traffic.edgeLimits(),
  observability.logsAndTraces(),
  observability.noSecretsInLogs(),
  workloads.pinnedImages(),
  workloads.hardenedPods(),
  workloads.steadyWorkloads(),
  workloads.portsMeet(),
  namespaces.podSecurity(),
  namespaces.networkDeny(),
  releases.supportedVersion(),
  istio.livingHosts(),
  istio.guardedControlPlane(),
  istio.noOpenWindow(),
  versions.currentVersions(),
];
