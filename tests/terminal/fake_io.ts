/**
 * A terminal without a window, for tests that need no real one.
 *
 * @module
 */

import type { TerminalIo } from "../../lib/client/terminal/io.ts";

/** A terminal that is typed at and looked at by a test. */
export class FakeIo implements TerminalIo {
  output = "";
  raw: boolean[] = [];
  #input: Uint8Array[] = [];
  #ended = false;
  #wake: (() => void) | undefined;
  #idle: (() => void) | undefined;
  #written = Promise.withResolvers<void>();

  /** Resolves when all that was typed has been read and looked at. */
  idle(): Promise<void> {
    return new Promise((resolve) => this.#idle = resolve);
  }

  /** Resolves when what was written matches. */
  async shown(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.output)) await this.#written.promise;
  }

  type(text: string): void {
    this.#input.push(new TextEncoder().encode(text));
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#input.length === 0 && !this.#ended) {
      this.#idle?.();
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const bytes = this.#input.shift();
    if (bytes === undefined) return null;
    buffer.set(bytes.subarray(0, buffer.length));
    if (bytes.length > buffer.length) this.#input.unshift(bytes.subarray(buffer.length));
    return Math.min(bytes.length, buffer.length);
  }

  write(bytes: Uint8Array): void {
    this.output += new TextDecoder().decode(bytes);
    this.#written.resolve();
    this.#written = Promise.withResolvers();
  }

  setRaw(on: boolean): void {
    this.raw.push(on);
  }

  columns(): number {
    return 80;
  }
}
