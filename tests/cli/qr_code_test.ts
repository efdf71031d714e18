/**
 * QR codes on a terminal: what is drawn reads back as what was meant, on any terminal.
 *
 * @module
 */

import assert from "node:assert/strict";
import { drawQrCode } from "../../lib/cli/qr_code.ts";
import { dotsOf, readQrCode } from "./qr_reader.ts";

const LINK = `fernchat://localhost:5555/${"abcdefghijklmnopqrstuvwxyz"}`;

/** The drawing as black and white dots, read by its characters and colours. */
function dots(lines: readonly string[]): boolean[][] {
  return lines.flatMap((line) => {
    // deno-lint-ignore no-control-regex
    const [, drawn = ""] = /^\x1b\[38;5;16;48;5;231m([ ▀▄█]*)\x1b\[0m$/.exec(line) ?? [];
    assert.notEqual(drawn, "", `not black on white: ${JSON.stringify(line)}`);
    return dotsOf(drawn);
  });
}

for (
  const link of [
    LINK,
    LINK.replace("localhost", "[2001:db8:1234:5678:9abc:def0:1234:5678]"),
    LINK.replace("localhost", `${"a-long-name.".repeat(9)}example.org`),
  ]
) {
  Deno.test(`a drawn QR code reads back: ${link.slice(11, -27)}`, () => {
    const lines = drawQrCode(link, 80);
    assert.ok(lines !== undefined, "too wide for 80 columns");
    assert.equal(readQrCode(dots(lines)), link);
  });
}

Deno.test("the usual link fits a terminal of 80 columns and 24 lines, with lines to spare", () => {
  const lines = drawQrCode(LINK, 80);
  assert.ok((lines?.length ?? Infinity) <= 20, `${lines?.length} lines`);
});

Deno.test("there is a white border of four modules, whatever is beside the code", () => {
  const rows = dots(drawQrCode(LINK, 80) ?? []);
  const size = rows[0]?.length ?? 0;
  const edges = [0, 1, 2, 3, size - 4, size - 3, size - 2, size - 1];
  for (const at of edges) {
    assert.ok(!rows[at]?.includes(true), `row ${at}`);
    assert.ok(!rows.some((row) => row[at]), `column ${at}`);
  }
});

Deno.test("a code is not drawn where it would be broken over lines", () => {
  const size = dots(drawQrCode(LINK, 80) ?? [])[0]?.length ?? 0;
  assert.ok(drawQrCode(LINK, size) !== undefined);
  assert.equal(drawQrCode(LINK, size - 1), undefined);
});
