/** The stack of the suite about who may call what: a rule of each kind, and the objects that they become. */

const common = { audiences: ["bank"], claimHeaders: { "X-Jwt-Sub": "sub" } };
const issuer = { name: "bank", issuer: "https://issuer.app.local", ...common };
// tokens in places of their own, and a claim that is words
const partner = {
  ...{ name: "partner", issuer: "https://partner.example", ...common },
  ...{ keyIds: ["p1"], headers: [{ name: "X-Partner-Token" }], spaceDelimitedClaims: ["groups"] },
};
const reason = "its machines can send no headers";
const kiosk = {
  ...{ name: "kiosk", issuer: "https://kiosk.example", ...common },
  ...{ keyIds: ["q1"], parameters: [{ name: "ticket", reason }] },
};
export const authentication = (...keyIds: string[]) => ({
  issuers: [{ ...issuer, keyIds }, partner, kiosk],
  exempt: ["/orders/health", "*/ping"],
});
export const services = [
  // asks for no token, so that nobody's reaches it; nothing listens on its second port, whose proxy answers alone
  {
    name: "users",
    requestHeaders: { "X-Tenant": "bank" },
    ports: [
      { port: 80, targetPort: 8080, protocol: "http" },
      { port: 81, targetPort: 8081, protocol: "http" },
    ],
    allowFrom: [
      { gateway: true, methods: ["GET"] },
      { service: "orders", methods: ["GET"] },
    ],
  },
  {
    name: "orders",
    allowFrom: [
      { gateway: true, claims: { role: ["teller", "admin"] } },
      // a dot of an account stands for itself
      { principal: "cluster.local/ns/bank/sa/back.office" },
      { service: "users", version: "v1" },
      { service: "payments", methods: ["PUT"], headers: { "x-batch": "nightly" } },
    ],
    denyFrom: [
      { gateway: true, paths: ["/orders/internal/*"] },
      { gateway: true, headers: { "x-blocked": "yes" } },
    ],
  },
  {
    name: "payments",
    allowFrom: [
      { gateway: true, methods: ["GET"], token: true },
      { gateway: true, methods: ["GET"], paths: ["/payments/public"] },
      { gateway: true, methods: ["POST"], claims: { scope: "payments:write" } },
      { gateway: true, methods: ["POST"], claims: { role: "admin" } },
      { gateway: true, methods: ["PUT"], issuer: "partner", claims: { groups: "audit" } },
      { gateway: true, methods: ["PATCH"], issuer: "kiosk", token: true },
      { service: "orders", methods: ["POST"], paths: ["/payments", "/payments/batch/*"] },
      { service: "users", methods: ["PUT"], claims: { scope: "payments:write" } },
      { service: "users", methods: ["PUT"], claims: { role: "admin" } },
      { service: "users", methods: ["PATCH"], claims: { "realm.roles": "auditor" } },
    ],
  },
  // bytes alone: no method, no path, but an identity
  {
    name: "ledger",
    ports: [{ port: 9000, targetPort: 9000, protocol: "tcp" }],
    allowFrom: [{ service: "payments" }],
  },
  // gRPC methods beside HTTP and bytes, on ports of one server
  {
    ...{ name: "quotes", sourceImage: "istio-app", prefix: false },
    ports: [
      { port: 7070, targetPort: 7070, protocol: "grpc" },
      { port: 80, targetPort: 8080, protocol: "http" },
    ],
    allowFrom: [
      { service: "orders", rpcs: ["/proto.EchoTestService/Echo"], ports: [7070] },
      { service: "users", methods: ["GET"], paths: ["/stat*"], ports: [8080] },
    ],
  },
];

/** Policies that the rules become. */
export const policies = [
  "AuthorizationPolicy access-edge-allow-gateway",
  "AuthorizationPolicy access-edge-deny-gateway",
  "AuthorizationPolicy access-service-allow-ledger",
  "AuthorizationPolicy access-service-allow-orders",
  "AuthorizationPolicy access-service-allow-orders.v1",
  "AuthorizationPolicy access-service-allow-payments",
  "AuthorizationPolicy access-service-allow-quotes",
  "AuthorizationPolicy access-service-allow-users",
  "AuthorizationPolicy access-service-default-deny",
  "AuthorizationPolicy access-service-deny-orders",
];
export const authentications = [
  "RequestAuthentication access-edge-gateway-tokens",
  "RequestAuthentication access-service-orders-tokens",
  "RequestAuthentication access-service-payments-tokens",
];
