import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { root } from "./settings.ts";

// Each fake keeps what it knows as files in $STATE, and writes each call to $STATE/calls.

const docker = `
down() { [ ! -e "$STATE/docker-down" ] || { echo "Cannot connect to the Docker daemon. Is it running?" >&2; exit 1; }; }
down
case "$*" in
  "container inspect "*StartedAt*) echo 2026-01-01T00:00:10.123456789Z ;;
  "container inspect "*)
    cat "$STATE/node" 2>/dev/null || { echo "Error response from daemon: No such container: \${!#}" >&2; exit 1; } ;;
  "cp "*)
    [ ! -e "$STATE/cp-fails" ] || { echo "Error response from daemon: mount failed" >&2; exit 1; }
    [ -e "$STATE/stamp" ] && [ -e "$STATE/node" ] && cp "$STATE/stamp" "$3" ||
      { echo "Error response from daemon: Could not find the file /kind/bankmesh-creation in container x" >&2; exit 1; } ;;
  *" wait --for=condition=Ready node --all "*) [ ! -e "$STATE/not-ready" ] ;;
  "volume inspect "*owner*) [ -e "$STATE/volume" ] && sed -n 's/^owner=//p' "$STATE/volume" ;;
  "volume inspect "*id*) [ -e "$STATE/volume" ] && sed -n 's/^id=//p' "$STATE/volume" ;;
  "volume rm -f "*) rm -f "$STATE/volume" ;;
  "volume create --label "*) printf '%s\\n%s\\n' "$4" "$6" >"$STATE/volume" ;;
  "ps -aq "*)
    case "$*" in *"status=$(cat "$STATE/node" 2>/dev/null)"*) echo 0123 ;; esac
    case "$*" in *status=exited*) cat "$STATE/stopped-worker" 2>/dev/null || : ;; esac ;;
  "unpause 0123") echo running >"$STATE/node" ;;
  "start 4567") rm "$STATE/stopped-worker" ;;
  *"get pods --all-namespaces "*)
    # one answer a call; the last one stays
    [ -e "$STATE/pods" ] || exit 0
    head -n 1 "$STATE/pods" | tr ';' '\\n'
    [ "$(wc -l <"$STATE/pods")" -le 1 ] || sed -i 1d "$STATE/pods" ;;
  "start 0123") [ -e "$STATE/never-ready" ] || echo running >"$STATE/node" ;;
  *"get --raw /readyz") grep -q running "$STATE/node" ;;
  *"patch deployment/coredns --patch "*) ;;
  *" cat /proc/sys/fs/inotify/max_user_instances") cat "$STATE/inotify" 2>/dev/null || echo 8192 ;;
  *"echo 8192 >/proc/sys/fs/inotify/max_user_instances") echo 8192 >"$STATE/inotify" ;;
  "exec -i "*"cat >/kind/bankmesh-creation") cat >"$STATE/stamp" ;;
  *) echo "fake docker does not know: $*" >&2; exit 64 ;;
esac
`;

const kind = `
option() { local name=$1; shift; while [ $# -gt 0 ]; do [ "$1" = "$name" ] && { echo "$2"; return; }; shift; done; }
case "$*" in
  "create cluster "*)
    cat >"$STATE/config"
    if [ -e "$STATE/kind-fails" ]; then echo "ERROR: failed to create cluster: port is taken" >&2; exit 1; fi
    echo running >"$STATE/node"
    rm -f "$STATE/stamp"
    if [ -e "$STATE/kind-fails-late" ]; then echo "ERROR: not ready" >&2; exit 1; fi
    echo "kubeconfig of $(option --name "$@")" >"$(option --kubeconfig "$@")" ;;
  "delete cluster "*) rm -f "$STATE/node" "$STATE/stamp" ;;
  "get kubeconfig "*) echo "kubeconfig of $(option --name "$@")" ;;
  "load docker-image "*) ;;
  *) echo "fake kind does not know: $*" >&2; exit 64 ;;
esac
`;

const kubectl = `
line() { sed -n "s/^$2 *//p" "$STATE/$1" 2>/dev/null; }
case "$*" in
  "config get-contexts -o name") cat "$STATE/contexts" ;;
  "config get-contexts "*) grep -qx "$3" "$STATE/contexts" ;;
  "--context "*" config view --minify --flatten") echo "kubeconfig of $2" ;;
  *"get namespace kube-system "*)
    [ ! -e "$STATE/cluster-down" ] || { echo "connection refused" >&2; exit 1; }
    echo uid-1 ;;
  *"get namespace "*"{.metadata.name} "*)
    ! grep -q "^$7\\b" "$STATE/namespaces" || printf '%s %s' "$7" "$(line namespaces "$7")" ;;
  *"get namespace istio-system "*) line namespaces istio-system ;;
  *"get deployment --all-namespaces --selector app=istiod "*) cat "$STATE/istiods" 2>/dev/null || : ;;
  *"get customresourcedefinition gateways.networking.istio.io "*) cat "$STATE/crd" 2>/dev/null || : ;;
  "--kubeconfig "*"apply --server-side --dry-run=server "*)
    cp "$2" "$STATE/kubeconfig-seen"
    stat -c %a "$2" >"$STATE/kubeconfig-mode"
    cat >"$STATE/applied"
    # one answer a call; the last one stays
    head -n 1 "$STATE/answers" >&2
    [ "$(wc -l <"$STATE/answers")" -le 1 ] || sed -i 1d "$STATE/answers"
    exit 1 ;;
  *) echo "fake kubectl does not know: $*" >&2; exit 64 ;;
esac
`;

/** What a script did. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Calls of the tools, each with its arguments. */
  readonly calls: readonly string[];
}

const made: string[] = [];
process.on("exit", () => made.forEach((folder) => fs.rmSync(folder, { recursive: true })));

/** A copy of the program's scripts with fakes of docker, kind and kubectl in front of everything on PATH. */
export class FakeTools {
  public readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-shell-"));
  private readonly state = path.join(this.folder, "state");

  public constructor() {
    made.push(this.folder);
    for (const folder of ["state", "bin", "tmp"]) fs.mkdirSync(path.join(this.folder, folder));
    for (const [name, body] of Object.entries({ docker, kind, kubectl, sleep: "" })) {
      const log = `printf '%s\\n' "${name} $*" >>"$STATE/calls"`;
      const text = `#!/usr/bin/env bash\n${name === "sleep" ? "" : log}\n${body}`;
      fs.writeFileSync(path.join(this.folder, "bin", name), text, { mode: 0o755 });
    }
    fs.cpSync(path.join(root, "components"), path.join(this.folder, "components"), {
      recursive: true,
    });
  }

  /** Writes what a fake knows; without a text it forgets it. */
  public know(file: string, text?: string): this {
    const full = path.join(this.state, file);
    if (text === undefined) fs.rmSync(full, { force: true });
    else fs.writeFileSync(full, text);
    return this;
  }

  /** What a fake knows now; undefined for nothing. */
  public knows(file: string): string | undefined {
    const full = path.join(this.state, file);
    return fs.existsSync(full) ? fs.readFileSync(full, "utf8") : undefined;
  }

  /** Shortens a wait of a script, which would be minutes. */
  public shorten(script: string, from: string, to: string): this {
    const file = path.join(this.folder, script);
    const text = fs.readFileSync(file, "utf8");
    if (!text.includes(from)) throw new Error(`${script} has no ${from}`);
    fs.writeFileSync(file, text.replace(from, to));
    return this;
  }

  /** Runs one of the scripts as the program does. */
  public run(command: string, env: Record<string, string>, input = ""): Run {
    this.know("calls", "");
    const { status, stdout, stderr } = spawnSync("bash", ["-c", `bash ${command}`], {
      cwd: this.folder,
      input,
      encoding: "utf8",
      timeout: 20_000,
      env: {
        PATH: `${path.join(this.folder, "bin")}:/usr/bin:/bin`,
        HOME: this.folder,
        TMPDIR: path.join(this.folder, "tmp"),
        STATE: this.state,
        ...env,
      },
    });
    const calls = this.knows("calls")!.split("\n").filter(Boolean);
    return { code: status, stdout, stderr, calls };
  }

  /** Files that a script has left behind. */
  public leftOver(): string[] {
    return fs.readdirSync(path.join(this.folder, "tmp"));
  }
}
