import type { ParsedArguments } from "../scripts/arguments.ts";
import { UserError } from "../scripts/errors.ts";
import { type Reporter, createReporter } from "../scripts/progress.ts";
import { stackGateway } from "../policies/gateway.ts";
import { type Settings, prefixOf } from "../settings/index.ts";
import { askAll, leftOutLines, fixturesOn, withoutFixtures } from "./ask-all.ts";
import { agreementLines } from "./agreement.ts";
import { closedFromHere, unasked } from "./calls.ts";
import { findEdge } from "./edge-address.ts";
import { type Platform, openPlatform } from "./platform.ts";
import { type Format, formatsIn, writeReports } from "./reports/files.ts";
import {
  type CertificateLife,
  type Report,
  lifeOf,
  lifeUntil,
  verdictOfReport,
} from "./reports/report.ts";
import { areaTable, table } from "./reports/terminal.ts";
import { rowsThatHold } from "./rows.ts";
import type { Edge } from "./verifier.ts";

/** Exit code for a run that could not ask; 0 says that all hold, 1 that something does not. */
const couldNotAsk = 2;

/** Asks a running stack everything that its settings promise, and prints the answers. */
export async function main(args: ParsedArguments): Promise<number> {
  const reporter = createReporter();
  try {
    const formats = formatsIn(args.flags.output);
    if (args.flags.to !== undefined && formats.length === 0)
      throw new UserError("--to says where reports go, and --output which: there is none");
    const report = await ask(reporter, args.positional[0], args.flags);
    process.stdout.write(`${table(report.outcomes)}\n\n${areaTable(report.outcomes)}\n\n`);
    const agreed = report.agreement ? agreementLines(report.agreement) : [];
    for (const line of [...agreed, ...report.notAsked]) process.stdout.write(`${line}\n`);
    await write(report, formats, args.flags.to);
    return verdictOfReport(report) === "holds" ? 0 : 1;
  } catch (error) {
    if (!(error instanceof UserError))
      throw Object.assign(error as Error, { exitCode: couldNotAsk });
    throw new UserError(error.message, couldNotAsk);
  }
}

async function write(report: Report, formats: readonly Format[], to: string | true | undefined) {
  const files = await writeReports(report, formats, typeof to === "string" ? to : undefined);
  for (const file of files) process.stdout.write(`report: ${file}\n`);
}

async function ask(
  reporter: Reporter,
  word: string | undefined,
  flags: ParsedArguments["flags"],
): Promise<Report> {
  const wanted = fixturesOn(flags);
  const platform = await openPlatform(reporter, word);
  const { name, settings, outputs, kubectl } = platform;
  const withFixtures = wanted(settings.cluster);
  const edge = await edgeFor(platform, flags["no-edge"] === true).catch((e: unknown) => {
    kubectl.close();
    throw e;
  });
  const begun = new Date();
  const step = reporter.step(`asking stack ${name}`);
  try {
    const progress = (text: string) => step.update(text);
    const asked = await askAll(platform, withFixtures, progress, edge);
    const { outcomes, agreement, leftOut, left } = asked;
    step.done(`${outcomes.length} questions, ${rowsThatHold(outcomes).length} rows hold`);
    return {
      ...{ stack: name, at: begun.toISOString(), seconds: (Date.now() - begun.getTime()) / 1000 },
      platform: platformOf(settings, outputs, await versionsOf(kubectl)),
      ...{ outcomes, ...(agreement && { agreement }) },
      notAsked: [
        ...gaps(settings),
        ...leftOutLines(leftOut),
        ...withoutFixtures(withFixtures),
        ...left,
      ],
      certificates: certificatesOf(outputs, begun),
    };
  } finally {
    kubectl.close();
  }
}

/**
 * Where this machine reaches the gateway of a cluster that somebody else runs; undefined on kind.
 *
 * @throws UserError when it does not: half a proof would look like a whole one
 */
async function edgeFor(
  { settings, kubectl }: Pick<Platform, "settings" | "kubectl">,
  without: boolean,
): Promise<Edge | undefined> {
  if (settings.cluster === "kind" || without) return undefined;
  const found = await findEdge(kubectl);
  if (typeof found !== "string") return found;
  throw new UserError(
    `this machine does not reach the stack's gateway: ${found}; nothing was asked\nfix: run it where the gateway is reached, or leave out what is asked from outside: --no-edge`,
  );
}

type Versions = Pick<Report["platform"], "kubernetes" | "envoy">;

/** Versions of the cluster's API server and of the gateway's Envoy, as they say it themselves. */
async function versionsOf(kubectl: Platform["kubectl"]): Promise<Versions> {
  const { namespace, app } = stackGateway;
  const gateway = [`--namespace=${namespace}`, `deployment/${app}`, "--container=istio-proxy"];
  const [{ serverVersion }, info] = await Promise.all([
    kubectl.json<{ serverVersion: { gitVersion: string } }>(["version"]),
    // not everybody who may ask may run commands there
    kubectl
      .run(["exec", ...gateway, "--", "pilot-agent", "request", "GET", "server_info"])
      .then((text) => (JSON.parse(text) as { version: string }).version)
      .catch(() => ""),
  ]);
  // the commit, the version, what state the sources were in, how it was built, the TLS library
  const envoy = info.split("/")[1] ?? "not known";
  return { kubernetes: serverVersion.gitVersion, envoy };
}

function platformOf(
  s: Settings,
  outputs: Readonly<Record<string, unknown>>,
  versions: Versions,
): Report["platform"] {
  const { namespace, host, mtlsMode, gatewayTls, authorization } = s;
  return {
    ...{ namespace, host, mtlsMode, gatewayTls, authorization },
    istio: String(outputs.istioVersion),
    ...versions,
    route: String(outputs.route),
    cluster: String(outputs.clusterName),
    services: s.services.map((service) => {
      const prefix = prefixOf(service);
      return { name: service.name, ...(prefix !== undefined && { prefix }) };
    }),
  };
}

function certificatesOf(outputs: Readonly<Record<string, unknown>>, now: Date): CertificateLife[] {
  const pems = { "CA of the edge": outputs.caCertPem, client: outputs.clientCertPem };
  const lives = outputs.certificates as Readonly<Record<string, { validUntil: string }>>;
  return [
    ...Object.entries(pems).flatMap(([name, pem]) =>
      typeof pem === "string" && pem !== "" ? [lifeOf(name, pem, now)] : [],
    ),
    ...(lives.server ? [lifeUntil("server", lives.server.validUntil, now)] : []),
  ];
}

/** Services that the probes say less about than the table looks like. */
function gaps(settings: Settings): string[] {
  const closed = closedFromHere(settings);
  const silent = unasked(settings);
  const lines = [
    closed.length > 0 &&
      `not asked through the gateway: ${closed.join(", ")} (rules there take only tokens of issuers whose keys the stack does not have, or addresses that cannot be chosen here)`,
    silent.length > 0 &&
      `rules that no probe asks about: those of ${silent.join(", ")} (the callers they name are neither services nor clients of this stack, or the first port speaks something else than HTTP/1.1, gRPC or TCP)`,
  ];
  return lines.filter((line) => line !== false);
}
