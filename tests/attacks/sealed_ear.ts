/**
 * A client whose events are all kept, in their order: what it was told, and what it was not.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ChatConnection } from "../../lib/client/connection.ts";
import type { ClientEvent } from "../../lib/client/events.ts";

/** The events of one type. */
export type EventOf<T extends ClientEvent["type"]> = Extract<ClientEvent, { type: T }>;

/** See the module's description. */
export class Ear {
  readonly chat: ChatConnection;
  /** All that came by now. */
  readonly events: ClientEvent[] = [];
  /** What was waited for last is behind this place. */
  #heard = 0;
  #changed = Promise.withResolvers<void>();

  constructor(chat: ChatConnection) {
    this.chat = chat;
    void this.#listen();
  }

  /** The next event for which this holds, behind the one that was waited for before. */
  async hears<T extends ClientEvent["type"]>(
    type: T,
    holds: (event: EventOf<T>) => boolean = () => true,
  ): Promise<EventOf<T>> {
    for (;;) {
      for (; this.#heard < this.events.length; this.#heard++) {
        const event = this.events[this.#heard] as ClientEvent;
        if (event.type !== type || !holds(event as EventOf<T>)) continue;
        this.#heard += 1;
        return event as EventOf<T>;
      }
      const last = this.events.at(-1);
      if (last?.type === "closed") assert.fail(`no ${type}, only ${this.brief.join(", ")}`);
      await this.#changed.promise;
    }
  }

  /** The next error, which has to have this code. */
  async fails(code: string): Promise<EventOf<"error">> {
    return await this.hears("error", (error) => {
      assert.equal(error.code, code, error.message);
      return true;
    });
  }

  /** The next text, which has to be this. */
  async reads(text: string): Promise<EventOf<"message">> {
    return await this.hears("message", (message) => {
      assert.equal(message.text, text);
      return true;
    });
  }

  /** All texts that were shown. */
  get texts(): string[] {
    return this.events.flatMap((event) => event.type === "message" ? [event.text] : []);
  }

  /** The codes of all errors. */
  get errors(): string[] {
    return this.events.flatMap((event) => event.type === "error" ? [event.code] : []);
  }

  /** All of it in short. */
  get brief(): string[] {
    return this.events.map((event) => {
      const what = "code" in event ? event.code : "text" in event ? event.text : "";
      return `${event.type} ${what}`.trim();
    });
  }

  async #listen(): Promise<void> {
    for await (const event of this.chat) {
      this.events.push(event);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }
}
