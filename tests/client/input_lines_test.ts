/** Lines from a pipe: whole, in pieces, without an end, and those that cannot be text. */

import assert from "node:assert/strict";
import { type InputLine, inputLines, MAX_LINE_BYTES } from "../../lib/client/input_lines.ts";
import type { ByteSource } from "../../lib/framing.ts";

/** A source that gives at most `step` bytes at a time. */
function source(bytes: Uint8Array, step: number): ByteSource {
  let offset = 0;
  return {
    read(into): Promise<number | null> {
      if (offset === bytes.length) return Promise.resolve(null);
      const piece = bytes.subarray(offset, offset + Math.min(step, into.length));
      into.set(piece);
      offset += piece.length;
      return Promise.resolve(piece.length);
    },
  };
}

async function linesOf(bytes: Uint8Array, step = bytes.length): Promise<InputLine[]> {
  return await Array.fromAsync(inputLines(source(bytes, step)));
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

Deno.test("inputLines() gives the same lines whole and byte by byte", async () => {
  const bytes = utf8("one\r\n\n👩‍🔬 é\n\ufefflast without an end");
  const expected = ["one", "", "👩‍🔬 é", "\ufefflast without an end"];
  for (const step of [bytes.length, 1]) {
    const lines = await linesOf(bytes, step);
    assert.deepEqual(lines, expected.map((text, at) => ({ number: at + 1, text })));
  }
});

Deno.test("inputLines() gives nothing for nothing, and no line after the last newline", async () => {
  assert.deepEqual(await linesOf(new Uint8Array()), []);
  assert.deepEqual(await linesOf(utf8("a\n")), [{ number: 1, text: "a" }]);
});

Deno.test("inputLines() names a line that is not UTF-8, and goes on", async () => {
  const lines = await linesOf(Uint8Array.of(0xff, 0x0a, 0x61, 0x0a));
  assert.deepEqual(lines, [{ number: 1, fault: "not valid UTF-8" }, { number: 2, text: "a" }]);
});

Deno.test("inputLines() takes the longest line −1 and 0, and names one of +1", async () => {
  const faults = await Promise.all([-1, 0, 1].map(async (more) => {
    const [line, next] = await linesOf(utf8(`${"x".repeat(MAX_LINE_BYTES + more)}\nnext\n`));
    assert.deepEqual(next, { number: 2, text: "next" });
    return "fault" in line! ? line.fault : undefined;
  }));
  assert.deepEqual(faults, [undefined, undefined, `longer than ${MAX_LINE_BYTES} bytes`]);
});
