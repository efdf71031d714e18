import assert from "node:assert/strict";
import fc from "fast-check";
import xterm from "@xterm/headless";
import { Screen } from "../../lib/client/terminal/screen.ts";
import { type StyledText, styleFor } from "../../lib/client/terminal/style.ts";
import { columnsOf } from "../../lib/client/terminal/width.ts";
import { inputWindow } from "../../lib/client/terminal/window.ts";

/** xterm.js without a screen: an independent judge of what a person would see. */
class Emulator {
  readonly screen: Screen;
  readonly writes: string[] = [];
  readonly #xterm: InstanceType<typeof xterm.Terminal>;

  constructor(columns: number, rows: number, options: { color?: boolean; reflow?: boolean } = {}) {
    this.#xterm = new xterm.Terminal({
      cols: columns,
      rows,
      allowProposedApi: true,
      reflowCursorLine: options.reflow ?? false,
    });
    this.screen = new Screen({
      write: (output) => {
        this.writes.push(output);
        this.#xterm.write(output);
      },
      columns: () => this.#xterm.cols,
      color: options.color ?? false,
    });
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#settled();
    this.#xterm.resize(columns, rows);
    this.screen.redraw();
  }

  /** Every line so far, also those scrolled away, without blank ones at the end. */
  async lines(): Promise<string[]> {
    await this.#settled();
    const buffer = this.#xterm.buffer.active;
    const lines: string[] = [];
    for (let y = 0; y < buffer.length; y++) {
      const row = buffer.getLine(y);
      const text = row?.translateToString(true) ?? "";
      if (row?.isWrapped) lines.push((lines.pop() ?? "") + text);
      else lines.push(text);
    }
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  /** The row that the cursor is on, with a bar where it is. */
  async input(): Promise<string> {
    await this.#settled();
    const buffer = this.#xterm.buffer.active;
    const row = buffer.getLine(buffer.baseY + buffer.cursorY);
    return `${row?.translateToString(false, 0, buffer.cursorX)}|` +
      row?.translateToString(true, buffer.cursorX);
  }

  #settled(): Promise<void> {
    return new Promise((resolve) => this.#xterm.write("", resolve));
  }
}

Deno.test("Screen.print() leaves the half-typed line whole", async () => {
  const emulator = new Emulator(40, 6);
  emulator.screen.setPrompt("lobby> ");
  emulator.screen.show("half a mess", 4);
  emulator.screen.print("user2: hello");
  assert.deepEqual(await emulator.lines(), ["user2: hello", "lobby> half a mess"]);
  assert.equal(await emulator.input(), "lobby> half| a mess");
  emulator.screen.print("user2: one", "user3: two");
  assert.deepEqual((await emulator.lines()).slice(1), [
    "user2: one",
    "user3: two",
    "lobby> half a mess",
  ]);
  assert.equal(await emulator.input(), "lobby> half| a mess");
});

Deno.test("Screen makes one write an update", () => {
  const emulator = new Emulator(40, 6);
  emulator.screen.setPrompt("> ");
  emulator.screen.show("text", 2);
  emulator.screen.print("a", "b", "c");
  emulator.screen.show("texxt", 3);
  assert.equal(emulator.writes.length, 3);
});

Deno.test("Screen.print() scrolls, and long lines wrap, without harm to the input", async () => {
  const emulator = new Emulator(20, 4);
  emulator.screen.setPrompt("> ");
  emulator.screen.show("typing", 6);
  const lines = ["x".repeat(19), "y".repeat(20), "z".repeat(21), "你".repeat(25), "end"];
  for (const line of lines) emulator.screen.print(line);
  assert.deepEqual(await emulator.lines(), [...lines, "> typing"]);
  assert.equal(await emulator.input(), "> typing|");
});

Deno.test("Screen.show() shows a window of a line that is too long", async () => {
  const emulator = new Emulator(20, 4);
  const text = "abcdefghijklmnopqrstuvwxyz";
  emulator.screen.setPrompt("> ");
  const shown: string[] = [];
  for (const cursor of [26, 25, 18, 13, 5, 0]) {
    emulator.screen.show(text, cursor);
    shown.push(await emulator.input());
  }
  assert.deepEqual(shown, [
    "> …klmnopqrstuvwxyz|",
    "> …klmnopqrstuvwxy|z",
    "> …ghijklmnopqr|stu…",
    "> abcdefghijklm|nop…",
    "> abcde|fghijklmnop…",
    "> |abcdefghijklmnop…",
  ]);
  assert.equal((await emulator.lines()).length, 1);
});

Deno.test("Screen.show() counts wide characters", async () => {
  const emulator = new Emulator(20, 4);
  emulator.screen.setPrompt("你> ");
  emulator.screen.show("一二三四五", 2);
  assert.equal(await emulator.input(), "你> 一二|三四五");
  emulator.screen.show("一二三四五六七八九十", 10);
  assert.equal(await emulator.input(), "你> …四五六七八九十|");
});

Deno.test("Screen puts the cursor right where the terminal sees other widths", async () => {
  const emulator = new Emulator(30, 4); // this xterm.js shows the family as three wide emoji
  const family = "👨‍👩‍👧";
  emulator.screen.setPrompt("> ");
  emulator.screen.show(`a${family}bc`, 1 + family.length + 1);
  emulator.screen.print("hi");
  assert.match(await emulator.input(), /^> a.*b\|c$/u);
  assert.equal((await emulator.lines()).length, 2);
  emulator.screen.show(family.repeat(20), 0); // too wide for it by far: cut, never wrapped
  assert.equal((await emulator.lines()).length, 2);
});

Deno.test("Screen.redraw() follows the width of the terminal", async (t) => {
  for (const reflow of [false, true]) {
    await t.step(reflow ? "that reflows" : "that cuts", async () => {
      const emulator = new Emulator(40, 6, { reflow });
      emulator.screen.setPrompt("lobby> ");
      emulator.screen.print("user2: a line that is longer than twenty");
      emulator.screen.show("a half-typed line of words", 26);
      await emulator.resize(20, 6);
      assert.equal(await emulator.input(), "lobby> …ne of words|");
      emulator.screen.print("user3: hi");
      await emulator.resize(60, 6);
      assert.equal(await emulator.input(), "lobby> a half-typed line of words|");
      const lines = await emulator.lines();
      assert.equal(lines[0], "user2: a line that is longer than twenty");
      assert.ok(lines.includes("user3: hi"));
    });
  }
});

Deno.test("Screen keeps the prompt within half of the row", async () => {
  const emulator = new Emulator(20, 4);
  emulator.screen.setPrompt([{ text: "a-very-long-room " }, { text: "(sealed)> " }]);
  emulator.screen.show("text", 4);
  assert.equal(await emulator.input(), "a-very-lo…text|");
});

Deno.test("Screen survives any width", async () => {
  for (const columns of [1, 2, 3, 4, 5, 8]) {
    const emulator = new Emulator(columns, 4);
    emulator.screen.setPrompt("lobby> ");
    emulator.screen.show("some 你好 text", 7);
    emulator.screen.print("hi");
    assert.ok((await emulator.lines()).join("\n").includes("h"), `${columns} columns`);
  }
});

Deno.test("Screen lets no text through unsanitized", () => {
  const emulator = new Emulator(40, 6);
  const hostile = "\x1b[2J\x9b31m\x07\n\u202e";
  emulator.screen.setPrompt([{ text: hostile, style: "bold" }]);
  emulator.screen.show(hostile, 3);
  emulator.screen.print(hostile, { text: hostile }, [{ text: hostile, style: "red" }]);
  const output = emulator.writes.join("");
  for (const found of ["\x1b[2J", "\x1b[1m", "\x9b", "\x07", "\u202e"]) {
    assert.ok(!output.includes(found), JSON.stringify(found));
  }
  assert.doesNotMatch(output, /(?<!\r)\n/);
});

Deno.test("Screen uses styles only with color", async () => {
  const text: StyledText = [{ text: "user2", style: "cyan" }, { text: ": hi" }];
  const [plain, colored] = [new Emulator(40, 6), new Emulator(40, 6, { color: true })];
  for (const { screen } of [plain, colored]) screen.print(text);
  assert.deepEqual(plain.writes, ["user2: hi\r\n"]);
  assert.deepEqual(colored.writes, ["\x1b[36muser2\x1b[0m: hi\r\n"]);
  assert.deepEqual(await colored.lines(), ["user2: hi"]);
});

Deno.test("Screen.commit(), hide(), clear() and close()", async () => {
  const emulator = new Emulator(40, 6);
  const { screen } = emulator;
  screen.setPrompt("Name: ");
  screen.show("bob", 3);
  screen.commit();
  assert.deepEqual(await emulator.lines(), ["Name: bob"]);
  screen.show("x", 1);
  screen.hide();
  assert.deepEqual(await emulator.lines(), ["Name: bob"]);
  screen.show("y", 1);
  screen.clear();
  assert.deepEqual(await emulator.lines(), ["Name: y"]);
  screen.close();
  screen.show("z", 1);
  screen.print("bye");
  assert.deepEqual(await emulator.lines(), ["bye"]);
});

Deno.test("inputWindow() fits into its columns and shows all that fits", () => {
  const unit = fc.constantFrom("a", " ", "你", "e\u0301", "👍🏽", "\x1b", "\u202e");
  fc.assert(
    fc.property(
      fc.array(unit),
      fc.array(unit),
      fc.integer({ min: 1, max: 30 }),
      (b, a, columns) => {
        const [start, end] = [b.join(""), a.join("")];
        const { before, after } = inputWindow(start + end, start.length, columns);
        assert.ok(columnsOf(before + after) <= columns);
        const whole = inputWindow(start + end, start.length, 10_000);
        if (columnsOf(whole.before + whole.after) <= columns) {
          assert.deepEqual({ before, after }, whole);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("columnsOf() counts what terminals show", () => {
  for (
    const [text, columns] of [["", 0], ["abc", 3], ["你好", 4], ["e\u0301", 1], ["한", 2], [
      "👍🏽",
      2,
    ], [
      "…⏎␛",
      3,
    ]] as const
  ) assert.equal(columnsOf(text), columns, text);
});

Deno.test("styleFor() gives a name one colour, and spreads names", () => {
  const names = Array.from({ length: 100 }, (_, i) => `user${i}`);
  assert.equal(styleFor("user1"), styleFor("user1"));
  assert.equal(new Set(names.map(styleFor)).size, 10);
  assert.ok(!names.map(styleFor).includes("red"));
});
