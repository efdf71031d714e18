/**
 * Durations: what people write, and what they read.
 *
 * @module
 */

import assert from "node:assert/strict";
import { formatDuration, meansDuration, parseDuration } from "../lib/durations.ts";
import { CallerError } from "../lib/errors.ts";
import { MAX_DURATION_SECONDS } from "../lib/protocol/limits.ts";
import { assertThrows } from "./attacks/server.ts";

Deno.test("parseDuration() reads a number and a unit, up to ten years", () => {
  const read = ["1s", "30s", "10m", "2h", "7d", "2w"].map(parseDuration);
  assert.deepEqual(read, [1, 30, 600, 7_200, 604_800, 1_209_600]);
  assert.equal(parseDuration(`${MAX_DURATION_SECONDS}s`), MAX_DURATION_SECONDS);
});

Deno.test("parseDuration() refuses everything else, and says how to write it", () => {
  const bad = ["", "5", "h", "0s", "-1h", "1.5h", "1H", "1y", "2h ", " 2h", "1h30m", "1e3s"];
  const larger = [`${MAX_DURATION_SECONDS + 1}s`, "999999999w", `${"9".repeat(400)}s`];
  for (const text of [...bad, ...larger, "٣h", "1h\u202e", "\x1b[2J"]) {
    const error = assertThrows(() => parseDuration(text), CallerError, "duration-invalid");
    assert.match(error.hint ?? "", /30s, 10m, 2h, 7d or 2w/);
    assert.ok(error.message.length < 100);
  }
});

Deno.test("what begins with a digit is meant as a duration, also if it is none", () => {
  assert.deepEqual(["2h", "2y", "10"].map(meansDuration), [true, true, true]);
  assert.deepEqual(["spam", "", "h2", "-2h"].map(meansDuration), [false, false, false, false]);
});

Deno.test("formatDuration() names the two largest units", () => {
  const said = [0, 1, 59.9, 60, 90, 3_600, 7_260, 86_399, 86_401, 604_800, 1_300_000]
    .map(formatDuration);
  assert.deepEqual(said, [
    "0 seconds",
    "1 second",
    "59 seconds",
    "1 minute",
    "1 minute 30 seconds",
    "1 hour",
    "2 hours 1 minute",
    "23 hours 59 minutes",
    "1 day 1 second",
    "1 week",
    "2 weeks 1 day",
  ]);
});

Deno.test("what parseDuration() reads, formatDuration() says in the same unit", () => {
  for (const [text, said] of [["45s", "45 seconds"], ["1m", "1 minute"], ["3w", "3 weeks"]]) {
    assert.equal(formatDuration(parseDuration(text as string)), said);
  }
});
