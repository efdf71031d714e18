/** A line of JSON from either program is harmless for a terminal, and means what it should. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { formatJson } from "../lib/json_line.ts";

const UNSAFE = /[\p{C}\p{DI}\p{Zl}\p{Zp}]/u;

Deno.test("formatJson() means what JSON.stringify() means, and shows no character that is none", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const line = formatJson({ text });
    assert.deepEqual(JSON.parse(line), { text });
    assert.doesNotMatch(line, UNSAFE);
  }));
  assert.equal(formatJson("a\u009b\u202e\u{e0041}z"), '"a\\u009b\\u202e\\udb40\\udc41z"');
  assert.equal(formatJson("\u3164\ufe0f\ue000\ud800é漢😀"), '"\\u3164\\ufe0f\\ue000\\ud800é漢😀"');
});
