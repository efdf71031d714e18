/**
 * What the benches share: medians, and rows of a table that fits 80 columns.
 *
 * @module
 */

/** The middle value; of an even number, the upper one of the two. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which this share of the values lies: 0.99 for the 99th percentile. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

/** A row: its name on the left, and the cells to the right of it, each in a column of `width`. */
export function printRow(name: string, cells: readonly string[], width = 20): void {
  console.log(name.padEnd(80 - width * cells.length) + padAll(cells, width));
}

function padAll(cells: readonly string[], width: number): string {
  return cells.map((cell) => cell.padStart(width)).join("");
}
