/**
 * A client without a terminal, as a test pipes lines into it and reads what comes out.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { runLineMode } from "../../lib/client/line_mode.ts";
import type { PuppetServer } from "./puppet_server.ts";

/** A client without a terminal whose input is typed by the test. */
export class Piped {
  readonly output: string[] = [];
  readonly diagnostics: string[] = [];
  readonly ended: Promise<number>;
  readonly #input = new TransformStream<Uint8Array, Uint8Array>();
  readonly #writer = this.#input.writable.getWriter();
  #changed = Promise.withResolvers<void>();

  constructor({ client }: Pick<PuppetServer, "client">, run: typeof runLineMode, history = 0) {
    const reader = this.#input.readable.getReader();
    const input = {
      async read(buffer: Uint8Array): Promise<number | null> {
        const { value } = await reader.read();
        if (value === undefined) return null;
        buffer.set(value);
        return value.length;
      },
    };
    const output = {
      write: (bytes: Uint8Array): Promise<number> => {
        this.#note(this.output, new TextDecoder().decode(bytes).trimEnd());
        return Promise.resolve(bytes.length);
      },
    };
    const complain = (line: string): void => this.#note(this.diagnostics, line);
    this.ended = run(client, { input, output, complain }, history);
  }

  /** Types lines. */
  async type(...lines: string[]): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")));
  }

  /** Ends the input. */
  async close(): Promise<void> {
    await this.#writer.close();
  }

  /** Ends the input, and the connection as the server would; returns the exit code. */
  async end(server: PuppetServer): Promise<number> {
    await this.close();
    assert.equal(await server.channel.receive(), null);
    await server.channel.close();
    return await this.ended;
  }

  /** Resolves when a line was shown that matches. */
  async shown(pattern: RegExp): Promise<void> {
    while (![...this.output, ...this.diagnostics].some((line) => pattern.test(line))) {
      await this.#changed.promise;
    }
  }

  #note(lines: string[], line: string): void {
    lines.push(line);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
