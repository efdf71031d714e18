/**
 * Reads a terminal in the background and keeps the keys until someone asks for them: what is typed
 * ahead is not lost between two prompts.
 *
 * @module
 */

import { type Key, KeyDecoder } from "./keys.ts";

/** Where keys come from. */
export interface KeySourceOptions {
  /** Reads some bytes; `null` at the end of input. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Called for a Ctrl-C while nobody reads keys; without it the Ctrl-C waits like any key. */
  onInterrupt?: (() => void) | undefined;
}

/** Bytes a read; a terminal's own queue holds 4096. */
const READ_SIZE = 4096;

/** Keys waiting before reading pauses: plenty for a person, and with READ_SIZE bounds memory. */
const MAX_WAITING = 1024;

/** How long after an ESC its sequence may go on: xterm and tmux wait about as long. */
const ESCAPE_MS = 50;

/** A queue of keys, filled in the background from {@linkcode KeySource.start} on. */
export class KeySource {
  readonly #options: KeySourceOptions;
  readonly #decoder = new KeyDecoder();
  #keys: Key[] = [];
  #ended = false;
  #escapeTimer: ReturnType<typeof setTimeout> | undefined;
  #interruptTimer: ReturnType<typeof setTimeout> | undefined;
  #wakeReader: (() => void) | undefined;
  #wakePump: (() => void) | undefined;

  /** Whether someone is reading keys now: set around every read. */
  reading = false;

  constructor(options: KeySourceOptions) {
    this.#options = options;
  }

  /** Whether a key, or the end, is there already. */
  get ready(): boolean {
    return this.#ended || this.#keys.length > 0;
  }

  /** Starts reading. */
  start(): void {
    void this.#pump();
  }

  /** The next key; `undefined` at the end of input or after {@linkcode KeySource.stop}. */
  async next(): Promise<Key | undefined> {
    while (!this.ready) await new Promise<void>((resolve) => this.#wakeReader = resolve);
    const key = this.#keys.shift();
    this.#wakePump?.();
    return key;
  }

  /** Ends it: keys that wait are dropped. A read under way goes on, for nothing can end it. */
  stop(): void {
    clearTimeout(this.#escapeTimer);
    clearTimeout(this.#interruptTimer);
    this.#keys = [];
    this.#ended = true;
    this.#wakeReader?.();
    this.#wakePump?.();
  }

  async #pump(): Promise<void> {
    const buffer = new Uint8Array(READ_SIZE);
    while (!this.#ended) {
      const count = await this.#options.read(buffer).catch(() => null); // the terminal is gone
      clearTimeout(this.#escapeTimer);
      if (count === null || this.#ended) break;
      this.#accept(this.#decoder.push(buffer.subarray(0, count)));
      if (this.#decoder.pending) this.#awaitEscape();
      while (this.#keys.length > MAX_WAITING) {
        await new Promise<void>((resolve) => this.#wakePump = resolve);
      }
    }
    this.#ended = true;
    this.#wakeReader?.();
  }

  #awaitEscape(): void {
    this.#escapeTimer = setTimeout(() => this.#accept(this.#decoder.flush()), ESCAPE_MS);
  }

  #accept(keys: Key[]): void {
    this.#keys.push(...keys);
    if (this.#keys.length > 0) this.#wakeReader?.();
    if (this.reading || !keys.some(isInterrupt)) return;
    // A turn later: between two reads of somebody who goes on reading, nobody reads either.
    this.#interruptTimer ??= setTimeout(() => {
      this.#interruptTimer = undefined;
      this.#interruptUnread();
    });
  }

  /** As a terminal in line mode does: what was typed ahead is dropped. */
  #interruptUnread(): void {
    const key = this.#keys.find(isInterrupt);
    if (this.reading || key === undefined) return;
    this.#keys = this.#options.onInterrupt === undefined ? [key] : [];
    this.#options.onInterrupt?.();
  }
}

function isInterrupt(key: Key): boolean {
  return key.kind === "key" && key.name === "ctrl-c";
}
