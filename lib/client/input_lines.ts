/**
 * Lines from the standard input, one after another, with what is wrong with them: nothing is
 * dropped without a word.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { ByteSource } from "../framing.ts";

/** A line, or why there is none. Lines count from 1. */
export type InputLine =
  | { number: number; text: string }
  | { number: number; fault: string };

/** Bytes of a line: far above any message, so that only a lost newline ends up here. */
export const MAX_LINE_BYTES = 1024 * 1024;

const NEWLINE = 0x0a;

/** Reads lines without their `\n` or `\r\n`. A line without an end at the end of input counts. */
export async function* inputLines(source: ByteSource): AsyncGenerator<InputLine, void> {
  const buffer = new Uint8Array(64 * 1024);
  const line = new LineBuffer();
  for (;;) {
    const count = await source.read(buffer);
    if (count === null) break;
    let start = 0;
    for (;;) {
      const end = buffer.subarray(0, count).indexOf(NEWLINE, start);
      if (end === -1) break;
      line.add(buffer.subarray(start, end));
      yield line.take();
      start = end + 1;
    }
    line.add(buffer.subarray(start, count));
  }
  if (line.length > 0) yield line.take();
}

/** Gathers one line's bytes, up to the limit. */
class LineBuffer {
  length = 0;
  #number = 0;
  #parts: Uint8Array[] = [];

  add(bytes: Uint8Array): void {
    this.length += bytes.length;
    if (this.length <= MAX_LINE_BYTES) this.#parts.push(bytes.slice());
    else this.#parts = [];
  }

  take(): InputLine {
    const number = ++this.#number;
    const { length } = this;
    const bytes = Buffer.concat(this.#parts);
    this.length = 0;
    this.#parts = [];
    if (length > MAX_LINE_BYTES) return { number, fault: `longer than ${MAX_LINE_BYTES} bytes` };
    try {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
      return { number, text: text.replace(/\r$/, "") };
    } catch {
      return { number, fault: "not valid UTF-8" };
    }
  }
}
