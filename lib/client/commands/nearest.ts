/**
 * The word that someone may have meant.
 *
 * @module
 */

/** Letters of a word that are looked at: no command is longer. */
const MAX_LETTERS = 16;

/**
 * The nearest of some words, if it is near: at most a third of its letters typed wrongly, left out,
 * added or swapped with the next, or one in a short word.
 */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  const letters = typed.slice(0, MAX_LETTERS + 1);
  const ranked = words
    .map((word) => ({ word, distance: distanceOf(letters, word) }))
    .filter(({ word, distance }) => distance <= Math.max(1, Math.floor(word.length / 3)))
    .filter(({ word, distance }) => distance < word.length)
    .toSorted((a, b) => a.distance - b.distance);
  return ranked[0]?.word;
}

/** Letters that differ (Levenshtein's distance, with swaps of neighbours as one). */
function distanceOf(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(
        at(rows, i - 1, j) + 1,
        (row[j - 1] ?? 0) + 1,
        at(rows, i - 1, j - 1) + cost,
      );
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) row[j] = Math.min(row[j] ?? 0, at(rows, i - 2, j - 2) + 1);
    }
    rows.push(row);
  }
  return at(rows, a.length, b.length);
}

function at(rows: readonly number[][], i: number, j: number): number {
  return rows[i]?.[j] ?? 0;
}
