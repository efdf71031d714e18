import assert from "node:assert/strict";
import { BugError, EnvironmentError } from "../../lib/errors.ts";
import { KeySource } from "../../lib/client/terminal/keysource.ts";
import { Terminal, type TerminalOptions } from "../../lib/client/terminal/terminal.ts";
import { FakeIo } from "./fake_io.ts";

function openTerminal(options: Partial<TerminalOptions> = {}): { io: FakeIo; terminal: Terminal } {
  const io = new FakeIo();
  return { io, terminal: Terminal.open(io, { color: false, maxLineBytes: 100, ...options }) };
}

Deno.test("Terminal.bell() rings, and what is printed does not", async () => {
  const { io, terminal } = openTerminal();
  await using _ = terminal;
  terminal.print("ding \x07");
  terminal.notice("\x07");
  assert.ok(!io.output.includes("\x07"));
  terminal.bell();
  assert.ok(io.output.endsWith("\x07"));
});

Deno.test("Terminal.open() takes the terminal over, and disposal gives it back", async () => {
  const { io, terminal } = openTerminal();
  {
    await using _ = terminal;
    assert.deepEqual(io.raw, [true]);
    assert.equal(io.output, "\x1b[?2004h");
  }
  assert.deepEqual(io.raw, [true, false]);
  assert.ok(io.output.includes("\x1b[?2004l") && io.output.includes("\x1b[?25h"));
  terminal.restore();
  assert.deepEqual(io.raw, [true, false]);
});

Deno.test("Terminal.open() without a terminal is an EnvironmentError", () => {
  const io = new FakeIo();
  io.setRaw = () => {
    throw new TypeError("not a tty");
  };
  assert.throws(
    () => Terminal.open(io, { color: false, maxLineBytes: 100 }),
    (error) => error instanceof EnvironmentError && error.code === "not-a-terminal",
  );
});

Deno.test("Terminal is restored after an error, even when its output is gone", async () => {
  const { io, terminal } = openTerminal();
  await assert.rejects(async () => {
    await using _ = terminal;
    io.write = () => {
      throw new Deno.errors.BrokenPipe();
    };
    throw new RangeError("ours");
  }, RangeError);
  assert.deepEqual(io.raw, [true, false]);
});

Deno.test("Terminal.readLine() and readPassword() lose nothing that was typed ahead", async () => {
  const { io, terminal } = openTerminal();
  await using _ = terminal;
  io.type("bob\rs3cret\rhello\rhalf");
  assert.deepEqual(await terminal.readLine("Username: "), { kind: "line", text: "bob" });
  assert.deepEqual(await terminal.readPassword("Password: "), { kind: "line", text: "s3cret" });
  assert.deepEqual(await terminal.nextInput(), { kind: "line", text: "hello" });
  const next = terminal.nextInput();
  io.type(" way\r");
  assert.deepEqual(await next, { kind: "line", text: "half way" });
});

Deno.test("Terminal.readPassword() shows nothing of it, and edits", async () => {
  const { io, terminal } = openTerminal();
  await using _ = terminal;
  for (
    const [typed, input] of [
      ["pass1\r", { kind: "line", text: "pass1" }],
      ["wrong\x15pax\x7fss1\r", { kind: "line", text: "pass1" }],
      ["\x1b[200~pass1\n\x1b[201~\r", { kind: "line", text: "pass1" }],
      ["secret\x03", { kind: "interrupt" }],
      ["\x04", { kind: "end" }],
    ] as const
  ) {
    const read = terminal.readPassword("Password: ");
    for (const key of typed) io.type(key);
    assert.deepEqual(await read, input);
  }
  // The prompt before and after each password, and no output for any key between them.
  assert.equal(io.output.split("Password: ").length - 1, 10);
  assert.match(
    io.output,
    // deno-lint-ignore no-control-regex
    /^\x1b\[\?2004h(?:\r\x1b\[J\x1b\[\?7lPassword: \x1b\[\?7h|\r\n|\r\x1b\[J)+$/,
  );
});

Deno.test("Terminal.print() during a password shows the prompt again, and nothing of it", async () => {
  const { io, terminal } = openTerminal();
  await using _ = terminal;
  const read = terminal.readPassword("Password: ");
  const idle = io.idle();
  io.type("s3cret");
  await idle;
  io.output = "";
  terminal.print("the server says hello");
  assert.equal(io.output, "\r\x1b[Jthe server says hello\r\n\x1b[?7lPassword: \x1b[?7h");
  io.type("\r");
  assert.deepEqual(await read, { kind: "line", text: "s3cret" });
});

Deno.test("Terminal.readPassword() keeps a password out of the history", async () => {
  const { io, terminal } = openTerminal();
  await using _ = terminal;
  io.type("first\rs3cret\r\x1b[A\r");
  assert.deepEqual(await terminal.nextInput(), { kind: "line", text: "first" });
  await terminal.readPassword("New password: ");
  assert.deepEqual(await terminal.nextInput(), { kind: "line", text: "first" });
});

Deno.test("Terminal.nextInput() gives Ctrl-C and Ctrl-D on an empty line", async () => {
  const { io, terminal } = openTerminal();
  await using _ = terminal;
  io.type("x\x03\x03");
  assert.deepEqual(await terminal.nextInput(), { kind: "interrupt" });
  io.type("\x04");
  assert.deepEqual(await terminal.nextInput(), { kind: "end" });
});

Deno.test("Terminal.nextInput() ends when the terminal is gone", async () => {
  for (const gone of ["end", "error"] as const) {
    const { io, terminal } = openTerminal();
    await using _ = terminal;
    const next = terminal.nextInput();
    if (gone === "error") io.read = () => Promise.reject(new Error("EIO"));
    io.type("x");
    if (gone === "end") io.end();
    assert.deepEqual(await next, { kind: "end" });
    assert.deepEqual(await terminal.nextInput(), { kind: "end" });
  }
});

Deno.test("Terminal.restore() ends a read, and draws nothing afterwards", async () => {
  const { io, terminal } = openTerminal();
  const next = terminal.nextInput();
  terminal.restore();
  const output = io.output;
  assert.deepEqual(await next, { kind: "end" });
  assert.equal(io.output, output);
});

Deno.test("Terminal.nextInput() gives one promise while it waits; two kinds of read are a bug", async () => {
  const { io, terminal } = openTerminal();
  await using _ = terminal;
  const next = terminal.nextInput();
  assert.equal(terminal.nextInput(), next);
  assert.throws(() => void terminal.readLine("Name: "), BugError);
  io.type("a\r");
  await next;
});

Deno.test("Terminal iterates over what is entered, up to the end", async () => {
  const { io, terminal } = openTerminal();
  await using _ = terminal;
  io.type("one\rtwo\r\x04never\r");
  const kinds: string[] = [];
  for await (const input of terminal) kinds.push(input.kind);
  assert.deepEqual(kinds, ["line", "line", "end"]);
});

Deno.test("Terminal calls onInterrupt for Ctrl-C while nothing is read, dropping what was typed ahead", async () => {
  const interrupted = Promise.withResolvers<void>();
  const { io, terminal } = openTerminal({ onInterrupt: interrupted.resolve });
  await using _ = terminal;
  io.type("ahead\r\x03");
  await interrupted.promise;
  const next = terminal.nextInput();
  io.type("after\r");
  assert.deepEqual(await next, { kind: "line", text: "after" });
});

Deno.test("Terminal reads what is typed before Ctrl-C, however fast, if somebody goes on reading", async () => {
  const { io, terminal } = openTerminal({ onInterrupt: () => assert.fail("interrupted") });
  await using _ = terminal;
  const first = terminal.nextInput();
  io.type("one\r");
  await first; // and before the next read,
  const idle = io.idle();
  io.type("two\r\x03");
  await idle;
  assert.deepEqual(await terminal.nextInput(), { kind: "line", text: "two" });
  assert.deepEqual(await terminal.nextInput(), { kind: "interrupt" });
});

Deno.test("Terminal keeps a Ctrl-C for the next read when there is no onInterrupt", async () => {
  const { io, terminal } = openTerminal();
  await using _ = terminal;
  const idle = io.idle();
  io.type("ahead\r\x03");
  await idle;
  await new Promise((resolve) => setTimeout(resolve)); // nobody goes on reading
  assert.deepEqual((await terminal.readPassword("Password: ")).kind, "interrupt");
});

Deno.test("Terminal says once that a line is full, and keeps what fitted", async () => {
  const { io, terminal } = openTerminal({ maxLineBytes: 5 });
  await using _ = terminal;
  io.type("abcdefg");
  io.type("h\r");
  assert.deepEqual(await terminal.nextInput(), { kind: "line", text: "abcde" });
  assert.equal(io.output.split("at most 5 bytes").length, 2);
  assert.ok(io.output.includes("\x07"));
});

Deno.test("Terminal takes a long paste whole", async () => {
  const { io, terminal } = openTerminal({ maxLineBytes: 100_000 });
  await using _ = terminal;
  const text = "0123456789 你好 ".repeat(2000);
  io.type(`\x1b[200~${text}\x1b[201~\r`);
  assert.deepEqual(await terminal.nextInput(), { kind: "line", text });
});

Deno.test("Terminal reads on when more is typed ahead than it keeps waiting", async () => {
  const { io, terminal } = openTerminal();
  await using _ = terminal;
  for (let i = 0; i < 3000; i++) io.type(`${i}\r`);
  for (let i = 0; i < 3000; i++) {
    assert.deepEqual(await terminal.nextInput(), { kind: "line", text: `${i}` });
  }
});

Deno.test("KeySource tells Escape from Alt by the pause after it", async () => {
  const io = new FakeIo();
  const keys = new KeySource({ read: (buffer) => io.read(buffer) });
  keys.start();
  io.type("\x1b");
  assert.deepEqual(await keys.next(), { kind: "key", name: "escape" }); // after the pause
  io.type("\x1b");
  io.type("b");
  assert.deepEqual(await keys.next(), { kind: "key", name: "alt-b" });
  keys.stop();
});

Deno.test("Terminal.setPrompt() and print() redraw the prompt and the line", async () => {
  const { io, terminal } = openTerminal();
  await using _ = terminal;
  terminal.setPrompt("lobby> ");
  const next = terminal.nextInput();
  io.type("hi");
  io.output = "";
  terminal.setPrompt("physics> ");
  assert.ok(io.output.includes("physics> "));
  terminal.print("user2: \x1b[2Jhello\nforged");
  assert.ok(io.output.includes("user2: ␛[2Jhello ⏎ forged\r\n"));
  terminal.notice("you are \x07offline");
  assert.ok(io.output.includes("-- you are ␇offline\r\n"));
  io.type("\r");
  await next;
});

Deno.test("Terminal.notice() and complain() break between words; what is to be copied stays whole", async () => {
  const { io, terminal } = openTerminal();
  await using _ = terminal;
  const words = `${"word ".repeat(30).trimEnd()}.`;
  for (const [say, mark] of [["notice", "-- "], ["complain", ""]] as const) {
    io.output = "";
    terminal[say](words);
    const [first = "", ...others] = io.output.trimEnd().split("\r\n");
    for (const line of [first, ...others]) assert.ok(line.length < 80, line);
    assert.ok(others.length > 0 && others.every((line) => line.startsWith("   word")));
    assert.equal([first, ...others.map((line) => line.slice(3))].join(" "), mark + words);
  }
  const head = `a-room 1 ${"f".repeat(64)} and more words`;
  io.output = "";
  terminal.notice(head);
  assert.equal(io.output, `-- ${head}\r\n`);
});
