/**
 * CSV as RFC 4180 has it, and harmless in a spreadsheet.
 *
 * @module
 */

import assert from "node:assert/strict";
import { csvLine } from "../../lib/cli/csv.ts";

Deno.test("csvLine() quotes texts, doubles quotes, keeps commas and line breaks", () => {
  assert.equal(
    csvLine([1, "a", null, 'say "hi", Bob\r\nbye', ""]),
    '1,"a",,"say ""hi"", Bob\r\nbye",""\r',
  );
});

for (const text of ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"]) {
  Deno.test(`csvLine() guards ${JSON.stringify(text)} from being a formula`, () => {
    assert.equal(csvLine([text]), `"'${text}"\r`);
  });
}

Deno.test("csvLine() leaves other texts, and numbers, as they are", () => {
  assert.equal(csvLine([-1, "a=1", "'quoted'", " =1"]), '-1,"a=1","\'quoted\'"," =1"\r');
});
