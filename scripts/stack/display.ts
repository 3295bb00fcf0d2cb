const noise = [
  // Pulumi says for each plugin on PATH that it is used, which is how the air-gapped route works.
  /warning: using pulumi-\S+ from \$PATH/,
  /^\s*@ \w+\.+\s*$/,
  // what was looked at and is as it was
  /^ ~ +\S+ \S+ refresh(ing)?(ed)?( \([\d.]+s\))?\s*$/,
  /^ {4}\S+:\S+ \S+ *$/,
  // `npm run destroy` removes the stack itself
  /^The resources in the stack have been deleted, but the history/,
  /^If you want to remove the stack completely, run /,
];

/** Whether a line of Pulumi's output says nothing to the user of these commands. */
export function isNoise(line: string): boolean {
  return noise.some((pattern) => pattern.test(line));
}

/**
 * Pulumi's plain output without its noise, line by line: a section or a count of warnings that is about noise alone
 * goes too.
 */
export class Display {
  private warnings = 0;
  /** Headings of the diagnostics that nothing stands under yet. */
  private held: string[] = [];
  private inDiagnostics = false;
  /** What was last shown of each resource. */
  private readonly shown = new Map<string, string>();

  /** Lines to show for one that came. */
  public take(line: string): string[] {
    if (isNoise(line)) {
      if (/pulumi:pulumi:Stack\s/.test(line)) this.warnings++;
      return [];
    }
    if (line === "Diagnostics:") {
      this.inDiagnostics = true;
      this.held = [line];
      return [];
    }
    if (this.inDiagnostics) return this.diagnostic(line);
    if (this.isRepeated(line)) return [];
    return [this.withoutCount(line)];
  }

  /** Whether a resource's row says nothing that the last one did not, but for the seconds: Pulumi prints one for every event. */
  private isRepeated(line: string): boolean {
    const row = /^ \S+ +(\S+ \S+) (\w+)(?: \([\d.]+s\))? ?(.*)$/.exec(line);
    if (!row) return false;
    const [, resource, state, message] = row;
    const last = this.shown.get(resource!);
    if (last === `${state} ${message}` || (!message && last?.startsWith(`${state} `))) return true;
    this.shown.set(resource!, `${state} ${message}`);
    return false;
  }

  private diagnostic(line: string): string[] {
    if (line.trim() === "") return this.held.length > 0 ? [] : [line];
    if (/^ {2}\S.*:$/.test(line)) {
      this.held = [...this.held.filter((h) => h === "Diagnostics:"), line];
      return [];
    }
    if (/^\S/.test(line)) this.inDiagnostics = false;
    const headings = /^\S/.test(line) ? [] : this.held;
    this.held = [];
    return [...headings, line];
  }

  /** `pulumi:pulumi:Stack bankmesh-dev  9 warnings`, when nine were noise. */
  private withoutCount(line: string): string {
    const [, row, count] = /^(.*pulumi:pulumi:Stack\s.*?)\s+(\d+) warnings?\s*$/.exec(line) ?? [];
    if (row === undefined) return line;
    const rest = Number(count) - this.warnings;
    if (rest > 0) return `${row}  ${rest} warnings`;
    // the row of a stack that nothing happens to stood there for its warnings alone
    return /^\s*pulumi:pulumi:Stack \S+$/.test(row) ? "" : row;
  }
}
