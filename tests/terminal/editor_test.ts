import assert from "node:assert/strict";
import fc from "fast-check";
import { type EditorOutcome, LineEditor } from "../../lib/client/terminal/editor.ts";
import { KeyDecoder } from "../../lib/client/terminal/keys.ts";

const LEFT = "\x1b[D";
const RIGHT = "\x1b[C";
const UP = "\x1b[A";
const DOWN = "\x1b[B";
const DELETE = "\x1b[3~";

function editorOf(options: { maxBytes?: number; historySize?: number } = {}): LineEditor {
  return new LineEditor({ maxBytes: 1000, ...options });
}

/** Types what a terminal would send; gives the last outcome. */
function type(editor: LineEditor, input: string): EditorOutcome {
  const decoder = new KeyDecoder();
  const keys = [...decoder.push(new TextEncoder().encode(input)), ...decoder.flush()];
  return keys.map((key) => editor.press(key)).at(-1) ?? { kind: "edited" };
}

/** The line with a bar for its cursor. */
function picture(editor: LineEditor): string {
  return `${editor.text.slice(0, editor.cursor)}|${editor.text.slice(editor.cursor)}`;
}

const EDITS: [string, string, string][] = [
  ["inserts at the cursor", `helo${LEFT}l`, "hell|o"],
  ["backspace and delete", `abcd${LEFT}${LEFT}\x7f${DELETE}`, "a|d"],
  ["backspace at the start, delete at the end", `\x7fa${DELETE}\x01\x7f`, "|a"],
  ["arrows stop at the ends", `ab${LEFT.repeat(5)}${RIGHT.repeat(9)}`, "ab|"],
  ["an emoji is one step", `a👨‍👩‍👧b${LEFT}${LEFT}`, "a|👨‍👩‍👧b"],
  ["an emoji is one backspace", "a👨‍👩‍👧\x7f", "a|"],
  ["an accent typed later joins its letter", `ex${LEFT}\u0301${RIGHT}${LEFT}`, "e\u0301|x"],
  ["a joint inside a grapheme moves the cursor on", `\u0301\x01e`, "e\u0301|"],
  ["Home, End, Ctrl-A, Ctrl-E", "b\x1b[Ha\x1b[Fd\x01x\x05y", "xabdy|"],
  ["word left: Alt-B, Ctrl-Left", "one two,  three\x1bb\x1b[1;5D", "one |two,  three"],
  ["word right: Alt-F, Ctrl-Right", "one two,  three\x01\x1bf\x1b[1;5C", "one two|,  three"],
  ["word moves stop at the ends", "..\x1bb\x1bb\x1bf\x1bf", "..|"],
  ["Ctrl-W deletes to a blank", "cd /tmp/foo-bar  \x17", "cd |"],
  ["Ctrl-W on blanks only", "   \x17", "|"],
  ["Alt-Backspace deletes a word", "foo-bar\x1b\x7f", "foo-|"],
  ["Alt-D deletes the word after", "foo bar\x01\x1bd", "| bar"],
  ["Ctrl-U and Ctrl-K", `abcdef${LEFT}${LEFT}\x15${RIGHT}\x0b`, "e|"],
  ["Ctrl-Y brings back what was killed", "one two\x17\x01\x19 ", "two |one "],
  ["Ctrl-D deletes within a line", "ab\x01\x04", "|b"],
  ["Ctrl-C clears a line", "some text\x03", "|"],
  ["a tab is a space", "a\tb", "a b|"],
  ["a paste is one line", "\x1b[200~a\rb\tc\x1b[201~d", "a b cd|"],
  ["unknown keys change nothing", "ab\x1b[5~\x1bz\x1b\x1f", "ab|"],
];

Deno.test("LineEditor.press() edits", async (t) => {
  for (const [what, input, expected] of EDITS) {
    await t.step(what, () => {
      const editor = editorOf();
      type(editor, input);
      assert.equal(picture(editor), expected);
    });
  }
});

Deno.test("LineEditor.press() says what the caller must act on", () => {
  const editor = editorOf();
  assert.deepEqual(type(editor, "hi\r"), { kind: "submit", text: "hi" });
  assert.equal(editor.text, "");
  assert.deepEqual(type(editor, "\r"), { kind: "submit", text: "" });
  assert.deepEqual(type(editor, "\x04"), { kind: "end" });
  assert.deepEqual(type(editor, "\x03"), { kind: "interrupt" });
  assert.deepEqual(type(editor, "\x0c"), { kind: "clear-screen" });
  assert.deepEqual(type(editor, "x\x04"), { kind: "edited" });
  assert.deepEqual(type(editor, "x\x03"), { kind: "edited" });
  assert.deepEqual(editor.press({ kind: "key", name: "constructor" }), { kind: "edited" });
});

Deno.test("LineEditor.press() fills a line up to its maximum, and tells", () => {
  for (
    const [input, outcome, text] of [
      ["abcd", "edited", "abcd"],
      ["abcde", "edited", "abcde"],
      ["abcdef", "full", "abcde"],
      ["abcé", "edited", "abcé"],
      ["abcdé", "full", "abcd"], // no half characters
      ["abcde\u0301", "full", "abcd"],
      ["\x1b[200~abc\ndef\x1b[201~", "full", "abc d"],
    ] as const
  ) {
    const editor = editorOf({ maxBytes: 5 });
    assert.equal(type(editor, input).kind, outcome, input);
    assert.equal(editor.text, text);
  }
});

Deno.test("LineEditor history goes up and down and keeps the draft", () => {
  const editor = editorOf();
  type(editor, "one\rtwo\rtwo\r\rthree\rdraft");
  const seen = [UP, UP, UP, UP, DOWN, DOWN, DOWN, DOWN].map((
    key,
  ) => (type(editor, key), editor.text));
  assert.deepEqual(seen, ["three", "two", "one", "one", "two", "three", "draft", "draft"]);
});

Deno.test("LineEditor history is not changed by editing a line of it", () => {
  const editor = editorOf();
  type(editor, `one\r${UP}!\r${UP}${UP}`);
  assert.equal(editor.text, "one");
});

Deno.test("LineEditor history is bounded", () => {
  const editor = editorOf({ historySize: 3 });
  type(editor, "1\r2\r3\r4\r" + UP.repeat(9));
  assert.equal(editor.text, "2");
});

Deno.test("LineEditor keeps its cursor between graphemes and its line in bounds, whatever comes", () => {
  const piece = fc.constantFrom(
    ...[
      "a",
      " ",
      "é",
      "\u0301",
      "👍",
      "🏽",
      "\u200d",
      "你",
      "🇪",
      "\x7f",
      "\x01",
      "\x05",
      "\x17",
      "\x0b",
    ],
    ...["\x15", "\x19", "\x1bb", "\x1bf", "\x1bd", "\r", LEFT, RIGHT, UP, DOWN, DELETE],
  );
  const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const editor = editorOf({ maxBytes: 40 });
      for (const input of pieces) {
        type(editor, input);
        const at = graphemes.segment(editor.text).containing(editor.cursor);
        assert.ok(
          at === undefined ? editor.cursor === editor.text.length : at.index === editor.cursor,
        );
        assert.ok(new TextEncoder().encode(editor.text).length <= 40);
      }
    }),
    { numRuns: 2000 },
  );
});
