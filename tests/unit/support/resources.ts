// Type and name of every resource: the URNs less project, stack and parents. A change here renames or removes what
// runs; a rename needs an alias.
const always = [
  "bankmesh:access:AccessControl access",
  "bankmesh:access:SigningKeys tokens",
  "bankmesh:bank:Bank bank",
  "bankmesh:bank:BankNamespace bank",
  "bankmesh:bank:BankService bank-orders",
  "bankmesh:bank:BankService bank-payments",
  "bankmesh:bank:BankService bank-users",
  "bankmesh:cluster:KindCluster kind",
  "bankmesh:edge:IngressGateway edge",
  "bankmesh:mesh:EnforcementGate gate",
  "bankmesh:mesh:IstioMesh mesh",
  "bankmesh:mesh:MeshSecurity security",
  "bankmesh:pki:Pki pki",
  "command:local:Command gate-check",
  "command:local:Command kind-cluster",
  "command:local:Command kind-ready",
  "command:local:Command mesh-webhook-check",
  "kubernetes:apps/v1:Deployment bank-orders-deployment",
  "kubernetes:apps/v1:Deployment bank-payments-deployment",
  "kubernetes:apps/v1:Deployment bank-users-deployment",
  "kubernetes:core/v1:Namespace bank-namespace",
  "kubernetes:core/v1:Namespace mesh-namespace",
  "kubernetes:core/v1:Service bank-orders-service",
  "kubernetes:core/v1:Service bank-payments-service",
  "kubernetes:core/v1:Service bank-users-service",
  "kubernetes:core/v1:ServiceAccount bank-orders-account",
  "kubernetes:core/v1:ServiceAccount bank-payments-account",
  "kubernetes:core/v1:ServiceAccount bank-users-account",
  "kubernetes:helm.sh/v4:Chart edge-proxy",
  "kubernetes:helm.sh/v4:Chart mesh-base",
  "kubernetes:helm.sh/v4:Chart mesh-istiod",
  "kubernetes:networking.istio.io/v1:Gateway edge-gateway",
  "kubernetes:networking.istio.io/v1:VirtualService edge-routes",
  "kubernetes:security.istio.io/v1:PeerAuthentication security-namespace-mtls",
  "pulumi:providers:kubernetes cluster",
  "random:index/randomId:RandomId kind-owner",
  "tls:index/certRequest:CertRequest pki-client-request",
  "tls:index/certRequest:CertRequest pki-server-request",
  "tls:index/locallySignedCert:LocallySignedCert pki-client-cert",
  "tls:index/locallySignedCert:LocallySignedCert pki-server-cert",
  "tls:index/privateKey:PrivateKey pki-client-key",
  "tls:index/privateKey:PrivateKey pki-root-key",
  "tls:index/privateKey:PrivateKey pki-server-key",
  "tls:index/selfSignedCert:SelfSignedCert pki-root-cert",
];
const credential = {
  dev: "kubernetes:core/v1:Secret edge-edge-tls",
  staging: "kubernetes:core/v1:Secret edge-edge-tls",
  prod: "kubernetes:core/v1:Secret edge-edge-mtls",
};
const rules = [
  "kubernetes:security.istio.io/v1:AuthorizationPolicy access-edge-allow-gateway",
  "kubernetes:security.istio.io/v1:AuthorizationPolicy access-service-allow-orders",
  "kubernetes:security.istio.io/v1:AuthorizationPolicy access-service-allow-payments",
  "kubernetes:security.istio.io/v1:AuthorizationPolicy access-service-allow-users",
  "kubernetes:security.istio.io/v1:AuthorizationPolicy access-service-default-deny",
  "kubernetes:security.istio.io/v1:RequestAuthentication access-edge-gateway-tokens",
  "kubernetes:security.istio.io/v1:RequestAuthentication access-service-orders-tokens",
  "kubernetes:security.istio.io/v1:RequestAuthentication access-service-payments-tokens",
  "kubernetes:security.istio.io/v1:RequestAuthentication access-service-users-tokens",
  "random:index/randomId:RandomId tokens-bank.k1-id",
  "tls:index/privateKey:PrivateKey tokens-bank.k1-key",
];

const expiry = ["edge", "service"].map(
  (place) => `kubernetes:networking.istio.io/v1alpha3:EnvoyFilter access-${place}-require-expiry`,
);

/** Type and name of every resource of a stack as shipped, sorted. */
export function resourcesOf(stack: keyof typeof credential): string[] {
  const own = stack === "dev" ? [] : stack === "prod" ? [...rules, ...expiry] : rules;
  return [...always, credential[stack], ...own].sort();
}
