/**
 * Log lines: each is one line that says what it says, whatever a peer put into its values.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  createLogger,
  LOG_LEVELS,
  type LogFields,
  type LogFormat,
} from "../../lib/server/logger.ts";

const TIME = "2026-11-24T08:00:00.000Z";

/** The line that an event with these fields makes. */
function lineOf(format: LogFormat, fields: LogFields): string {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  createLogger({ level: "debug", format, write, now: () => new Date(TIME) }).info("it", fields);
  assert.equal(lines.length, 1);
  return lines[0] as string;
}

/** Reads a text line as any program would: words, and fields that are words or JSON strings. */
function parseText(line: string): { [field: string]: string } {
  const [, time, level, event, rest] = /^(\S+) (\w+) +([a-z-]+)(.*)$/s.exec(line) ?? [];
  const fields: { [field: string]: string } = {
    time: time ?? "",
    level: level ?? "",
    event: event ?? "",
  };
  for (const [, name, value] of (rest ?? "").matchAll(/ (\w+)=("(?:[^"\\]|\\.)*"|\S*)/gs)) {
    fields[name as string] = value?.startsWith('"') ? JSON.parse(value) : value as string;
  }
  return fields;
}

/** What peers choose: any string, and such as are made to break lines, fields, quotes or terminals. */
const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 400 }),
  fc.array(
    fc.constantFrom(
      " ",
      "=",
      '"',
      "\\",
      "\n",
      "\r",
      "\u001b[2J",
      "\u202e",
      "\u2028",
      "\u0301",
      "a",
    ),
    { maxLength: 60 },
  ).map((parts) => parts.join("")),
);

Deno.test("a text line is time, level, event and fields, with plain words unquoted", () => {
  assert.equal(
    lineOf("text", { user: "alice", peer: "[::1]:1234", count: 3, demo: false, reason: "a b" }),
    `${TIME} info  it user=alice peer=[::1]:1234 count=3 demo=false reason="a b"`,
  );
});

Deno.test("a JSON line is one object with the same, and numbers stay numbers", () => {
  assert.deepEqual(JSON.parse(lineOf("json", { user: "alice", count: 3, demo: false })), {
    time: TIME,
    level: "info",
    event: "it",
    user: "alice",
    count: 3,
    demo: false,
  });
});

Deno.test("a field that is undefined is left out", () => {
  assert.equal(lineOf("text", { user: undefined }), `${TIME} info  it`);
  assert.deepEqual(Object.keys(JSON.parse(lineOf("json", { user: undefined }))).length, 3);
});

Deno.test("no value can forge a line or a field: what was put in is what is read, and no more", () => {
  fc.assert(fc.property(hostile, hostile, (user, reason) => {
    for (const format of ["text", "json"] as const) {
      const line = lineOf(format, { user, reason });
      const read = format === "json" ? JSON.parse(line) : parseText(line);
      assert.deepEqual(read, { time: TIME, level: "info", event: "it", user, reason });
    }
  }));
});

Deno.test("no value can use a terminal, or hide or overprint what is beside it", () => {
  fc.assert(fc.property(hostile, (value) => {
    assert.doesNotMatch(lineOf("json", { value }), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    assert.doesNotMatch(lineOf("text", { value }), /[\p{C}\p{M}\p{Zl}\p{Zp}\p{DI}]/u);
  }));
  assert.ok(lineOf("text", { user: "Zoë" }).endsWith('user="Zoë"'), "what people write stays");
});

Deno.test("a value of endless length is cut", () => {
  for (const format of ["text", "json"] as const) {
    const longest = lineOf(format, { value: "x".repeat(500) });
    assert.ok(longest.includes("x".repeat(500)));
    assert.ok(lineOf(format, { value: "x".repeat(1_000_000) }).includes(`${"x".repeat(499)}…`));
  }
});

Deno.test("a level lets through what matters as much or more", () => {
  for (const [at, level] of LOG_LEVELS.entries()) {
    const seen: string[] = [];
    const logger = createLogger({ level, format: "json", write: (line) => seen.push(line) });
    for (const each of LOG_LEVELS) logger[each]("it");
    assert.deepEqual(seen.map((line) => JSON.parse(line).level), LOG_LEVELS.slice(0, at + 1));
  }
});
