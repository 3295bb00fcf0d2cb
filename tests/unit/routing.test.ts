import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bankRoutes } from "../../components/bank.ts";
import { endpoints, howToCall, rollout } from "../../components/outputs.ts";
import { type Route, gatewaySpec, virtualServiceSpec } from "../../policies/routing.ts";
import { validateSpec } from "../../policies/schema.ts";
import { settings } from "./support/settings.ts";

const modes = ["NONE", "SIMPLE", "MUTUAL"] as const;
const users: Route = { prefix: "/users", destination: "users.bank.svc.cluster.local", port: 80 };
const spec = (gatewayTls: (typeof modes)[number], routes: Route[] = [users]) =>
  virtualServiceSpec({
    gatewayTls,
    host: "app.local",
    httpsPort: 8443,
    gatewayName: "bank-gw",
    gatewayNamespace: "istio-system",
    routes,
  });

describe("gatewaySpec", () => {
  // for routes of the Gateway's own namespace
  const hosts = ["./app.local"];
  const http = { port: { number: 80, name: "http", protocol: "HTTP" }, hosts };
  const https = { port: { number: 443, name: "https", protocol: "HTTPS" }, hosts };
  const selector = { istio: "ingressgateway" };

  test("NONE: port 80 alone", () => {
    assert.deepEqual(gatewaySpec("NONE", "app.local"), { selector, servers: [http] });
  });
  test("SIMPLE: the gateway's certificate, TLS 1.2 at least", () => {
    const tls = { mode: "SIMPLE", credentialName: "edge-tls", minProtocolVersion: "TLSV1_2" };
    assert.deepEqual(gatewaySpec("SIMPLE", "app.local"), {
      selector,
      servers: [http, { ...https, tls }],
    });
  });
  test("MUTUAL: the client's certificate too", () => {
    const tls = { mode: "MUTUAL", credentialName: "edge-mtls", minProtocolVersion: "TLSV1_2" };
    assert.deepEqual(gatewaySpec("MUTUAL", "app.local"), {
      selector,
      servers: [http, { ...https, tls }],
    });
  });
});

describe("virtualServiceSpec", () => {
  const route = {
    name: "users",
    match: [{ uri: { exact: "/users" } }, { uri: { prefix: "/users/" } }],
    route: [{ destination: { host: "users.bank.svc.cluster.local", port: { number: 80 } } }],
  };

  test("NONE: routes alone", () => {
    assert.deepEqual(spec("NONE"), {
      hosts: ["app.local"],
      gateways: ["bank-gw"],
      exportTo: ["istio-system"],
      http: [route],
    });
  });

  for (const mode of ["SIMPLE", "MUTUAL"] as const) {
    test(`${mode}: first of all, port 80 redirects to the port that clients reach 443 at`, () => {
      const redirect = {
        name: "https-redirect",
        match: [{ port: 80 }],
        redirect: { scheme: "https", port: 8443, redirectCode: 301 },
      };
      assert.deepEqual(spec(mode).http, [redirect, route]);
    });
  }

  test("a prefix matches whole segments", () => {
    const [{ match }] = spec("NONE", [{ ...users, prefix: "/v1/users" }]).http as [
      { match: { uri: { exact?: string; prefix?: string } }[] },
    ];
    const matches = (path: string) =>
      match.some(({ uri }) => uri.exact === path || (uri.prefix && path.startsWith(uri.prefix)));
    for (const path of ["/v1/users", "/v1/users/", "/v1/users/7"]) assert.ok(matches(path), path);
    for (const path of ["/v1/usersX", "/v1", "/", "/users"]) assert.ok(!matches(path), path);
  });

  test("timeout, retries and request headers of a route, and of no other", () => {
    const retries = { attempts: 3, perTryTimeout: "2s" };
    const [first, second] = spec("NONE", [
      { ...users, timeout: "5s", retries, requestHeaders: { "x-bank": "1" } },
      { ...users, prefix: "/orders" },
    ]).http!;
    assert.deepEqual(first, {
      ...route,
      timeout: "5s",
      retries,
      headers: { request: { set: { "x-bank": "1" } } },
    });
    assert.deepEqual(Object.keys(second!).sort(), ["match", "name", "route"]);
  });

  for (const mode of modes) {
    test(`${mode}: the CRDs of the pinned chart allow both objects`, () => {
      const full: Route = {
        ...users,
        timeout: "5s",
        retries: { attempts: 1, perTryTimeout: "500ms" },
        requestHeaders: { a: "b" },
      };
      assert.deepEqual(validateSpec("Gateway", gatewaySpec(mode, "app.local")), []);
      assert.deepEqual(validateSpec("VirtualService", spec(mode, [full])), []);
    });
  }
});

describe("bankRoutes", () => {
  test("the first port of each service, under its name or its prefix, but for those with none", () => {
    const bank = settings({
      namespace: "money",
      services: [
        { name: "users" },
        {
          name: "orders",
          prefix: "/v1/orders",
          timeout: "5s",
          retries: { attempts: 1 },
          requestHeaders: { "x-bank": "1" },
          ports: [
            { port: 8081, targetPort: 1, protocol: "http" },
            { port: 8082, targetPort: 2, protocol: "http" },
          ],
        },
        { name: "ledger", prefix: false },
      ],
    });
    assert.deepEqual(bankRoutes(bank), [
      { prefix: "/users", destination: "users.money.svc.cluster.local", port: 80 },
      {
        prefix: "/v1/orders",
        destination: "orders.money.svc.cluster.local",
        port: 8081,
        timeout: "5s",
        retries: { attempts: 1 },
        requestHeaders: { "x-bank": "1" },
      },
    ]);
  });

  test("tokens stay with the services that need them, once rules apply", () => {
    const issuer = { name: "bank", issuer: "https://a", audiences: ["bank"], keyIds: ["k1"] };
    const headers = [{ name: "X-Token" }, { name: "Authorization", prefix: "Bearer " }];
    const values = {
      authentication: { issuers: [issuer, { ...issuer, name: "other", headers }] },
      services: [
        { name: "users", allowFrom: [{ gateway: true }] },
        { name: "orders", allowFrom: [{ gateway: true, token: true }] },
      ],
    };
    const withheld = (authorization: string) =>
      bankRoutes(settings({ ...values, authorization })).map((route) => route.withheldTokens);
    for (const mode of ["off", "dry-run"]) assert.deepEqual(withheld(mode), [undefined, undefined]);
    const tokens = [{ name: "Authorization", prefix: "Bearer " }, { name: "X-Token" }];
    assert.deepEqual(withheld("enforce"), [tokens, undefined]);
    const late = { ...values, authorization: "enforce" };
    const [early] = bankRoutes(
      settings({ ...late, rollout: { mode: "only", services: ["orders"] } }),
    );
    assert.equal(early!.withheldTokens, undefined);
    // every proxy takes them away itself
    const everywhere = { ...values.authentication, inside: "namespace" };
    const [all] = bankRoutes(settings({ ...late, authentication: everywhere }));
    assert.equal(all!.withheldTokens, undefined);

    const [users] = bankRoutes(settings(late));
    const { http } = spec("NONE", [{ ...users!, preflightHeaders: ["X-Jwt-Sub"] }]);
    assert.deepEqual(
      http!.map((route) => [route.name, route.headers?.request?.remove, route.match!.length]),
      [
        ["users-preflight", ["X-Jwt-Sub"], 2],
        ["users-token", ["Authorization", "X-Token"], 4],
        ["users", undefined, 2],
      ],
    );
    assert.deepEqual(http![0]!.match![1], {
      ...{ uri: { prefix: "/users/" }, method: { exact: "OPTIONS" } },
      headers: { origin: { regex: ".+" }, "access-control-request-method": { regex: ".+" } },
    });
    assert.deepEqual(http![1]!.match![1], {
      uri: { prefix: "/users/" },
      headers: { authorization: { regex: ".*Bearer .*" } },
    });
    assert.deepEqual(validateSpec("VirtualService", spec("NONE", [users!])), []);
  });
});

describe("outputs", () => {
  const ports = { httpPort: 8080, httpsPort: 8443 };
  const services = [{ name: "users" }, { name: "ledger", prefix: false }];
  const call = (gatewayTls: string) => {
    const s = settings({ ...ports, gatewayTls, services });
    return [endpoints(s), howToCall("dev", s)];
  };

  test("NONE: http", () => {
    assert.deepEqual(call("NONE"), [
      { http: "http://app.local:8080" },
      ["curl -fsS --resolve app.local:8080:127.0.0.1 http://app.local:8080/users"],
    ]);
  });
  test("SIMPLE: https, checked against the CA", () => {
    assert.deepEqual(call("SIMPLE"), [
      { http: "http://app.local:8080", https: "https://app.local:8443" },
      [
        "curl -fsS --resolve app.local:8443:127.0.0.1 --cacert .bankmesh/certs/dev/ca.crt https://app.local:8443/users",
      ],
    ]);
  });
  test("MUTUAL: with the client's certificate", () => {
    const [, lines] = call("MUTUAL") as [unknown, string[]];
    assert.match(
      lines[0]!,
      /--cert \.bankmesh\/certs\/dev\/client\.crt --key \.bankmesh\/certs\/dev\/client\.key https:/,
    );
  });
  test("enforce: with a token where the gateway asks for one, and a comment for what nobody may read", () => {
    const authentication = {
      issuers: [{ name: "bank", issuer: "https://i", audiences: ["bank"], keyIds: ["k1"] }],
    };
    const guarded = (...rules: object[]) => rules.map((rule) => ({ gateway: true, ...rule }));
    const s = settings({
      ...{ ...ports, authorization: "enforce", authentication },
      services: [
        { name: "users", allowFrom: guarded({}) },
        { name: "orders", allowFrom: guarded({ methods: ["POST"] }, { claims: { scope: "o:r" } }) },
        { name: "inbox", allowFrom: guarded({ methods: ["POST"], token: true }) },
        { name: "audit", allowFrom: guarded({ paths: ["*.log"] }, { paths: ["/audit/*"] }) },
      ],
    });
    const curl = "curl -fsS --resolve app.local:8443:127.0.0.1 --cacert .bankmesh/certs/dev/ca.crt";
    const header = `-H @<(printf 'Authorization: Bearer %s' "$(npm run -s token -- dev --scope 'o:r')")`;
    assert.deepEqual(howToCall("dev", s), [
      `${curl} https://app.local:8443/users`,
      `${curl} ${header} https://app.local:8443/orders`,
      "# inbox: no rule lets a GET in that a token of npm run token alone would do for (npm run -s graph shows its rules)",
      `${curl} https://app.local:8443/audit/1`,
    ]);
  });
  test("whom a rollout has not reached", () => {
    const rolled = (values: object) =>
      rollout(
        settings({ authorization: "enforce", services: [{ name: "a" }, { name: "b" }], ...values }),
      );
    assert.equal(rolled({}), "all");
    assert.equal(rolled({ rollout: { mode: "only", services: ["b"] } }), "b; open as before: a");
    assert.equal(
      rolled({ rollout: { mode: "only", services: ["b"] }, authorization: "off" }),
      "all",
    );
    assert.equal(
      rolled({ rollout: { mode: "all-but", namespaces: ["bank"] } }),
      "the gateway alone; open as before: a, b",
    );
  });
  test("nobody knows the address of an existing cluster's gateway beforehand", () => {
    const s = settings({ cluster: "existing", context: "c", gatewayServiceType: "LoadBalancer" });
    assert.deepEqual([endpoints(s), howToCall("dev", s)], [{}, []]);
  });
});
