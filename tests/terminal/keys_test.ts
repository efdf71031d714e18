import assert from "node:assert/strict";
import fc from "fast-check";
import { type Key, KeyDecoder } from "../../lib/client/terminal/keys.ts";

const encoder = new TextEncoder();

function decode(input: string): string[] {
  const decoder = new KeyDecoder();
  return [...decoder.push(encoder.encode(input)), ...decoder.flush()].map(spell);
}

/** A key in short: text as 'x', a paste as "x", a key by its name. */
function spell(key: Key): string {
  if (key.kind === "key") return key.name;
  return key.kind === "text" ? `'${key.text}'` : JSON.stringify(key.text);
}

/** Text may come in any number of pieces: put them together again. */
function joined(keys: Key[]): string[] {
  const all: Key[] = [];
  for (const key of keys) {
    const last = all.at(-1);
    if (key.kind !== "key" && last?.kind === key.kind) {
      all.splice(-1, 1, { kind: key.kind, text: last.text + key.text });
    } else all.push(key);
  }
  return all.map(spell);
}

const CASES: [string, string[]][] = [
  ["hello", ["'hello'"]],
  ["é你😀", ["'é你😀'"]],
  ["\ufeffx", ["'\ufeffx'"]],
  ["a\rb\n", ["'a'", "enter", "'b'", "enter"]],
  ["\x7f\b\t", ["backspace", "backspace", "tab"]],
  ["\0\x01\x05\x17\x1f", ["ctrl-space", "ctrl-a", "ctrl-e", "ctrl-w", "ctrl-_"]],
  ["\x1b[A\x1b[B\x1b[C\x1b[D", ["up", "down", "right", "left"]],
  ["\x1bOA\x1bOB\x1bOC\x1bOD\x1bOH\x1bOF", ["up", "down", "right", "left", "home", "end"]],
  ["\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~", ["home", "end", "home", "end", "home", "end"]],
  ["\x1b[3~\x1b[5~\x1b[6~", ["delete", "page-up", "page-down"]],
  ["\x1b[1;5D\x1b[1;3C\x1b[1;2A\x1b[1;7D", ["ctrl-left", "alt-right", "up", "ctrl-alt-left"]],
  ["\x1bb\x1bf\x1bd\x1b\x7f\x1b\b", ["alt-b", "alt-f", "alt-d", "alt-backspace", "alt-backspace"]],
  ["\x1b", ["escape"]],
  ["\x1b\x1b[A", ["escape", "up"]],
  ["\x1bé", ["escape", "'é'"]],
  ["\x1b\x03", ["escape", "ctrl-c"]],
  ["\x1b[200~a\r\nb\tc\x1b[201~d", ['"a"', '"\\n"', '"\\n"', '"b"', '"\\t"', '"c"', "'d'"]],
  ["\x1b[200~a\x1b[A\x1b[201~\x1b[A", ['"a"', "up"]],
  ["\x1b[200~a\x03b", ['"a"', "ctrl-c", "'b'"]], // the way out of an endless paste
  ["\x1b[[Ax", ["'x'"]], // the Linux console's F1
  ["\x1b[15~\x1b[?1;2cx", ["'x'"]], // F5, and an answer to a question we never ask,
  ["\x1b[12\x03", ["ctrl-c"]],
  ["\x1b[" + "1;".repeat(5000) + "Ax", ["up", "'x'"]],
  ["\x1b[12é", ["'é'"]],
  ["a\u009b31mb", ["'a31mb'"]], // C1 controls are no text
];

Deno.test("KeyDecoder.push() decodes what terminals send", async (t) => {
  for (const [input, keys] of CASES) {
    await t.step(
      JSON.stringify(input).slice(0, 40),
      () => assert.deepEqual(decode(input), keys),
    );
  }
});

Deno.test("KeyDecoder.push() gives the same keys byte by byte", () => {
  for (const [input] of CASES) {
    const [whole, bytewise] = [new KeyDecoder(), new KeyDecoder()];
    const bytes = encoder.encode(input);
    const keys = Array.from(bytes, (_, i) => bytewise.push(bytes.subarray(i, i + 1))).flat();
    assert.deepEqual(
      joined([...keys, ...bytewise.flush()]),
      joined([...whole.push(bytes), ...whole.flush()]),
    );
  }
});

/** Bytes rich in what the decoder looks at. */
const noise = fc.array(
  fc.oneof(
    fc.constantFrom(0x1b, 0x5b, 0x4f, 0x32, 0x30, 0x31, 0x3b, 0x7e, 0x41, 0x03, 0x0d, 0xc3, 0xa9),
    fc.integer({ min: 0, max: 255 }),
  ),
  { maxLength: 60 },
).map((bytes) => Uint8Array.from(bytes));

Deno.test("KeyDecoder.push() takes any bytes, cut anywhere, to the same keys", () => {
  fc.assert(
    fc.property(noise, fc.nat(60), (bytes, at) => {
      const [whole, cut] = [new KeyDecoder(), new KeyDecoder()];
      const cutKeys = [...cut.push(bytes.subarray(0, at)), ...cut.push(bytes.subarray(at))];
      assert.deepEqual(
        joined([...cutKeys, ...cut.flush()]),
        joined([...whole.push(bytes), ...whole.flush()]),
      );
    }),
    { numRuns: 5000 },
  );
});

Deno.test("KeyDecoder never gives control characters as typed text", () => {
  fc.assert(
    fc.property(noise, (bytes) => {
      for (const key of new KeyDecoder().push(bytes)) {
        // deno-lint-ignore no-control-regex
        if (key.kind === "text") assert.doesNotMatch(key.text, /[\x00-\x1f\x7f-\x9f]/);
        // deno-lint-ignore no-control-regex
        if (key.kind === "paste") assert.doesNotMatch(key.text, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
      }
    }),
  );
});

Deno.test("KeyDecoder comes back to text whatever came before", () => {
  fc.assert(
    fc.property(noise, (bytes) => {
      const decoder = new KeyDecoder();
      decoder.push(bytes);
      decoder.flush();
      const keys = decoder.push(encoder.encode("\x03ok\r")).map(spell);
      assert.deepEqual(keys.slice(-3), ["ctrl-c", "'ok'", "enter"]);
    }),
  );
});

Deno.test("KeyDecoder.pending is true only while an ESC waits", () => {
  const decoder = new KeyDecoder();
  assert.equal(decoder.pending, false);
  decoder.push(encoder.encode("a\x1b"));
  assert.equal(decoder.pending, true);
  assert.deepEqual(decoder.push(encoder.encode("[A")).map(spell), ["up"]);
  assert.equal(decoder.pending, false);
});
