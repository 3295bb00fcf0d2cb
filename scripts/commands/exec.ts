import * as fs from "node:fs";
import * as path from "node:path";
import { execa } from "execa";
import { local, root } from "../paths.ts";
import { prepareTools } from "../setup/index.ts";
import { requireStack } from "../stack/files.ts";
import { stackEnvironment } from "../stack/open.ts";
import { type Command, invocation } from "./command.ts";

const knowsCluster = (env: NodeJS.ProcessEnv) =>
  env.KUBECONFIG !== undefined || fs.existsSync(path.join(env.HOME ?? "", ".kube", "config"));

export const exec: Command = {
  spec: {
    name: "exec",
    usage: "npm run -s exec",
    summary:
      "Runs a command with the project's tools on PATH, on its backend, with its kubeconfig.",
    positional: "<command> [argument …]",
    options: [],
    details: `for example:
  npm run -s exec -- pulumi stack output --stack dev
  npm run -s exec -- pulumi config set --stack dev mtlsMode STRICT
  BANKMESH_STACK=staging npm run -s exec -- kubectl get pods --all-namespaces`,
    passthrough: true,
  },
  async run(args, report) {
    const name = requireStack(process.env.BANKMESH_STACK);
    const bench = await prepareTools({ step: report.step.bind(report), note() {} });
    const kube = path.join(local, "kube", `${name}.yaml`);
    const env = stackEnvironment(name, bench.env);
    if (fs.existsSync(kube) && env.KUBECONFIG === undefined) env.KUBECONFIG = kube;
    const [command, ...rest] = args.positional;
    // they would try localhost:8080, and say nothing of a stack; some of what they do needs no cluster
    if (["kubectl", "istioctl"].includes(command!) && !knowsCluster(env))
      process.stderr.write(
        `note: stack "${name}" is not up, so there is no kubeconfig: ${invocation("npm start", name)}\n`,
      );
    const child = execa(command!, rest, {
      cwd: root,
      env,
      extendEnv: false,
      stdio: "inherit",
      reject: false,
    });
    const result = await child;
    if (result.exitCode === undefined && result.signal === undefined) {
      process.stderr.write(`error: ${command} cannot be run: ${result.shortMessage}\n`);
    }
    return result.exitCode ?? 1;
  },
};
