/**
 * Lines for the standard output, and how a message looks in one.
 *
 * @module
 */

import { type ByteSink, writeAll } from "../framing.ts";
import type { MessageEvent } from "./events.ts";
import { sanitizeText } from "./terminal/sanitize.ts";

/** Writes lines in order. Resolves when the reader has taken them, so a slow one holds us up. */
export class LineWriter {
  readonly #sink: ByteSink;
  #last: Promise<void> = Promise.resolve();

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Writes a line. Rejects if nobody reads any more. */
  write(line: string): Promise<void> {
    const bytes = new TextEncoder().encode(`${line}\n`);
    this.#last = this.#last.then(() => writeAll(this.#sink, bytes));
    this.#last.catch(() => {}); // whoever writes next, or waits for this line, gets the failure
    return this.#last;
  }
}

/** `HH:MM:SS` of a time, on this machine's clock. */
export function clockTime(iso: string): string {
  const time = new Date(iso);
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

/** A message as one harmless line: `[HH:MM:SS] sender: text`. */
export function formatMessage({ sent_at, sender, text }: MessageEvent): string {
  return sanitizeText(`[${clockTime(sent_at)}] ${sender}: ${text}`);
}
