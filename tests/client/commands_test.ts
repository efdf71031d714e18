/** What a typed line means. */

import assert from "node:assert/strict";
import { interpret } from "../../lib/client/commands/interpret.ts";
import { CallerError } from "../../lib/errors.ts";

Deno.test("interpret() sends a text as it is typed, blanks around it too", () => {
  for (const text of ["hello", "  hello  ", "exit now", "a/b", "Exit"]) {
    assert.deepEqual(interpret(text), { kind: "text", text });
  }
});

Deno.test("interpret() sends nothing for blanks, and one slash less for two", () => {
  assert.deepEqual(interpret(""), { kind: "nothing" });
  assert.deepEqual(interpret(" \t "), { kind: "nothing" });
  assert.deepEqual(interpret("//help"), { kind: "text", text: "/help" });
  assert.deepEqual(interpret("//"), { kind: "text", text: "/" });
});

Deno.test("interpret() knows commands by name and alias, in any case of letters", () => {
  for (
    const line of [
      "exit",
      " exit ",
      "/exit",
      "/quit",
      "/EXIT",
      "/leave now",
      "/j physics",
      "/ROOMS",
      "/help",
      "/?",
    ]
  ) {
    assert.equal(interpret(line).kind, "command", line);
  }
});

Deno.test("interpret() refuses an unknown command, which is never sent", () => {
  for (const line of ["/nope", "/", "/exits", "/constructor"]) {
    assert.throws(
      () => interpret(line),
      (error) => error instanceof CallerError && error.code === "command-unknown",
    );
  }
});
