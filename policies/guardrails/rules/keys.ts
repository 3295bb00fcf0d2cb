import { Workload, runsPods } from "../pods.ts";
import { KubernetesObject, type Resource } from "../resource.ts";
import { type Rule, at } from "../rule.ts";

const pem = /-----BEGIN ([A-Z]+ )*PRIVATE KEY-----/;

/** Whether a text has a private key in it: as PEM, or as a JWK with its private member, quoted once more or not. */
function hasPrivateKey(text: string): boolean {
  const jwks = text.split(/[{}]/).filter((part) => /"kty\\*"\s*:/.test(part));
  return pem.test(text) || jwks.some((part) => /"[dk]\\*"\s*:\s*\\*"/.test(part));
}

const decoded = (data: object) =>
  Object.entries(data).map(([key, value]): [string, unknown] => [
    key,
    typeof value === "string" ? Buffer.from(value, "base64").toString() : value,
  ]);

/** Texts of a resource that are no secret, each with its place. */
function plainTexts(resource: Resource): [string, unknown][] {
  const object = KubernetesObject.of(resource);
  if (object?.kind === "ConfigMap")
    return [...Object.entries(object.field("data")), ...decoded(object.field("binaryData"))];
  if (object && runsPods(object)) {
    const { containers, annotations } = new Workload(object);
    return [
      ...containers.flatMap((c): [string, unknown][] => [
        ...(c.env ?? []).map(({ name, value }): [string, unknown] => [`env ${name}`, value]),
        ["command line", [...(c.command ?? []), ...(c.args ?? [])].join(" ")],
      ]),
      ...Object.entries(annotations),
    ];
  }
  if (!resource.type.startsWith("command:")) return [];
  const { create, update, delete: remove, environment } = resource.props;
  return [
    ...Object.entries({ create, update, delete: remove }),
    ...Object.entries((environment ?? {}) as Record<string, unknown>),
  ];
}

/** pki-06 */
export function secretKeys(): Rule {
  const about = {
    id: "pki-06",
    level: "mandatory",
    description:
      "Private keys are in no ConfigMap, environment or command line, and secret in the state",
    url: "https://www.pulumi.com/docs/iac/concepts/secrets/",
  } as const;
  return {
    ...about,
    *resource(resource) {
      const where = at(resource);
      for (const [place, text] of plainTexts(resource))
        if (typeof text === "string" && hasPrivateKey(text))
          yield { ...where, what: `has a private key in ${place}`, fix: "put it into a Secret" };
      const { secretOutputs } = resource;
      if (!resource.type.endsWith(":PrivateKey") || !secretOutputs) return;
      if (!secretOutputs.includes("privateKeyPem"))
        yield {
          ...where,
          what: "its privateKeyPem is plain text in the state",
          fix: "add it to additionalSecretOutputs",
        };
    },
  };
}
