import type { Evidence } from "../../verify/evidence.ts";

/** Requests that one stream sends at most. */
const most = 20_000;
/** Longest time for an answer, in seconds. */
const timeout = 5;
/** How long a silent connection is kept, in seconds. */
const holdSeconds = 600;

/** A stream as a pod sends it. */
export interface PodStream {
  readonly number: number;
  /** Requests a second. */
  readonly rate: number;
  /** Whether each request has a connection of its own. */
  readonly fresh: boolean;
  readonly url: string;
}

/** Prints the clock (seconds since the node started) for each empty line, until another line comes. */
const tellClock = `while read -r word && [ -z "$word" ]; do read -r up _ </proc/uptime; echo "$up"; done`;

/**
 * A shell script that sends the streams side by side, and prints a line for each answer. One curl sends a whole stream; to
 * start one for each request would keep a core busy. The line's time is read without a process too.
 */
export function streamScript(streams: readonly PodStream[]): string {
  // standard error is not buffered
  const line = "%{stderr}%{http_code} %{exitcode} %{time_total} %{errormsg}\\n";
  const curls = streams.map(({ number, rate, fresh, url }) =>
    [
      `curl -s -o /dev/null --max-time ${timeout} --rate ${rate}/s -w '${line}'`,
      ...(fresh ? ["-H 'Connection: close'"] : []),
      `'${url}/?[1-${most}]' 2>&1 >/dev/null |`,
      `while read -r rest; do read -r up _ </proc/uptime; echo "${number} $up $rest"; done &`,
    ].join(" "),
  );
  return [tellClock, ...curls, "wait"].join("\n");
}

/**
 * A shell script that has one request answered, says "answered", keeps the connection, and says when it was closed. When,
 * the kernel knows: curl reads what it sends from a pipe, and looks at the connection again once that ends.
 *
 * @param port the connection's own port, by which it is found
 */
export function holdScript(url: string, port: number): string {
  const { hostname } = new URL(url);
  const hex = port.toString(16).toUpperCase();
  return [
    tellClock,
    "answer=/tmp/held-$$",
    `{ printf 'GET / HTTP/1.1\\r\\nHost: ${hostname}\\r\\n\\r\\n'; sleep ${holdSeconds}; } |`,
    `curl -sN --local-port ${port} telnet://${hostname}:80 >"$answer" &`,
    `until read -r start <"$answer"; do sleep 0.1; done 2>/dev/null`,
    `case "$start" in "HTTP/1.1 200"*) echo answered;; *) echo "$start";; esac`,
    "open=yes",
    'while [ -n "$open" ]; do',
    "  open=; sleep 0.1",
    "  while read -r _ own _ state _; do",
    // 01 is ESTABLISHED
    `    case "$own $state" in *:${hex}" 01") open=yes;; esac`,
    "  done </proc/net/tcp",
    "done",
    `read -r up _ </proc/uptime; echo "closed $up"`,
  ].join("\n");
}

/** A line of `streamScript`. */
export interface Line {
  readonly number: number;
  /** The pod's clock when it was over, in seconds. */
  readonly uptime: number;
  /** How long it took. */
  readonly seconds: number;
  readonly evidence: Evidence;
}

export function parseLine(line: string): Line {
  const [number, uptime, status, exitCode, seconds, ...message] = line.split(" ");
  return {
    ...{ number: Number(number), uptime: Number(uptime), seconds: Number(seconds) },
    evidence: {
      ...{ at: "", seconds: Number(seconds), body: "", message: message.join(" ") },
      ...{ exitCode: Number(exitCode), ...(status !== "000" && { status: Number(status) }) },
    },
  };
}
