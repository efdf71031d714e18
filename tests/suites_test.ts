/** That `deno task test` runs everything: each file is in one suite, and the task runs all suites. */

import assert from "node:assert/strict";
import config from "../deno.json" with { type: "json" };
import { testFiles } from "./suites/suite.ts";

const SUITES = new URL("suites/", import.meta.url);

/** A call in a suite: the folder, and which part of it. */
const CALL = /^await testsIn\("([\w.]+)"(?:, \{ at: (\d+), of: (\d+) \})?\);$/gm;

/** The names of what is in a folder, and fits. */
function namesIn(folder: URL, fits: (entry: Deno.DirEntry) => boolean): string[] {
  return [...Deno.readDirSync(folder)].filter(fits).map(({ name }) => name);
}

Deno.test("each folder of tests is in one suite, or all of its parts are", () => {
  const parts = new Map<string, string[]>();
  for (const suite of namesIn(SUITES, ({ name }) => /^[a-z]_/.test(name))) {
    const code = Deno.readTextFileSync(new URL(suite, SUITES));
    for (const [, folder = "", at = "0", of = "1"] of code.matchAll(CALL)) {
      parts.set(folder, [...parts.get(folder) ?? [], `${at} of ${of}`]);
    }
  }
  const here = new URL(".", import.meta.url);
  const folders = namesIn(here, ({ isDirectory }) => isDirectory).concat(".");
  for (const folder of folders.filter((folder) => testFiles(folder).length > 0)) {
    const found = parts.get(folder) ?? [];
    const whole = found.map((_, at) => `${at} of ${found.length}`);
    assert.ok(found.length > 0, `${folder} is in no suite`);
    assert.deepEqual(found.sort(), whole, folder);
  }
});

Deno.test("deno task test runs all suites", () => {
  assert.match(config.tasks.test.command, / tests\/suites\/\[a-z\]_\*\.ts$/);
});
