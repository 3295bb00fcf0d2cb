/** One piece of work in a schedule. */
export interface Task {
  readonly name: string;
  /** Tasks that have to end first; names that are not in the schedule count as done. */
  readonly needs: readonly string[];
  readonly cores: number;
  /** MiB. */
  readonly memory: number;
  /** Expected duration. */
  readonly seconds: number;
}

export interface Capacity {
  readonly cores: number;
  /** MiB. */
  readonly memory: number;
}

/** Seconds from the start of each task to the end of everything that waits for it. */
export function criticalPaths(tasks: readonly Task[]): Map<string, number> {
  const paths = new Map<string, number>();
  const visit = (task: Task): number => {
    const known = paths.get(task.name);
    if (known !== undefined) {
      return known;
    }
    const waiting = tasks.filter((other) => other.needs.includes(task.name)).map(visit);
    const length = task.seconds + Math.max(0, ...waiting);
    paths.set(task.name, length);
    return length;
  };
  tasks.forEach(visit);
  return paths;
}

/**
 * Runs tasks in order of their needs, the longest chain first, as many at once as cores and memory
 * allow (one task always runs, however large). After a failure nothing more is started; what runs
 * is waited for, then the first failure is thrown.
 */
export async function runSchedule(
  tasks: readonly Task[],
  capacity: Capacity,
  work: (name: string) => Promise<void>,
): Promise<void> {
  const paths = criticalPaths(tasks);
  const waiting = [...tasks].sort((a, b) => (paths.get(b.name) ?? 0) - (paths.get(a.name) ?? 0));
  const names = new Set(tasks.map((task) => task.name));
  const done = new Set<string>();
  const running = new Map<Task, Promise<void>>();
  const failures: unknown[] = [];

  const fits = (task: Task): boolean => {
    const cores = sum([...running.keys()].map((other) => other.cores)) + task.cores;
    const memory = sum([...running.keys()].map((other) => other.memory)) + task.memory;
    return running.size === 0 || (cores <= capacity.cores && memory <= capacity.memory);
  };
  const startable = (task: Task): boolean =>
    task.needs.every((need) => done.has(need) || !names.has(need)) && fits(task);

  while ((waiting.length > 0 && failures.length === 0) || running.size > 0) {
    while (failures.length === 0) {
      const index = waiting.findIndex(startable);
      const [task] = index < 0 ? [] : waiting.splice(index, 1);
      if (task === undefined) {
        break;
      }
      const promise = work(task.name)
        .then(() => void done.add(task.name))
        .catch((error: unknown) => void failures.push(error))
        .finally(() => void running.delete(task));
      running.set(task, promise);
    }
    if (running.size === 0) {
      break;
    }
    await Promise.race(running.values());
  }
  if (failures.length > 0) {
    throw failures[0];
  }
  if (done.size < tasks.length) {
    const stuck = waiting.map((task) => task.name).join(", ");
    throw new Error(`these pieces wait for each other: ${stuck}`);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
