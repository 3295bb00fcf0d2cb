import type { KubernetesObject } from "../resource.ts";
import { type Rule, at, stackRule } from "../rule.ts";
import { type World, rootNamespace } from "../world.ts";

interface TelemetrySpec {
  readonly accessLogging: readonly object[];
  readonly tracing: readonly object[];
}

/** obs-01 */
export function logsAndTraces(): Rule {
  const about = {
    id: "obs-01",
    level: "production",
    description:
      "The mesh has a Telemetry with access logs and traces, and a provider that takes the traces",
    url: "https://istio.io/latest/docs/reference/config/telemetry/",
    disabled: "the platform sends no traces yet",
  } as const;
  return stackRule(about, function* (world) {
    const inRoot = world.of("Telemetry").filter((o) => o.namespace === rootNamespace);
    const specs = inRoot.map((object) => object.field<TelemetrySpec>());
    const lacks = [
      ...(specs.some((s) => s.accessLogging?.length) ? [] : ["access logs"]),
      ...(specs.some((s) => s.tracing?.length) ? [] : ["traces"]),
    ];
    if (lacks.length > 0)
      yield {
        about: `Telemetry/${rootNamespace}`,
        what: `no Telemetry in ${rootNamespace} asks for ${lacks.join(" and ")}`,
        fix: "add accessLogging and tracing",
      };
    const tracers = world.meshConfigs.flatMap(({ config }) =>
      (config.extensionProviders ?? []).filter((p) =>
        Object.keys(p).some((key) =>
          /zipkin|opentelemetry|lightstep|datadog|skywalking|stackdriver/i.test(key),
        ),
      ),
    );
    if (tracers.length === 0)
      yield {
        about: `ConfigMap/${rootNamespace}/istio`,
        what: "declares no provider for traces",
        fix: "add one to meshConfig.extensionProviders",
      };
  });
}

const secretHeaders =
  /REQ(UEST_HEADER)?\(:?(proxy-)?(authorization|cookie)|RESP\(set-cookie|TRAILER\(authorization/i;

/** Formats of access logs, with where they stand. */
function formatsOf(world: World): { object: KubernetesObject; format: string }[] {
  return world.meshConfigs.flatMap(({ object, config }) => [
    { object, format: config.accessLogFormat ?? "" },
    ...(config.extensionProviders ?? []).map((p) => ({
      object,
      format: JSON.stringify(p.envoyFileAccessLog?.logFormat ?? ""),
    })),
  ]);
}

/** obs-02 */
export function noSecretsInLogs(): Rule {
  const about = {
    id: "obs-02",
    level: "mandatory",
    description: "Access logs hold no header that carries a token or a session",
    url: "https://istio.io/latest/docs/tasks/observability/logs/access-log/",
  } as const;
  return stackRule(about, function* (world) {
    const inFilters = world
      .of("EnvoyFilter", "Telemetry")
      .map((object) => ({ object, text: () => JSON.stringify(object.resource.props.spec ?? {}) }));
    const all = [
      ...formatsOf(world).map(({ object, format }) => ({ object, text: () => format })),
      ...inFilters,
    ];
    yield* world.each(all, function* ({ object, text }) {
      const found = secretHeaders.exec(text());
      if (found)
        yield {
          ...at(object),
          what: `writes %${found[0]}…% into the access log`,
          fix: "take the header out of the format",
        };
    });
  });
}
