/** When a run has to be over. */
export class Deadline {
  private readonly over = new AbortController();
  private readonly until: number;
  private readonly timer: NodeJS.Timeout;

  /** @param seconds from now */
  constructor(seconds: number) {
    this.until = performance.now() + seconds * 1000;
    this.timer = setTimeout(() => this.over.abort(), Math.max(0, seconds * 1000));
  }

  /** Is aborted when time is up. */
  public get signal(): AbortSignal {
    return this.over.signal;
  }

  /** Seconds that are left; 0 when time is up. */
  public get left(): number {
    if (this.signal.aborted) return 0;
    return Math.max(0, (this.until - performance.now()) / 1000);
  }

  /**
   * Waits for work, but no longer than until time is up; what is still under way then is left to itself.
   *
   * @returns undefined when time was up before
   */
  public async bound<T>(work: Promise<T>): Promise<T | undefined> {
    const { signal } = this;
    let end = (): void => undefined;
    const up = new Promise<undefined>((resolve) => {
      end = () => resolve(undefined);
      if (signal.aborted) end();
      else signal.addEventListener("abort", end);
    });
    try {
      return await Promise.race([work, up]);
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  /** Needs to be called when the run is over before its time is. */
  public close(): void {
    clearTimeout(this.timer);
  }
}
