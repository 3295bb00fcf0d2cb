import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Comparison, compare, judged, opens } from "../../meaning/compare.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { deployment, injected, manifest, meshSettings, service } from "./support/manifests.ts";

const base = [injected(), ...["users", "orders"].flatMap((app) => [deployment(app), service(app)])];
const rules = (...all: object[]) =>
  manifest("AuthorizationPolicy", "users", {
    selector: { matchLabels: { app: "users" } },
    rules: all,
  });
const refused = (...all: object[]) =>
  manifest("AuthorizationPolicy", "not-users", {
    ...{ selector: { matchLabels: { app: "users" } }, action: "DENY" },
    rules: all,
  });
const strict = (more: object = {}, name = "default", namespace = "bank") =>
  manifest("PeerAuthentication", name, { mtls: { mode: "STRICT" }, ...more }, { namespace });
const sa = (account: string) => `cluster.local/ns/bank/sa/${account}`;

function between(before: readonly Manifest[], after: readonly Manifest[]): Comparison {
  return compare(platformOf([...base, ...before]), platformOf([...base, ...after]));
}

/** Requests that opened, as lines. */
function opened(before: readonly Manifest[], after: readonly Manifest[]): string[] {
  const c = between(before, after);
  assert.equal(c.leftOut, 0);
  return c.changes
    .filter((x) => x.effect === "opens" || x.effect === "weakens")
    .map((x) => `${x.who} → ${x.about}: ${x.what}`);
}
const some = (lines: readonly string[], part: RegExp) =>
  assert.ok(
    lines.some((l) => part.test(l)),
    lines.join("\n") || "nothing opened",
  );

describe("rules with several alternatives", () => {
  const from = (...principals: string[]) => ({ source: { principals } });
  const to = (methods: string[], paths: string[]) => ({ operation: { methods, paths } });

  test("each caller is asked with each operation", () => {
    const both = [to(["GET"], ["/a"]), to(["POST"], ["/b"])];
    const narrow = rules(
      { from: [from(sa("one"))], to: both },
      { from: [from(sa("two"))], to: [both[0]] },
    );
    const wide = rules({ from: [from(sa("one")), from(sa("two"))], to: both });
    some(opened([strict(), narrow], [strict(), wide]), /account bank\/two → .*: POST \/b$/);
  });

  test("an operation of a second `to` is asked as a whole", () => {
    const before = rules({ to: [to(["GET"], ["/a"])] });
    const after = rules({ to: [to(["GET"], ["/a"]), to(["PUT"], ["/secret"])] });
    some(opened([strict(), before], [strict(), after]), /PUT \/secret$/);
  });

  test("more pairs than are asked are counted", () => {
    const many = rules({
      from: Array.from({ length: 9 }, (_, i) => from(sa(`a${i}`))),
      to: Array.from({ length: 9 }, (_, i) => to(["GET"], [`/${i}`])),
    });
    const c = between([many], [many]);
    assert.ok(c.leftOut > 0);
    assert.equal(judged(c), false);
  });
});

describe("rules that say who or what not", () => {
  const dropped = (rule: object, part: RegExp) => some(opened([refused(rule)], []), part);
  // what is refused differs from what is named in two things, so that no neighbour of that is refused
  const source = (s: object, o: object = { notMethods: ["GET"] }) => ({
    from: [{ source: s }],
    to: [{ operation: o }],
  });
  const operation = (o: object) => ({ to: [{ operation: { notMethods: ["GET"], ...o } }] });

  test("notMethods and notPaths: another method with another path is asked", () =>
    dropped(operation({ notPaths: ["/"] }), /: POST \/X$/));
  test("notPaths within paths", () =>
    dropped(operation({ paths: ["/a/*"], notPaths: ["/a/1"] }), /: POST \/a\/1X$/));
  test("notNamespaces: somebody of another one is asked", () =>
    dropped(
      source({ notNamespaces: ["bank"] }),
      /a workload of elsewhere that no rule names → .*: POST/,
    ));
  test("notPrincipals with all of them: plaintext is asked", () =>
    dropped(source({ notPrincipals: ["*"] }), /^plaintext → .*: POST/));
  test("a namespace and an account at once", () =>
    dropped(
      source({ namespaces: ["shop"], principals: ["*/sa/web"] }, { methods: ["PUT"] }),
      /account shop\/web → .*: PUT/,
    ));
  test("notValues of a condition on the caller", () =>
    dropped(
      { ...operation({}), when: [{ key: "source.namespace", notValues: ["bank"] }] },
      /elsewhere .*: POST/,
    ));
  test("notPorts: another port of the container is asked", () =>
    dropped(operation({ notPorts: ["8080"] }), /users:any other port: POST/));
  test("hosts and headers that are not", () =>
    dropped(
      {
        ...operation({ notHosts: ["users*"] }),
        when: [{ key: "request.headers[x-a]", values: ["b*"], notValues: ["b1"] }],
      },
      /: POST .*, x-a: b12$/,
    ));
});

describe("callers whom no rule names", () => {
  const only = rules({ from: [{ source: { principals: [sa("orders-sa")] } }] });
  const withAccount = (name: string, serviceAccountName: string, namespace = "bank") => {
    const made = structuredClone(deployment(name, {}, namespace));
    (made.spec as { template: { spec: object } }).template.spec = { serviceAccountName };
    return made;
  };

  test("a workload that takes over an account", () => {
    const [before, after] = ["web-sa", "orders-sa"].map((a) => withAccount("web", a));
    some(
      opened([strict(), only, before!], [strict(), only, after!]),
      /^bank\/web → bank\/users:8080/,
    );
  });

  test("a new workload with an account that a rule names", () =>
    some(
      opened([strict(), only], [strict(), only, withAccount("web", "orders-sa")]),
      /^bank\/web →/,
    ));

  test("a workload that gets a sidecar", () => {
    const web = (inject: string) =>
      deployment("web", { labels: { "sidecar.istio.io/inject": inject } });
    some(
      opened([strict(), web("false")], [strict(), web("true")]),
      /^bank\/web → bank\/users:8080/,
    );
  });

  test("a new workload that is refused as ever is not worth a word", () => {
    const c = between([strict(), only], [strict(), only, withAccount("web", "web-sa")]);
    assert.deepEqual(
      c.changes.filter((x) => x.who === "bank/web"),
      [],
    );
  });

  test("somebody of a namespace whose DestinationRule makes him dial plaintext", () => {
    const plain = manifest(
      "DestinationRule",
      "plain",
      { host: "users.bank.svc.cluster.local", trafficPolicy: { tls: { mode: "DISABLE" } } },
      { namespace: "shop" },
    );
    some(opened([], [plain]), /^a workload of shop that no rule names → bank\/users:8080/);
  });
});

describe("ports", () => {
  const users = { selector: { matchLabels: { app: "users" } } };

  test("one that a rule names, and the container does not", () =>
    some(
      opened([strict(), rules()], [strict(), rules({ to: [{ operation: { ports: ["9090"] } }] })]),
      /→ bank\/users:9090: GET/,
    ));

  test("one that a PeerAuthentication names", () => {
    const before = strict(users, "users");
    const after = strict({ ...users, portLevelMtls: { 9091: { mode: "DISABLE" } } }, "users");
    assert.deepEqual(opened([rules(), before], [rules(), after]), [
      "plaintext → bank/users:9091: connect, whatever rules say then",
    ]);
  });

  test("one that nobody speaks of, where it fares otherwise than the others", () => {
    const ports = { 8080: { mode: "STRICT" } };
    const before = strict({ ...users, portLevelMtls: ports }, "users");
    const after = strict({ ...users, mtls: { mode: "PERMISSIVE" }, portLevelMtls: ports }, "users");
    some(
      opened([rules(), before], [rules(), after]),
      /^plaintext → bank\/users:any other port: connect/,
    );
    const everywhere = between([rules(), strict()], [rules()]);
    assert.ok(!everywhere.changes.some((x) => x.about.includes("any other")));
  });

  test("one that goes past the sidecar", () => {
    const past = deployment("users", {
      annotations: { "traffic.sidecar.istio.io/excludeInboundPorts": "9092" },
    });
    const c = compare(
      platformOf([...base, strict()]),
      platformOf([...base.filter((o) => o !== base[1]), past, strict()]),
    );
    assert.ok(c.changes.some((x) => x.effect === "opens" && x.about === "bank/users:9092"));
  });

  test("a second Service by which the same port is reached", () => {
    const second = manifest("Service", "second", {
      selector: { app: "users" },
      ports: [{ name: "http", port: 81, targetPort: 8080 }],
    });
    const plain = manifest("DestinationRule", "plain", {
      host: "second",
      trafficPolicy: { tls: { mode: "DISABLE" } },
    });
    some(opened([second], [second, plain]), /by second\.bank\.svc\.cluster\.local:81$/);
  });
});

describe("cuts", () => {
  const callers = (n: number) => ({
    from: [{ source: { principals: Array.from({ length: n }, (_, i) => sa(`a${i}`)) } }],
  });

  test("callers beyond a number are counted", () => {
    assert.ok(between([rules(callers(120))], [rules(callers(120))]).leftOut > 0);
    assert.equal(between([rules(callers(20))], [rules(callers(20))]).leftOut, 0);
  });

  test("refusals beyond a number are counted, and what changed is asked before", () => {
    const paths = (n: number, at: string) =>
      Array.from({ length: n }, (_, i) => ({ to: [{ operation: { paths: [`/${at}${i}`] } }] }));
    const [allow, deny] = [rules({}, ...paths(25, "a")), paths(25, "d")];
    const last = { to: [{ operation: { paths: ["/last"], methods: ["DELETE"] } }] };
    const c = between([allow, refused(...deny, last)], [allow, refused(...deny)]);
    assert.ok(c.leftOut > 0);
    assert.ok(c.changes.some((x) => x.effect === "opens" && x.what === "DELETE /last"));
  });
});

describe("what cannot be judged about the container's own proxy", () => {
  test("comes before the connection", () => {
    const filter = manifest("EnvoyFilter", "odd", {
      workloadSelector: { labels: { app: "users" } },
      configPatches: [],
    });
    const platform = platformOf([...base, strict(), filter]);
    const c = compare(platform, platform);
    const said = c.notJudged.map((x) => `${x.who}: ${x.what}`);
    assert.ok(said.includes("plaintext: connect, whatever rules say then"));
    assert.ok(said.includes("plaintext: GET /"));
    assert.ok(c.notJudged.every((x) => x.about.startsWith("bank/users:")));
  });

  test("ambient mode is about pods without a sidecar, too", () => {
    const ambient = injected("mall", { "istio.io/dataplane-mode": "ambient" });
    const pods = deployment("shop", {}, "mall");
    const platform = platformOf([...base, ambient, pods]);
    const c = compare(platform, platform);
    assert.ok(c.notJudged.some((x) => x.about.startsWith("mall/shop:")));
  });
});

describe("trust domains", () => {
  const mesh = (...trustDomainAliases: string[]) =>
    meshSettings({ trustDomain: "cluster.local", trustDomainAliases });

  test("an alias lets in whom a rule means by it", () => {
    const only = rules({ from: [{ source: { principals: [sa("orders-sa")] } }] });
    const lines = opened([strict(), only, mesh()], [strict(), only, mesh("old.example")]);
    some(lines, /^old\.example, account bank\/orders-sa → bank\/users:8080/);
    assert.equal(opens(between([only, mesh("old.example")], [only, mesh()])), false);
  });

  test("nobody of another trust domain gets through, whatever rules say", () => {
    const any = rules({ from: [{ source: { principals: ["*"] } }] });
    some(
      opened([strict(), any, mesh()], [strict(), any, mesh("old.example")]),
      /^a workload of bank in old\.example that no rule names/,
    );
  });
});
