import { inspect } from "../../airgap/index.ts";
import type { Settings } from "../../settings/index.ts";
import { checkConfiguration } from "../checks/index.ts";
import { dockerFacts, freeIn, gigabytes } from "../checks/docker.ts";
import { checkCluster, knownCluster, nodeState } from "../checks/cluster.ts";
import { keyRotation } from "../checks/keys.ts";
import { takenPorts } from "../checks/ports.ts";
import { chooseRoute, describeRoute, type Facts, type Route } from "../setup/route.ts";
import { gatherFacts } from "../setup/index.ts";
import { chooseBackend } from "../stack/backend.ts";
import { requireStack } from "../stack/files.ts";
import { stackEnvironment } from "../stack/open.ts";
import { lastState, outputsIn } from "../stack/peek.ts";
import type { Deployment } from "../stack/pending.ts";
import { certificateLives } from "../stack/summary.ts";
import { type Command, invocation, stackHelp } from "./command.ts";

/** One finding: fine, will be brought by npm start, or in the way. */
interface Finding {
  readonly mark: "ok" | "will do" | "PROBLEM";
  readonly text: string;
}

export const doctor: Command = {
  spec: {
    name: "doctor",
    usage: "npm run doctor",
    summary:
      "Says what is there, what is missing and what npm start would do. Touches nothing; ends with 1 on a problem.",
    positional: "[stack]",
    options: [],
    details: stackHelp,
  },
  async run(args) {
    const name = requireStack(args.positional[0]);
    const facts = await gatherFacts(process.env);
    const route = chooseRoute(facts);
    const state = await lastState(name, process.env);
    const findings = [
      ...tools(facts, route),
      ...(await airgap(route)),
      ...(await docker()),
      ...(await configuration(name, state)),
      ...certificates(state),
    ];
    process.stdout.write(`${describeRoute(route)}\n`);
    for (const { mark, text } of findings) {
      const [first, ...more] = text.split("\n");
      const lines = [`${mark.padEnd(7)}  ${first}`, ...more.map((l) => `${" ".repeat(9)}${l}`)];
      process.stdout.write(lines.map((l) => `  ${l}`.trimEnd() + "\n").join(""));
    }
    const problems = findings.filter((f) => f.mark === "PROBLEM").length;
    const end =
      problems > 0 ? `${problems} to solve first` : `${invocation("npm start", name)} can run`;
    process.stdout.write(`${end}\n`);
    return problems > 0 ? 1 : 0;
  },
};

function tools(facts: Facts, route: Route): Finding[] {
  const node: Finding = { mark: "ok", text: `Node.js ${process.versions.node}` };
  if (route.tools === "airgap") return [node];
  const found = Object.entries(facts.tools).map(([name, { good, version, wanted }]): Finding => {
    if (good) return { mark: "ok", text: `${name} ${version}` };
    const why = version ? `${version} is there, ${wanted} is wanted` : "not on PATH";
    return { mark: "will do", text: `${name}: downloaded and verified (${why})` };
  });
  return [node, ...found];
}

async function airgap(route: Route): Promise<Finding[]> {
  if (route.sources !== "airgap") return [];
  const pieces = await inspect();
  const ready = pieces.filter((p) => p.state === "ready");
  const rest = pieces.filter((p) => p.state !== "ready").map((p) => `${p.name} (${p.state})`);
  if (rest.length === 0)
    return [
      {
        mark: "ok",
        text: `air-gapped build: tools, images and charts (${pieces.length} pieces) are in the cache`,
      },
    ];
  return [
    {
      mark: "will do",
      text: `air-gapped build: ${ready.length} of ${pieces.length} pieces are there; to build: ${rest.join(", ")}`,
    },
  ];
}

async function docker(): Promise<Finding[]> {
  const facts = await dockerFacts(process.env);
  if (!facts) {
    if (process.getuid?.() === 0)
      return [
        {
          mark: "will do",
          text: "Docker does not answer: it is installed and started (Debian, root)",
        },
      ];
    return [
      {
        mark: "PROBLEM",
        text: "Docker does not answer, and this user cannot start it: sudo systemctl start docker",
      },
    ];
  }
  const free = facts.local ? await freeIn(facts.rootFolder) : undefined;
  const space = free === undefined ? "" : `, ${gigabytes(free)} GB free in ${facts.rootFolder}`;
  return [
    {
      mark: free !== undefined && free < 8e9 ? "PROBLEM" : "ok",
      text: `Docker ${facts.version}${space}`,
    },
  ];
}

async function configuration(name: string, state: Deployment | undefined): Promise<Finding[]> {
  const findings: Finding[] = [];
  try {
    const backend = chooseBackend(process.env, false);
    stackEnvironment(name, process.env, false);
    findings.push({ mark: "ok", text: `state in ${backend.description}` });
  } catch (e) {
    findings.push({ mark: "PROBLEM", text: (e as Error).message });
  }
  try {
    const settings = checkConfiguration(name, process.env);
    findings.push({ mark: "ok", text: `configuration of stack ${name}` });
    if (settings.cluster === "kind") findings.push(...(await clusterAndPorts(settings, state)));
    const keys = keyRotation(settings.authentication.issuers, state);
    findings.push(...keys.map((text): Finding => ({ mark: "ok", text })));
  } catch (e) {
    const { message } = e as Error;
    // a stack's file that is no YAML is met twice
    if (!findings.some((f) => f.text === message))
      findings.push({ mark: "PROBLEM", text: message });
  }
  return findings;
}

async function clusterAndPorts(
  settings: Settings,
  state: Deployment | undefined,
): Promise<Finding[]> {
  const { httpPort, httpsPort } = settings;
  const known = knownCluster(state);
  const cluster = known?.name ?? settings.clusterName;
  let node: Finding;
  let there = false;
  try {
    const found = await nodeState(process.env, cluster);
    there = found !== "absent";
    if (there) await checkCluster(process.env, cluster, known);
    const runs = found === "running";
    const then = there ? (runs ? found : `${found}; it is started`) : "is made";
    node = { mark: runs ? "ok" : "will do", text: `kind cluster ${cluster}: ${then}` };
  } catch (e) {
    node = {
      mark: there ? "PROBLEM" : "will do",
      text: there ? (e as Error).message : `kind cluster ${cluster}: is made`,
    };
  }
  const taken = await takenPorts(
    process.env,
    { httpPort, httpsPort },
    there ? `${cluster}-control-plane` : undefined,
  );
  const ports = taken.map((t): Finding => {
    return {
      mark: "PROBLEM",
      text: `port ${t.port} (${t.key}) is taken by ${t.holder ?? "another program"}`,
    };
  });
  return ports.length > 0
    ? [node, ...ports]
    : [node, { mark: "ok", text: `ports ${httpPort} and ${httpsPort}` }];
}

function certificates(state: Deployment | undefined): Finding[] {
  return certificateLives(outputsIn(state), new Date()).map((text): Finding => {
    const expired = text.includes("EXPIRED");
    return {
      mark: expired ? "will do" : "ok",
      text: `certificate ${text}${expired ? "; npm start renews it" : ""}`,
    };
  });
}
