/**
 * A log's entry as a message to a client.
 *
 * @module
 */

import type { LogEntry } from "../log/message_log.ts";
import { encodeServerMessage } from "../protocol/messages.ts";

/**
 * An entry as a delivery, or as a piece of history. Undefined if someone else put into the database
 * what no message can hold: members then see the gap, as the chain is for.
 */
export function encodeEntry(type: "message" | "past", entry: LogEntry): Uint8Array | undefined {
  const { seq, sender, room, messageId: id, sentAt: sent_at, keyId: key_id, token, chain } = entry;
  try {
    return encodeServerMessage({ type, seq, sender, room, id, sent_at, key_id, token, chain });
  } catch {
    return undefined;
  }
}
