/** Tells the user what is going on. */
export interface Reporter {
  /** Begins a piece of work that may take a while. Several may be open at once. */
  step(title: string): Step;
  /** One line of information. */
  note(text: string): void;
}

/** One piece of work in progress. */
export interface Step {
  /** What of it is being done now. */
  update(text: string): void;
  done(text?: string): void;
  fail(text: string): void;
}

export interface ReporterOptions {
  /** Where it goes; stdout stays free for results. @default process.stderr */
  readonly out?: { write(text: string): unknown; columns?: number };
  /** One line that is written over and over, instead of a line for each event. @default a terminal, and not in CI */
  readonly terminal?: boolean;
  /** Time between two signs of life without a terminal, in milliseconds. @default 30000 */
  readonly heartbeat?: number;
  /** Clock in milliseconds. @default Date.now */
  readonly now?: () => number;
}

interface Open {
  readonly title: string;
  readonly started: number;
  text: string;
}

/** The reporter of the command line. */
export function createReporter(options: ReporterOptions = {}): Reporter {
  const out = options.out ?? process.stderr;
  const terminal = options.terminal ?? (Boolean(process.stderr.isTTY) && !process.env.CI);
  return new LineReporter(out, terminal, options.heartbeat ?? 30_000, options.now ?? Date.now);
}

/** A reporter that says nothing. */
export const silent: Reporter = {
  step: () => ({ update() {}, done() {}, fail() {} }),
  note() {},
};

class LineReporter implements Reporter {
  private readonly open = new Set<Open>();
  private timer: NodeJS.Timeout | undefined;

  private readonly out: { write(text: string): unknown; columns?: number };
  private readonly terminal: boolean;
  private readonly heartbeat: number;
  private readonly now: () => number;

  constructor(
    out: { write(text: string): unknown; columns?: number },
    terminal: boolean,
    heartbeat: number,
    now: () => number,
  ) {
    this.out = out;
    this.terminal = terminal;
    this.heartbeat = heartbeat;
    this.now = now;
  }

  note(text: string): void {
    this.line(text);
  }

  step(title: string): Step {
    const step: Open = { title, started: this.now(), text: "" };
    this.open.add(step);
    if (!this.terminal) this.line(`${title} …`);
    this.timer ??= setInterval(() => this.tick(), this.terminal ? 1000 : this.heartbeat).unref();
    this.draw();
    return {
      update: (text) => {
        if (step.text === text || !this.open.has(step)) return;
        step.text = text;
        if (!this.terminal) this.line(`${title}: ${text}`);
        this.draw();
      },
      done: (text) => this.close(step, `${title}: ${text ?? "done"} (${this.elapsed(step)})`),
      fail: (text) => this.close(step, `${title}: FAILED after ${this.elapsed(step)}: ${text}`),
    };
  }

  private close(step: Open, text: string): void {
    if (!this.open.delete(step)) return;
    this.line(text);
    if (this.open.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private tick(): void {
    if (this.terminal) this.draw();
    else
      for (const s of this.open)
        this.line(`${s.title}: ${s.text ? `${s.text}, ` : ""}${this.elapsed(s)} so far`);
  }

  private line(text: string): void {
    this.out.write(this.terminal ? `\r\x1b[2K${text}\n` : `${text}\n`);
    this.draw();
  }

  private draw(): void {
    if (!this.terminal || this.open.size === 0) return;
    const parts = [...this.open].map(
      (s) => `${s.title}${s.text ? `: ${s.text}` : ""} ${this.elapsed(s)}`,
    );
    const text = parts.join(" · ");
    const width = (this.out.columns ?? 80) - 1;
    this.out.write(`\r\x1b[2K${text.length > width ? `${text.slice(0, width - 1)}…` : text}`);
  }

  private elapsed(step: Open): string {
    return duration(this.now() - step.started);
  }
}

/** A length of time as people write it: 0.4s, 12s, 3m05s. */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  if (seconds < 60) return `${Math.round(seconds)}s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, "0")}s`;
}
