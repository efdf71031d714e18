/** What a typed line means, and what the table of commands holds. */

import assert from "node:assert/strict";
import { usageOf } from "../../lib/client/commands/command.ts";
import { interpret } from "../../lib/client/commands/interpret.ts";
import { nearest } from "../../lib/client/commands/nearest.ts";
import { COMMANDS, findCommand } from "../../lib/client/commands/table.ts";
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
    const [line, name] of [
      ["exit", "exit"],
      [" exit ", "exit"],
      ["/quit", "exit"],
      ["/EXIT", "exit"],
      ["/leave now", "leave"],
      ["/help", "help"],
      ["/ help", "help"],
      ["/?", "help"],
      ["/w bob hi", "msg"],
      ["/query bob", "dm"],
    ] as const
  ) {
    const meaning = interpret(line);
    assert.equal(meaning.kind === "command" && meaning.command.name, name, line);
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

Deno.test("a mistyped command: the nearest one is named, and none where none is near", () => {
  for (const [typed, meant] of [["kik", "kick"], ["jion", "join"], ["whios", "whois"]] as const) {
    assert.throws(
      () => findCommand(typed),
      (error) => error instanceof CallerError && error.hint?.includes(`did you mean /${meant}?`),
    );
  }
  const names = COMMANDS.map(({ name }) => name);
  for (const typed of ["", "xyzzy", "constructor", "k".repeat(100_000)]) {
    assert.equal(nearest(typed, names), undefined, typed.slice(0, 20));
  }
});

Deno.test("a command that moves takes what follows with it: into a sealed room, not an open one", () => {
  const moves = (line: string): boolean => {
    const meaning = interpret(line);
    return meaning.kind === "command" && meaning.moves;
  };
  for (const line of ["/join physics", "/dm bob", "/room create dungeon"]) {
    assert.ok(moves(line), line);
  }
  for (const line of ["/room create --open physics", "/msg bob hello", "/leave", "/rooms"]) {
    assert.ok(!moves(line), line);
  }
});

Deno.test("/help all fits 80 columns: each usage stands in a column, and what it does behind it", () => {
  const width = Math.max(...COMMANDS.map((command) => usageOf(command).length));
  for (const { name, help } of COMMANDS) assert.ok(width + 2 + help.length <= 76, name);
});

Deno.test("every command has a help and an example of itself, and no name is taken twice", () => {
  const names = COMMANDS.flatMap(({ name, aliases }) => [name, ...aliases]);
  assert.equal(new Set(names).size, names.length, names.join());
  for (const command of COMMANDS) {
    const { name, help, example } = command;
    assert.match(help, /^[a-z].*[^.]$/, name);
    const meaning = interpret(example);
    assert.equal(meaning.kind === "command" && meaning.command, command, example);
    assert.ok(`${usageOf(command)}  ${help}`.length <= 76, name);
    for (const one of [name, name.toUpperCase(), `/${name}`, ...command.aliases]) {
      assert.equal(findCommand(one), command);
    }
  }
});
