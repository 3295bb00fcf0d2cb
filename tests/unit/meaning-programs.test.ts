import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compare } from "../../meaning/compare.ts";
import type { Manifest } from "../../meaning/manifests/objects.ts";
import { platformOf } from "../../meaning/manifests/platform.ts";
import { deployment, gatewayObjects, injected, service } from "./support/manifests.ts";
import type { Json } from "./support/mocks.ts";

describe("settings of istiod and of gateways, in their pods", () => {
  const env = (name: string, value: string) => ({ env: [{ name, value }] });
  const istiod = (container: object, name = "istiod") => {
    const made = structuredClone(deployment(name, { labels: { istio: "pilot" } }, "istio-system"));
    Object.assign((made as Json).spec.template.spec.containers[0], container);
    return made;
  };
  const at = (field: string) =>
    `spec.template.spec.containers.0.${field} changed, and what it does is not read here`;
  const text = (before: readonly Manifest[], after: readonly Manifest[]) => {
    const others = [injected(), deployment("users"), service("users")];
    const c = compare(platformOf([...others, ...before]), platformOf([...others, ...after]));
    return c.blind.map((b) => b.text);
  };

  test("variables and arguments of istiod", () => {
    const skip = env("PILOT_SKIP_VALIDATE_TRUST_DOMAIN", "true");
    const field = at("env.PILOT_SKIP_VALIDATE_TRUST_DOMAIN");
    assert.deepEqual(text([istiod({})], [istiod(skip)]), [field]);
    assert.deepEqual(text([istiod(skip)], [istiod({})]), [field]);
    assert.deepEqual(text([istiod(skip)], [istiod(skip)]), []);
    const domain = (name: string) => istiod({ args: ["discovery", "--domain", name] });
    assert.deepEqual(text([domain("a")], [domain("b")]), [at("args")]);
    const from = { envFrom: [{ configMapRef: { name: "a" } }] };
    assert.deepEqual(text([istiod({})], [istiod(from)]), [at("envFrom")]);
    const two = (first: object) => {
      const made = structuredClone(istiod(first)) as Json;
      made.spec.template.spec.containers.push({ name: "second", ...skip });
      return made as Manifest;
    };
    assert.deepEqual(text([two({})], [two(skip)]), [field]);
  });

  test("of another istiod than before, but not of the first", () => {
    const blocked = (value: string) => env("BLOCKED_CIDRS_IN_JWKS_URIS", value);
    const canary = istiod(blocked("none"), "istiod-canary");
    const said = at("env.BLOCKED_CIDRS_IN_JWKS_URIS");
    assert.deepEqual(text([istiod(blocked("10.0.0.0/8"))], [canary]), [said]);
    assert.deepEqual(text([istiod(blocked("none"))], [canary]), []);
    assert.deepEqual(text([], [canary]), []);
  });

  test("of gateways, with the injector's template or of their own", () => {
    const [pods, ...others] = gatewayObjects();
    const hops = structuredClone(pods) as Json;
    Object.assign(hops.spec.template.spec.containers[0], env("ISTIO_META_X", "1"));
    const said = text([pods!, ...others], [hops as Manifest, ...others]);
    assert.deepEqual(said, [at("env.ISTIO_META_X")]);
    const own = (container: object) => {
      const made = structuredClone(
        deployment("door", { labels: { "sidecar.istio.io/inject": "false" } }),
      );
      Object.assign((made as Json).spec.template.spec.containers[0], {
        ...{ name: "istio-proxy", ...container },
      });
      return made;
    };
    const [named] = text([own({})], [own({ args: ["proxy", "router"] })]);
    assert.match(named!, /^spec\.template\.spec\.containers\.istio-proxy\.args changed/);
  });

  test("but no images, resources, logs, nor anything of applications", () => {
    const [one, other] = ["1", "2"].map((v) =>
      istiod({
        ...{ image: `pilot:${v}`, resources: { limits: { cpu: v } } },
        ...{ args: ["discovery", `--log_output_level=default:${v}`], ...env("GOMAXPROCS", v) },
      }),
    ) as [Manifest, Manifest];
    assert.deepEqual(text([one], [other]), []);
    const app = structuredClone(deployment("users")) as Json;
    Object.assign(app.spec.template.spec.containers[0], env("A", "1"));
    assert.deepEqual(text([deployment("users")], [app as Manifest]), []);
  });
});
