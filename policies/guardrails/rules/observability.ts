import type { KubernetesObject } from "../resource.ts";
import { type Rule, at, stackRule } from "../rule.ts";
import { rootNamespace } from "../world.ts";

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

/** Headers that carry a token or a session. */
const secrets = ["authorization", "proxy-authorization", "cookie", "set-cookie"];
const isSecret = (header: string) => secrets.includes(header.trim().toLowerCase());

const operators =
  /%(REQ|REQ_WITHOUT_QUERY|REQUEST_HEADER|RESP|RESPONSE_HEADER|TRAILER|RESPONSE_TRAILER)\(([^)]*)\)/gi;
/** A header as an expression of CEL reads it, in whatever quotes. */
const expressions =
  /\b(?:request|response)\.(?:headers|trailers)(?:\.(\w+)|\[\\*["']([^"'\\]+)\\*["']\])/gi;

/** Lists of headers that providers and Envoy's own filters log beside their format. */
const lists =
  /"additional_?(?:request|response)_?(?:headers|trailers)_?to_?log"\s*:\s*\[([^\]]*)\]/gi;

/** Secret headers that a format, or JSON with one in it, writes out; a second name, after ?, stands in for the first. */
function headersIn(text: string): string[] {
  const named = [...text.matchAll(operators)].flatMap(([, , names]) => names!.split("?"));
  const read = [...text.matchAll(expressions)].map(([, member, key]) => member ?? key!);
  const listed = [...text.matchAll(lists)].flatMap(([, names]) =>
    names!.replaceAll('"', "").split(","),
  );
  return [...named, ...read, ...listed].filter(isSecret);
}

/** Secret headers in what an object says about logs. What only decides whether something is logged writes nothing. */
function headersWritten(object: KubernetesObject): string[] {
  const { spec = {} } = object.resource.props;
  const text = JSON.stringify(spec, (key, value: unknown) =>
    key === "expression" ? undefined : value,
  );
  return headersIn(text);
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
    const fault = (object: KubernetesObject, headers: readonly string[]) =>
      [...new Set(headers)].map((header) => ({
        ...at(object),
        what: `writes the header ${header} into the access log`,
        fix: "take the header out of the format",
      }));
    const objects = world.of("EnvoyFilter", "Telemetry");
    yield* world.each(objects, (object) => fault(object, headersWritten(object)));
    yield* world.each(world.meshConfigs, ({ object, config }) =>
      fault(object, [
        ...headersIn(config.accessLogFormat ?? ""),
        ...headersIn(JSON.stringify(config.extensionProviders ?? [])),
      ]),
    );
  });
}
