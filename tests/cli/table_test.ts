/**
 * Tables for people: aligned, never wider than a plain terminal, harmless, and without loss.
 *
 * @module
 */

import assert from "node:assert/strict";
import { formatTable } from "../../lib/cli/table.ts";
import { columnsOf } from "../../lib/client/terminal/width.ts";

const COLUMNS = [{ title: "WHO", max: 8 }, { title: "WHY" }];

Deno.test("columns are as wide as what is in them, and lines have no blanks at their ends", () => {
  assert.deepEqual(formatTable(COLUMNS, [["bob", "spam"], ["alice", ""]]), [
    "WHO    WHY",
    "bob    spam",
    "alice",
  ]);
  assert.deepEqual(formatTable(COLUMNS, []), ["WHO  WHY"]);
});

Deno.test("long cells go on below in their column, between words where there are any", () => {
  const rows = [["a-very-long-name", `${"word ".repeat(20)}end`], ["bob", "no"]];
  assert.deepEqual(formatTable(COLUMNS, rows), [
    "WHO       WHY",
    "a-very-l  word word word word word word word word word word word word word word",
    "ong-name  word word word word word word end",
    "bob       no",
  ]);
});

Deno.test("no line is wider than 80 columns, and no character is lost, also wide ones", () => {
  const texts = ["x".repeat(500), "你".repeat(200), "👩‍👩‍👧‍👦".repeat(60), `${"é".repeat(90)} 你`];
  const lines = formatTable(
    [...Array(3).fill({ title: "NAME", max: 14 }), { title: "WHY" }],
    texts.map((text) => Array(4).fill(text)),
  );
  for (const line of lines) assert.ok(columnsOf(line) <= 80, line);
  const letters = (text: string): string => text.replaceAll(/[ \n]/g, "");
  for (const letter of ["x", "你", "👧", "é"]) {
    const count = (text: string): number => letters(text).split(letter).length - 1;
    assert.equal(count(lines.join("\n")), 4 * count(texts.join("")), letter);
  }
});

Deno.test("cells of any text are harmless: no escape, no line break, nothing invisible", () => {
  const [, ...lines] = formatTable(COLUMNS, [["\x1b[2J", "a\nb\u202ec\u200b\x9b31m"]]);
  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines.join(""), /[\p{Cc}\p{Cf}]/u);
});
