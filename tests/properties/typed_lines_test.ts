/**
 * What people type and operators pass: whatever it is, it is taken for exactly what it says, or
 * refused with a typed error.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { verifyCommand } from "../../lib/cli/log_verify.ts";
import { formatAddress, parseAddress, parsePort } from "../../lib/client/address.ts";
import { interpret } from "../../lib/client/commands/interpret.ts";
import { inputLines } from "../../lib/client/input_lines.ts";
import { CallerError, EnvironmentError } from "../../lib/errors.ts";
import { anyText, chainValue, roomName, wellFormedText } from "./arbitraries.ts";
import { inPieces } from "./chunked.ts";

/** What it gives, or the code of its `CallerError`. */
function resultOrCode<T extends object | number>(act: () => T): T | string {
  try {
    return act();
  } catch (error) {
    assert.ok(error instanceof CallerError, `not a CallerError: ${error}`);
    return error.code;
  }
}

const almostAddress = fc.array(
  fc.oneof(
    fc.constantFrom("[", "]", ":", "::1", "[::1]", "a", "1", "5555", "65536", "/", " ", "é"),
    anyText(2),
  ),
  { maxLength: 6 },
).map((parts) => parts.join(""));

Deno.test("any text is an address that is written as it is read, or none", () => {
  fc.assert(
    fc.property(fc.oneof(almostAddress, anyText(30)), (text) => {
      const address = resultOrCode(() => parseAddress(text));
      if (typeof address === "string") assert.match(address, /^(?:address|port)-invalid$/);
      else assert.deepEqual(parseAddress(formatAddress(address)), address);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("any text is a port of digits alone, or none", () => {
  const texts = fc.oneof(
    fc.nat(70_000).map(String),
    anyText(6),
    fc.stringMatching(/^[-+ 0-9.ex]{1,6}$/),
  );
  fc.assert(fc.property(texts, (text) => {
    const port = resultOrCode(() => parsePort(text, 0));
    if (typeof port === "string") assert.equal(port, "port-invalid");
    else assert.ok(/^\d{1,5}$/.test(text) && port === Number(text) && port <= 65_535);
  }));
});

Deno.test("any line is nothing, a text, a command that there is, or an unknown one that is not sent", () => {
  const starts = fc.constantFrom("", "/", "//", " /", "/help", "/head ", "exit", " exit ", "/EXIT");
  fc.assert(fc.property(starts, anyText(20), (start, rest) => {
    const line = start + rest;
    const meaning = resultOrCode(() => interpret(line));
    if (typeof meaning === "string") {
      assert.equal(meaning, "command-unknown");
      assert.ok(line.startsWith("/") && !line.startsWith("//"));
    } else if (meaning.kind === "text") {
      assert.equal(meaning.text, line.startsWith("//") ? line.slice(1) : line);
      assert.notEqual(line.trim(), "exit");
    } else {
      assert.equal(meaning.kind === "nothing", line.trim() === "");
    }
  }));
});

Deno.test("any text is a noted head in one of its forms, or head-malformed", async () => {
  const head = fc.tuple(roomName, fc.nat(), chainValue).map((parts) => parts.join(" "));
  const forms = fc.tuple(fc.constantFrom("", "Log head: ", "-- "), head).map((all) => all.join(""));
  const broken = fc.tuple(forms, fc.nat(), anyText(3))
    .map(([text, place, insert]) => {
      const at = place % text.length;
      return text.slice(0, at) + insert + text.slice(at + 1);
    });
  const verify = (text: string): Promise<unknown> =>
    verifyCommand({ db: "/nowhere/a.db", heads: [text], json: true }).catch((error) => error);
  await fc.assert(fc.asyncProperty(forms, async (text) => {
    assert.ok(
      await verify(text) instanceof EnvironmentError,
      "the head was read, then the database",
    );
  }));
  await fc.assert(fc.asyncProperty(fc.oneof(broken, anyText(80)), async (text) => {
    const error = await verify(text);
    assert.ok(error instanceof EnvironmentError || error instanceof CallerError);
    if (error instanceof CallerError) assert.equal(error.code, "head-malformed");
  }));
});

Deno.test("any lines come out as they went in, however the input is cut", async () => {
  const texts = fc.array(wellFormedText(20).map((text) => text.replaceAll(/[\r\n]/g, "")));
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });
  const ends = fc.constantFrom("\n", "\r\n");
  const check = async (texts: string[], sizes: number[], end: string): Promise<void> => {
    const bytes = new TextEncoder().encode(texts.map((text) => text + end).join(""));
    const lines = await Array.fromAsync(inputLines(inPieces(bytes, sizes)));
    assert.deepEqual(lines, texts.map((text, at) => ({ number: at + 1, text })));
  };
  await fc.assert(fc.asyncProperty(texts, sizes, ends, check));
});
