/** What leaves the client without a terminal is harmless for one all the same. */

import assert from "node:assert/strict";
import { formatMessage } from "../../lib/client/output.ts";

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
