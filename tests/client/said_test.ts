/**
 * How what people say looks in a terminal.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { FoundEvent } from "../../lib/client/events.ts";
import { foundSegments, saidSegments } from "../../lib/client/said.ts";
import { renderText } from "../../lib/client/terminal/style.ts";

const FOUND: FoundEvent = {
  type: "found",
  room: "lobby",
  seq: 1,
  id: "x",
  sender: "alice",
  sent_at: "2026-01-02T03:04:05.678Z",
  text: "an exam, \x1b[2Jand exams",
  kind: "open",
  matches: [[3, 7], [17, 21]],
};

Deno.test("what is said, and what is done", () => {
  const look = (action?: true): string =>
    renderText(
      saidSegments({ sender: "alice", text: "waves", ...(action ? { action } : {}) }, {
        name: "green",
        words: "dim",
      }),
      false,
    );
  assert.equal(look(), "alice: waves");
  assert.equal(look(true), "* alice waves");
});

Deno.test("what was looked for stands out, and all that is found is harmless", () => {
  const segments = foundSegments(FOUND, "lobby");
  assert.deepEqual(
    segments.filter(({ style }) => style !== "dim").map(({ text }) => text),
    ["exam", "exam"],
  );
  assert.match(
    renderText(segments, false),
    /^\[2026-01-0\d \d\d:04:05\] alice: an exam, ␛\[2Jand exams$/,
  );
  assert.ok(
    renderText(foundSegments({ ...FOUND, action: true }, "lobby"), false).includes(
      "* alice an exam",
    ),
  );
});

Deno.test("what is found in another room than the one that is looked at has its name", () => {
  for (const home of ["physics", undefined]) {
    assert.match(renderText(foundSegments(FOUND, home), false), /\d\] #lobby alice: an exam/);
  }
});
