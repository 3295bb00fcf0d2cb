import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deployment } from "../../components/bank-service.ts";
import {
  accessLogFormat,
  baseValues,
  gatewayValues,
  istiodValues,
  merge,
  meshConfig,
} from "../../components/istio-values.ts";
import { airgap, official, settings } from "./support/settings.ts";

const istio = settings().istio;
const args = { istio, sources: official.istio };
const withRevision = { ...args, istio: { ...istio, revision: "1-31" } };

const blocked =
  "0.0.0.0/8,127.0.0.0/8,::/127,169.254.0.0/16,fe80::/10,fd00:ec2::254/128," +
  "100.100.100.200/32,168.63.129.16/32,192.0.0.192/32";

describe("values of chart base", () => {
  test("the webhook refuses from the start", () => {
    assert.deepEqual(baseValues(args), {
      defaultRevision: "default",
      base: { validationFailurePolicy: "Fail" },
    });
  });
  test("a revision is the one that validates", () => {
    assert.equal(baseValues(withRevision).defaultRevision, "1-31");
  });
});

describe("values of chart istiod", () => {
  test("as a whole", () => {
    assert.deepEqual(istiodValues(args), {
      base: { validationFailurePolicy: "Fail" },
      seccompProfile: { type: "RuntimeDefault" },
      global: {
        hub: "docker.io/istio",
        tag: "1.31.1",
        imagePullPolicy: "IfNotPresent",
        proxy: {
          resources: {
            requests: { cpu: "5m", memory: "40Mi" },
            limits: { cpu: "2000m", memory: "1024Mi" },
          },
          readinessPeriodSeconds: 5,
          readinessFailureThreshold: 12,
        },
      },
      pilot: {
        autoscaleEnabled: false,
        deploymentAnnotations: {
          "config.kubernetes.io/depends-on":
            "/namespaces/istio-system/ConfigMap/istio," +
            "/namespaces/istio-system/ConfigMap/istio-sidecar-injector," +
            "/namespaces/istio-system/ServiceAccount/istiod",
        },
        resources: { requests: { cpu: "50m", memory: "256Mi" } },
        env: {
          DEFAULT_WORKLOAD_CERT_TTL: "24h",
          MAX_WORKLOAD_CERT_TTL: "24h",
          BLOCKED_CIDRS_IN_JWKS_URIS: blocked,
        },
      },
      meshConfig: meshConfig(istio),
    });
  });

  test("what the route's Envoy needs is merged in, and takes nothing away", () => {
    const values = istiodValues({ istio, sources: airgap.istio });
    assert.deepEqual(values.pilot, {
      autoscaleEnabled: false,
      deploymentAnnotations: {
        "config.kubernetes.io/depends-on":
          "/namespaces/istio-system/ConfigMap/istio," +
          "/namespaces/istio-system/ConfigMap/istio-sidecar-injector," +
          "/namespaces/istio-system/ServiceAccount/istiod",
      },
      resources: { requests: { cpu: "50m", memory: "256Mi" } },
      env: {
        DEFAULT_WORKLOAD_CERT_TTL: "24h",
        MAX_WORKLOAD_CERT_TTL: "24h",
        BLOCKED_CIDRS_IN_JWKS_URIS: blocked,
        PILOT_ENABLE_METADATA_EXCHANGE: "false",
      },
    });
    assert.deepEqual(values.telemetry, { enabled: false });
    assert.deepEqual((values.global as Record<string, unknown>).hub, "bankmesh.local/istio");
  });

  test("revision, certificate lifetime and resources come from the settings", () => {
    const resources = {
      istiod: { requests: { cpu: "500m" } },
      proxy: { requests: { cpu: "100m" } },
    };
    const values = istiodValues({
      ...args,
      istio: { ...istio, revision: "1-31", workloadCertTtlHours: 1, resources },
    }) as Record<string, Record<string, unknown>>;
    assert.equal(values.revision, "1-31");
    assert.deepEqual(values.pilot!.resources, resources.istiod);
    assert.deepEqual((values.global!.proxy as { resources: unknown }).resources, resources.proxy);
    assert.deepEqual(values.pilot!.env, {
      DEFAULT_WORKLOAD_CERT_TTL: "1h",
      MAX_WORKLOAD_CERT_TTL: "1h",
      BLOCKED_CIDRS_IN_JWKS_URIS: blocked,
    });
  });
});

describe("mesh config", () => {
  test("as a whole", () => {
    assert.deepEqual(meshConfig({ ...istio, drainDuration: "45s", workloadCertTtlHours: 2 }), {
      accessLogFile: "/dev/stdout",
      accessLogEncoding: "JSON",
      accessLogFormat: JSON.stringify(accessLogFormat),
      pathNormalization: { normalization: "DECODE_AND_MERGE_SLASHES" },
      defaultConfig: {
        drainDuration: "45s",
        holdApplicationUntilProxyStarts: true,
        proxyMetadata: { SECRET_TTL: "2h" },
      },
    });
  });

  test("the access log says what happened and who asked", () => {
    const operators = Object.values(accessLogFormat);
    for (const needed of [
      "%RESPONSE_CODE%",
      "%RESPONSE_FLAGS%",
      "%DOWNSTREAM_PEER_URI_SAN%",
      "%ROUTE_NAME%",
      "%DYNAMIC_METADATA(envoy.filters.http.rbac)%",
    ]) {
      assert.ok(operators.includes(needed), needed);
    }
  });

  test("the access log holds no token: no such header, no query, no unknown header", () => {
    const harmless = new Set([":METHOD", ":AUTHORITY", "X-REQUEST-ID", "USER-AGENT"]);
    for (const operator of Object.values(accessLogFormat)) {
      assert.doesNotMatch(
        operator,
        /authorization|cookie|token|api-key|QUERY_PARAMS|%REQUESTED_PATH/i,
      );
      const header = /%(?:REQ|RESP|TRAILER)\(([^)]*)\)/.exec(operator)?.[1];
      if (header !== undefined) assert.ok(harmless.has(header), operator);
      // PATH with its query would be there in %REQ(:PATH)% and in X-ENVOY-ORIGINAL-PATH
      if (/PATH/.test(operator)) assert.match(operator, /^%REQ_WITHOUT_QUERY\(/);
    }
  });
});

describe("values of chart gateway", () => {
  const service = { type: "NodePort", nodePorts: { http: 30080, https: 30043 } } as const;

  test("as a whole on kind", () => {
    assert.deepEqual(gatewayValues(args, service), {
      autoscaling: { enabled: false },
      replicaCount: 1,
      imagePullPolicy: "IfNotPresent",
      resources: {
        requests: { cpu: "10m", memory: "64Mi" },
        limits: { cpu: "2000m", memory: "1024Mi" },
      },
      readinessProbe: {
        httpGet: { path: "/healthz/ready", port: 15021 },
        periodSeconds: 1,
        timeoutSeconds: 3,
        failureThreshold: 60,
      },
      podAnnotations: {
        "proxy.istio.io/config": '{"gatewayTopology":{"numTrustedProxies":0}}',
      },
      securityContext: {
        sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }],
        seccompProfile: { type: "RuntimeDefault" },
      },
      service: {
        type: "NodePort",
        ports: [
          { name: "status-port", port: 15021, protocol: "TCP", targetPort: 15021 },
          { name: "http2", port: 80, protocol: "TCP", targetPort: 80, nodePort: 30080 },
          { name: "https", port: 443, protocol: "TCP", targetPort: 443, nodePort: 30043 },
        ],
      },
    });
  });

  test("a load balancer has no fixed node ports; replicas, resources and revision by settings", () => {
    const gateway = { requests: { cpu: "100m" } };
    const values = gatewayValues(
      {
        ...args,
        istio: { ...istio, revision: "1-31", gatewayReplicas: 3, resources: { gateway } },
      },
      { type: "LoadBalancer" },
    );
    const { type, ports } = values.service as { type: string; ports: object[] };
    assert.equal(type, "LoadBalancer");
    assert.ok(ports.every((p) => !("nodePort" in p)));
    assert.equal(values.replicaCount, 3);
    assert.deepEqual(values.podDisruptionBudget, { maxUnavailable: 1 });
    assert.equal(values.revision, "1-31");
    assert.deepEqual(values.resources, gateway);
  });
});

describe("merge", () => {
  test("maps deep, the second wins, lists are replaced, arguments stay as they are", () => {
    const a = { x: { y: 1, z: [1] }, k: 1 };
    const b = { x: { z: [2], n: null }, k: { m: 1 } };
    assert.deepEqual(merge(a, b), { x: { y: 1, z: [2], n: null }, k: { m: 1 } });
    assert.deepEqual(a, { x: { y: 1, z: [1] }, k: 1 });
  });
});

describe("one machine of 2 cores", () => {
  interface Requests {
    readonly resources: { readonly requests: { readonly cpu: string } };
  }
  const milli = ({ resources }: Requests) => {
    assert.match(resources.requests.cpu, /^\d+m$/);
    return Number(resources.requests.cpu.slice(0, -1));
  };
  // etcd, API server, controllers, scheduler, network and DNS, as kubeadm and kind write them
  const kubeadm = 850;

  function requested(services: number): number {
    const { global, pilot } = istiodValues(args) as {
      global: { proxy: Requests };
      pilot: Requests;
    };
    const gateway = gatewayValues(args, { type: "NodePort" }) as unknown as Requests;
    const pod = deployment({
      service: { name: "users" },
      namespace: "bank",
      echoImage: official.images.echo,
    }) as unknown as { spec: { template: { spec: { containers: Requests[] } } } };
    const app = pod.spec.template.spec.containers.map(milli).reduce((a, b) => a + b, 0);
    return kubeadm + milli(pilot) + milli(gateway) + services * (app + milli(global.proxy));
  }

  test("3 services ask for little", () => assert.ok(requested(3) <= 1000, String(requested(3))));
  test("50 services fit", () => assert.ok(requested(50) <= 2000, String(requested(50))));
});
