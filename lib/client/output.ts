/**
 * Lines for the standard output, and how a message looks in one.
 *
 * @module
 */

import { type ByteSink, writeAll } from "../framing.ts";
import type { FoundEvent, MessageEvent } from "./events.ts";
import { nameOfRoom } from "./room_names.ts";
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

  /** Resolves when all lines are written. Rejects if nobody reads any more. */
  flush(): Promise<void> {
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

/** `YYYY-MM-DD` of a time, on this machine's calendar. */
export function calendarDate(iso: string): string {
  const time = new Date(iso);
  return [time.getFullYear(), time.getMonth() + 1, time.getDate()]
    .map((part, at) => String(part).padStart(at === 0 ? 4 : 2, "0"))
    .join("-");
}

/**
 * A message as one harmless line: `[HH:MM:SS] sender: text`, or `[HH:MM:SS] * sender text`; behind
 * the time, unless it is the one at `home`, the room: `#physics`, or `@bob` for a direct one.
 */
export function formatMessage(message: MessageEvent, home: string): string {
  const where = placeOf(message, home);
  return sanitizeText(`[${clockTime(message.sent_at)}] ${where}${wordsOf(message)}`);
}

/** A message that was found, with its day: `[YYYY-MM-DD HH:MM:SS] sender: text`. */
export function formatFound(message: FoundEvent, home: string): string {
  const { sent_at } = message;
  const words = placeOf(message, home) + wordsOf(message);
  return sanitizeText(`[${calendarDate(sent_at)} ${clockTime(sent_at)}] ${words}`);
}

/** `#physics ` or `@bob `, but nothing for the room at `home`. */
export function placeOf(message: MessageEvent | FoundEvent, home: string | undefined): string {
  if (message.room === home) return "";
  return message.peer === undefined ? `#${message.room} ` : `${nameOfRoom(message)} `;
}

function wordsOf({ sender, text, action }: MessageEvent | FoundEvent): string {
  return action ? `* ${sender} ${text}` : `${sender}: ${text}`;
}
