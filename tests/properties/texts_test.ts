/**
 * Text from others on its way out: whatever it is, a terminal sees one harmless line of it, a parser
 * exactly what was said, and a spreadsheet no formula.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { csvLine } from "../../lib/cli/csv.ts";
import { formatMessage } from "../../lib/client/output.ts";
import { sanitizeText } from "../../lib/client/terminal/sanitize.ts";
import { renderText, type Style, styleFor } from "../../lib/client/terminal/style.ts";
import { formatJson } from "../../lib/json_line.ts";
import { anyText, timestamp, wellFormedText } from "./arbitraries.ts";

/** Controls, line ends, lone surrogates, and what reorders text (Unicode UAX #9, "Bidi_Control"). */
const HARMFUL = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}]/u;

/** Texts in which harm is likely: pieces of attacks between pieces of anything. */
const hostile = fc.array(
  fc.oneof(
    anyText(6),
    fc.constantFrom(
      "\x1b[2J",
      "\x1b]0;x\x07",
      "\x9b31m",
      "\r",
      "\n",
      "\r\n",
      "\b",
      "\u202e",
      "\u2066",
    ),
    fc.constantFrom(
      "\u2028",
      "\u0085",
      "\ud800",
      "\udc00",
      "\u200b",
      "\ufeff",
      "\u{e0041}",
      "e\u0301",
    ),
  ),
  { maxLength: 12 },
).map((pieces) => pieces.join(""));

Deno.test("formatMessage() is one harmless line, whatever sender and text", () => {
  fc.assert(
    fc.property(hostile, hostile, timestamp, (sender, text, sent_at) => {
      const said = { type: "message", room: "lobby", seq: 1, id: "x", kind: "open" } as const;
      const line = formatMessage({ ...said, sender, sent_at, text, history: false }, "lobby");
      assert.doesNotMatch(line, HARMFUL);
      assert.match(line, /^\[\d\d:\d\d:\d\d\] /);
    }),
    { numRuns: 500 },
  );
});

Deno.test("renderText() writes no escape but its own colours, whatever the text", () => {
  fc.assert(fc.property(hostile, hostile, (name, text) => {
    const style: Style = styleFor(name);
    const segments = [{ text: name, style }, { text }];
    const shown = sanitizeText(name) + sanitizeText(text);
    assert.equal(renderText(segments, false), shown);
    // deno-lint-ignore no-control-regex
    const [, colour, plain] = /^\x1b\[\d\dm(.*)\x1b\[0m(.*)$/su.exec(renderText(segments, true))!;
    assert.equal(`${colour}${plain}`, shown);
    assert.doesNotMatch(shown, HARMFUL);
  }));
});

Deno.test("formatJson() is one harmless line that means the same, whatever the value and its keys", () => {
  const values = fc.dictionary(hostile, fc.oneof(hostile, fc.jsonValue()), { maxKeys: 4 });
  fc.assert(fc.property(values, (value) => {
    const line = formatJson(value);
    assert.equal(JSON.stringify(JSON.parse(line)), JSON.stringify(value));
    assert.doesNotMatch(line, HARMFUL);
  }));
});

/** The fields of one record, read by RFC 4180 section 2. */
function parseCsv(line: string): string[] {
  assert.match(line, /^(?:"(?:[^"]|"")*")(?:,"(?:[^"]|"")*")*\r$/u);
  return [...line.matchAll(/"((?:[^"]|"")*)"/gu)].map(([, text]) =>
    String(text).replaceAll('""', '"')
  );
}

Deno.test("csvLine() gives back any texts, those that are no formula unchanged", () => {
  const starts = fc.constantFrom("", "=", "+", "-", "@", "\t", "\r", "\n", '"', ",", "'", "＝");
  const texts = fc.tuple(starts, wellFormedText(12)).map((parts) => parts.join(""));
  fc.assert(fc.property(fc.array(texts, { minLength: 1, maxLength: 5 }), (fields) => {
    const read = parseCsv(csvLine(fields));
    for (const [at, text] of fields.entries()) {
      assert.ok(read[at] === text || read[at] === `'${text}`, JSON.stringify(text));
      assert.doesNotMatch(read[at] as string, /^[=+\-@\t\r\n]/);
    }
    assert.equal(read.length, fields.length);
  }));
});
