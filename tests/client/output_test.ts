/** What leaves the client without a terminal is harmless for one all the same. */

import assert from "node:assert/strict";
import type { FoundEvent, MessageEvent } from "../../lib/client/events.ts";
import { formatFound, formatMessage } from "../../lib/client/output.ts";

const MESSAGE: MessageEvent = {
  type: "message",
  room: "lobby",
  seq: 1,
  id: "x",
  sender: "alice",
  sent_at: "2026-01-02T03:04:05.678Z",
  text: "two\nlines",
  kind: "open",
  history: false,
};

Deno.test("formatMessage() is one line: the time here, the sender, the text", () => {
  assert.match(formatMessage(MESSAGE, "lobby"), /^\[\d\d:04:05\] alice: two ⏎ lines$/);
});

Deno.test("formatMessage() shows what someone does as such", () => {
  const waves = { ...MESSAGE, text: "waves\x1b", action: true } as const;
  assert.match(formatMessage(waves, "lobby"), /^\[\d\d:04:05\] \* alice waves␛$/);
});

Deno.test("formatMessage() names another room than the one at home, a direct one by its person", () => {
  assert.match(formatMessage(MESSAGE, "physics"), /\d\] #lobby alice: two/);
  const direct = {
    ...MESSAGE,
    room: "dm-0123456789abcdef",
    kind: "sealed",
    peer: "alice",
  } as const;
  assert.match(formatMessage(direct, "lobby"), /\d\] @alice alice: two/);
  assert.match(formatMessage(direct, direct.room), /\d\] alice: two/);
});

Deno.test("formatFound() is one line, with the day", () => {
  const { type: _, history: __, ...message } = MESSAGE;
  const found: FoundEvent = { type: "found", ...message, matches: [[0, 3]] };
  assert.match(formatFound(found, "lobby"), /^\[2026-01-0\d \d\d:04:05\] alice: two ⏎ lines$/);
});
