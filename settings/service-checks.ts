import { type Problem, setCommand, show } from "./problems.ts";
import { prefixOf, speaksHttp } from "./prefix.ts";
import type { ServiceSettings } from "./schema.ts";

/** What services ask of each other and of their own ports. */
export function serviceChecks(stack: string, services: readonly ServiceSettings[]): Problem[] {
  const problems: Problem[] = [];
  services.forEach((service, i) => {
    const twin = services.findIndex((other) => other.name === service.name);
    if (twin < i) {
      problems.push({
        key: `services[${i}].name`,
        value: show(service.name),
        allowed: `a name of its own; services[${twin}] has the same`,
        fix: setCommand(stack, `services[${i}].name`, `${service.name}-2`),
      });
      return;
    }
    const mine = prefixOf(service);
    const other = services.findIndex((o, j) => j < i && overlaps(prefixOf(o), mine));
    if (other >= 0) {
      problems.push({
        key: `services[${i}].prefix`,
        value: show(mine),
        allowed: `a path that neither holds nor lies in ${prefixOf(services[other]!)} of services[${other}]`,
        fix: setCommand(stack, `services[${i}].prefix`, `/${service.name}`),
      });
    }
    if (mine !== undefined && !speaksHttp(service))
      problems.push({
        key: `services[${i}].prefix`,
        value: show(mine),
        allowed: `false: its first port speaks ${service.ports![0]!.protocol}, and the gateway routes HTTP`,
        fix: setCommand(stack, `services[${i}].prefix`, "false"),
      });
    if (service.image !== undefined && service.sourceImage !== undefined)
      problems.push({
        key: `services[${i}].sourceImage`,
        value: show(service.sourceImage),
        allowed: "nothing beside image, which names another one",
        fix: `pulumi config rm --stack ${stack} --path 'bankmesh:services[${i}].sourceImage'`,
      });
    problems.push(...servicePortChecks(stack, i, service));
  });
  return problems;
}

function servicePortChecks(stack: string, i: number, service: ServiceSettings): Problem[] {
  const ports = service.ports ?? [];
  return ports.flatMap((p, j) => {
    const twin = (same: (other: typeof p) => boolean) => ports.findIndex(same);
    const port = twin((other) => other.port === p.port);
    const name = p.name === undefined ? j : twin((other) => other.name === p.name);
    const at = (field: string) => `services[${i}].ports[${j}].${field}`;
    const own = (field: "port" | "name", first: number, next: string): Problem[] =>
      first === j
        ? []
        : [
            {
              key: at(field),
              value: show(p[field]),
              allowed: `a ${field} of its own; ports[${first}] has the same`,
              fix: setCommand(stack, at(field), next),
            },
          ];
    return [
      ...own("port", port, String(p.port + 1)),
      ...own("name", name, `${p.name}-${p.port}`),
      ...spokenByEcho(stack, i, service, p.protocol, at("protocol")),
    ];
  });
}

/** The echo server speaks HTTP/1.1; of bytes alone nobody knows what they are. */
function spokenByEcho(
  stack: string,
  i: number,
  { image, sourceImage }: ServiceSettings,
  protocol: string,
  key: string,
): Problem[] {
  if (image !== undefined || sourceImage !== undefined || ["http", "tcp"].includes(protocol))
    return [];
  return [
    {
      key,
      value: show(protocol),
      allowed: "http or tcp, for the echo server speaks nothing else; or an image that does",
      fix: setCommand(stack, `services[${i}].sourceImage`, "istio-app"),
    },
  ];
}

function overlaps(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}
