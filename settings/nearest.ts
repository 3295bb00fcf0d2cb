/** The known word nearest to one that is not; undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const scored = known.map((k) => [distance(word.toLowerCase(), k.toLowerCase()), k] as const);
  const best = scored.sort((a, b) => a[0] - b[0])[0];
  if (!best || best[0] >= Math.min(word.length, best[1].length)) return undefined;
  return best[0] <= Math.max(2, Math.floor(best[1].length / 3)) ? best[1] : undefined;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
