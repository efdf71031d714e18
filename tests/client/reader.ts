/**
 * A person at the interactive client, on a terminal without a window, whose server answers as the
 * test says.
 *
 * @module
 */

import { Conversation } from "../../lib/client/conversation.ts";
import { Terminal } from "../../lib/client/terminal/terminal.ts";
import { FakeIo } from "../terminal/fake_io.ts";
import type { PuppetServer } from "./puppet_server.ts";

/** What rings a terminal's bell. */
export const BELL = "\x07";

/** Someone at a terminal, as alice in the lobby. */
export class Reader implements AsyncDisposable {
  readonly io = new FakeIo();
  readonly server: PuppetServer;
  readonly #terminal: Terminal;
  readonly #ended: Promise<number>;

  constructor(server: PuppetServer) {
    this.server = server;
    this.#terminal = Terminal.open(this.io, { color: false, maxLineBytes: 1_000 });
    this.#ended = new Conversation(this.#terminal, server.client, 0).run();
  }

  /** Types a line, and waits for what it brings. */
  async type(line: string, answer: RegExp): Promise<void> {
    this.io.output = "";
    this.io.type(`${line}\r`);
    await this.io.shown(answer);
  }

  /** How often the bell rings while these are said, and one thing more by bob. */
  async ringsFor(...said: readonly [sender: string, text: string][]): Promise<number> {
    this.io.output = "";
    for (const [sender, text] of said) {
      this.server.deliver(this.server.store(text, { sender }));
    }
    this.server.deliverText("that is all");
    await this.io.shown(/that is all/);
    return this.io.output.split(BELL).length - 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.client.abandon();
    await this.#ended;
    this.#terminal.restore();
  }
}
