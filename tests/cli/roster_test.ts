/**
 * Rosters as spreadsheets write them, and what comes back.
 *
 * @module
 */

import assert from "node:assert/strict";
import { formatRoster, parseRoster, type Roster } from "../../lib/cli/roster.ts";
import { CallerError } from "../../lib/errors.ts";
import { assertThrows } from "../attacks/server.ts";

const read = (text: string): Roster => parseRoster(new TextEncoder().encode(text));

const PEOPLE = [["Ann", "7a"], ["Ben", "7b"]];

for (
  const [what, text] of [
    ["commas and line feeds", "name,class\nAnn,7a\nBen,7b\n"],
    ["CRLF and no last one", "name,class\r\nAnn,7a\r\nBen,7b"],
    ["CR alone", "name,class\rAnn,7a\rBen,7b\r"],
    ["a byte order mark", "\ufeffname,class\nAnn,7a\nBen,7b\n"],
    ["semicolons", "name;class\nAnn;7a\nBen;7b\n"],
    ["tabs", "name\tclass\nAnn\t7a\nBen\t7b\n"],
    ["quoted fields", '"name","class"\n"Ann","7a"\n"Ben","7b"\n'],
    ["empty lines", "\nname,class\n\n\nAnn,7a\n \n,\nBen,7b\n\n"],
  ] as const
) {
  Deno.test(`parseRoster() reads ${what}`, () => {
    assert.deepEqual(read(text), {
      header: ["name", "class"],
      rows: PEOPLE,
      labels: ["Ann", "Ben"],
    });
  });
}

Deno.test("parseRoster() takes a first row without a usual title for a person", () => {
  const { header, rows, labels } = read("Ann,7a\nBen,7b\n");
  assert.deepEqual([header, rows, labels], [undefined, PEOPLE, ["Ann", "Ben"]]);
});

Deno.test("parseRoster() labels by the column that says best who it is", () => {
  assert.deepEqual(read("Class,E-Mail,User_Name\n7a,ann@x,ann7\n").labels, ["ann7"]);
  assert.deepEqual(read("class,email\n7a,ann@x\n").labels, ["ann@x"]);
  assert.deepEqual(read("class,number\n7a,12\n").labels, ["7a"]);
});

Deno.test("parseRoster() makes labels of one line, and leaves the rows as they are", () => {
  const long = "x".repeat(99) + "\u{1f332}";
  const { rows, labels } = read(`name\n"two\nlines"\n${long}\n`);
  assert.deepEqual(labels, ["two lines", "x".repeat(99)]);
  assert.deepEqual(rows, [["two\nlines"], [long]]);
});

Deno.test("parseRoster() fills up short rows, so that the links are one column", () => {
  const roster = read("name,class\nAnn\nBen,7b,late\n");
  assert.deepEqual(roster.header, ["name", "class", ""]);
  assert.deepEqual(formatRoster(roster, ["A", "B"]), [
    '"name","class","","invite"\r',
    '"Ann","","","A"\r',
    '"Ben","7b","late","B"\r',
  ]);
});

for (
  const [what, text, says] of [
    ["nothing", "", /nobody/],
    ["blanks alone", "\r\n \r\n,,\r\n", /nobody/],
    ["titles alone", "name,email\n", /nobody/],
    ["links already", "name,Invite\nAnn,fernchat\n", /has a column invite already/],
    ["an open quote", 'name\nAnn\n"Ben\n', /a quote is wrong at line/],
  ] as const
) {
  Deno.test(`parseRoster() refuses ${what}`, () => {
    const error = assertThrows(() => read(text), CallerError, "roster-invalid");
    assert.match(error.message, says);
  });
}

Deno.test("parseRoster() refuses what is not UTF-8", () => {
  const bytes = Uint8Array.of(0x4a, 0xf6, 0x72, 0x67); // Jörg in Latin-1
  const error = assertThrows(() => parseRoster(bytes), CallerError, "roster-invalid");
  assert.match(error.message, /not UTF-8/);
});

Deno.test("what is read and written is read again: texts, quotes, line breaks, scripts", () => {
  const rows = [['say "hi", Bob', "two\r\nlines"], ["金庫", "a;b\tc"], ["'", " blank "]];
  const roster = { header: ["name", "note"], rows, labels: [] };
  const again = read(
    formatRoster(roster, ["1", "2", "3"]).map((line) => `${line}\n`).join("")
      .replace("invite", "link"),
  );
  assert.deepEqual(again.rows, rows.map((row, at) => [...row, String(at + 1)]));
});

Deno.test("a field that a spreadsheet would run as a formula is guarded", () => {
  const [, line] = formatRoster(read("name\n=HYPERLINK(1)\n"), ["x"]);
  assert.equal(line, `"'=HYPERLINK(1)","x"\r`);
});

Deno.test("a roster of 5,000 rows is read", () => {
  const rows = Array.from({ length: 5_000 }, (_, at) => `Student ${at},s${at}@example.org`);
  assert.equal(read(`name,email\n${rows.join("\n")}\n`).rows.length, 5_000);
});
