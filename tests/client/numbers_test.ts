/** Numbers as people type them. */

import { assertThrows } from "../attacks/server.ts";
import assert from "node:assert/strict";
import { parseWholeNumber } from "../../lib/client/numbers.ts";
import { CallerError, ExitCode } from "../../lib/errors.ts";

const bounds = { least: 1, most: 50 };

Deno.test("parseWholeNumber() takes digits within the bounds", () => {
  for (const [text, number] of [["1", 1], ["50", 50], ["007", 7]] as const) {
    assert.equal(parseWholeNumber("--n", text, bounds), number);
  }
});

for (const text of ["", "0", "51", "-1", "+1", "1.0", "1e1", "0x1", " 1", "1 ", "ten", "٣"]) {
  Deno.test(`parseWholeNumber() refuses ${JSON.stringify(text)}, and says what it takes`, () => {
    const read = (): number => parseWholeNumber("--n", text, bounds);
    const error = assertThrows(read, CallerError, "number-invalid");
    assert.equal(error.exitCode, ExitCode.usage);
    assert.match(`${error.message}: ${error.hint}`, /^Not a number for --n: .* 1 to 50$/);
  });
}
