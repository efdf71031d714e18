/**
 * A room of the puppet server: its keys and its log, as an honest server keeps them.
 *
 * @module
 */

import { FernetKey } from "../../lib/fernet.ts";
import { chainNext, chainStart } from "../../lib/log/chain.ts";
import type { Head, LogEntry } from "../../lib/log/message_log.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../../lib/protocol/messages.ts";
import { sealText } from "../../lib/rooms/open_room.ts";

/** A client's message to a room. */
export type Send = MessageOf<ClientMessage, "send">;

/** Everyone's clock. */
const SENT_AT = "2026-01-01T00:00:00.000Z";

/** See the module's description. */
export class PuppetRoom {
  readonly name: string;
  /** The newest key first. */
  keys = [FernetKey.generate()];
  log: LogEntry[] = [];
  topic = "";
  /** Seconds between two messages. */
  slow = 0;
  #stored = 0;

  constructor(name: string) {
    this.name = name;
  }

  get key(): FernetKey {
    return this.keys[0] as FernetKey;
  }

  /** The log's end. */
  get head(): Head {
    const { seq, chain } = this.log.at(-1) ?? { seq: 0, chain: chainStart(this.name) };
    return { seq, chain };
  }

  /** The answer to a `join`. */
  joined({ seq: last_seq, chain: head }: Head = this.head): MessageOf<ServerMessage, "joined"> {
    const { name: room, topic, slow } = this;
    const keys = this.keys.map(String);
    return { type: "joined", room, kind: "open", topic, slow, keys, last_seq, head };
  }

  /** What the room is set to. */
  settings(by?: string): MessageOf<ServerMessage, "settings"> {
    const { name: room, topic, slow } = this;
    return { type: "settings", room, topic, slow, ...(by === undefined ? {} : { by }) };
  }

  /** Puts a message into the log. */
  store(
    text: string,
    { sender = "bob", id = `m${++this.#stored}`, key = this.key } = {},
  ): LogEntry {
    const room = this.name;
    const { keyId, token } = sealText(key, { room, sender, id, sent_at: SENT_AT }, text);
    return this.append({ room, sender, messageId: id, sentAt: SENT_AT, keyId, token });
  }

  append(entry: Omit<LogEntry, "seq" | "chain">): LogEntry {
    const { seq, chain } = this.head;
    const numbered = { ...entry, seq: seq + 1 };
    const stored = { ...numbered, chain: chainNext(chain, numbered) };
    this.log.push(stored);
    return stored;
  }
}

/** An entry with the names that it has on the wire. */
export function toWire(entry: LogEntry): Omit<MessageOf<ServerMessage, "message">, "type"> {
  const { seq, sender, room, messageId: id, sentAt: sent_at, keyId: key_id, token, chain } = entry;
  return { seq, sender, room, id, sent_at, key_id, token, chain };
}
