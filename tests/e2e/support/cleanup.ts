/** Takes something away for good; must not wait, and must not fail. */
type Removal = () => void;

const removals = new Set<Removal>();
let installed = false;

/**
 * Registers what has to be gone when this process ends, however it ends: test failures, Ctrl-C, a time limit. Orderly
 * ends take things away themselves, and forget the removal.
 *
 * @returns forgets it
 */
export function atEnd(removal: Removal): () => void {
  install();
  removals.add(removal);
  return () => removals.delete(removal);
}

function install(): void {
  if (installed) return;
  installed = true;
  process.on("exit", removeAll);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      removeAll();
      process.exit(1);
    });
  }
}

function removeAll(): void {
  for (const removal of [...removals].reverse()) {
    try {
      removal();
    } catch (e) {
      process.stderr.write(`cleaning up: ${String(e)}\n`);
    }
  }
  removals.clear();
}
