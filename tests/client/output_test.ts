/** What leaves the client without a terminal is harmless for one all the same. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { formatJson, formatMessage } from "../../lib/client/output.ts";

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

Deno.test("formatJson() means what JSON.stringify() means, and shows no control or format character", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const line = formatJson({ text });
    assert.deepEqual(JSON.parse(line), { text });
    assert.doesNotMatch(line, UNSAFE);
  }));
  assert.equal(formatJson("a\u009b\u202e\u{e0041}z"), '"a\\u009b\\u202e\\udb40\\udc41z"');
});

Deno.test("formatMessage() is one line: the time here, the sender, the text", () => {
  const message = {
    type: "message",
    room: "lobby",
    seq: 1,
    id: "x",
    sender: "alice",
    sent_at: "2026-01-02T03:04:05.678Z",
    text: "two\nlines",
    kind: "open",
    history: false,
  } as const;
  assert.match(formatMessage(message), /^\[\d\d:04:05\] alice: two ⏎ lines$/);
});
