/**
 * Tests of many files in one worker. `deno test` gives each file that it is told a worker of its own,
 * which loads all that the file needs, half a second's work each time; a suite loads it once. The
 * files stay what they are: each can be run by itself, and a failure names it.
 *
 * @module
 */

const TESTS = new URL("../", import.meta.url);

/** One of so many parts of a folder that takes long, for as many workers. */
export interface Part {
  /** From 0. */
  at: number;
  of: number;
}

/** Registers the tests of all files of a folder of tests/, or every so many'th. */
export async function testsIn(folder: string, { at, of }: Part = { at: 0, of: 1 }): Promise<void> {
  const files = testFiles(folder).filter((_, number) => number % of === at);
  for (const file of files) await import(file);
}

/** The addresses of a folder's test files, without those of folders in it. */
export function testFiles(folder: string): string[] {
  const place = new URL(`${folder}/`, TESTS);
  return [...Deno.readDirSync(place)]
    .filter(({ name }) => name.endsWith("_test.ts"))
    .map(({ name }) => new URL(name, place).href)
    .sort();
}
