/**
 * The hash chain over a room's entries: each value commits to everything before it, so that whoever
 * noted one value can tell later if any earlier entry was altered, removed, inserted or moved.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { encodeFrames } from "../framing.ts";
import type { LogEntry } from "./message_log.ts";

const utf8 = new TextEncoder();

/** Bound into each value, so that it cannot equal a hash that is made for anything else. */
const ENTRY_LABEL = "fernchat log entry v1";
const START_LABEL = "fernchat log start v1";

/** The value before a room's first entry: 64 hex digits. */
export function chainStart(room: string): string {
  return sha256([START_LABEL, room].map((text) => utf8.encode(text)));
}

/**
 * The value after an entry: SHA-256 over the previous value and every field, each with its length
 * before it, so that no two lists of fields give the same bytes.
 */
export function chainNext(previous: string, entry: Omit<LogEntry, "chain">): string {
  const fields = [
    ENTRY_LABEL,
    previous,
    entry.room,
    String(entry.seq),
    entry.sender,
    entry.sentAt,
    entry.keyId,
    entry.messageId,
    entry.token,
  ];
  return sha256(fields.map((text) => utf8.encode(text)));
}

function sha256(fields: Uint8Array[]): string {
  return createHash("sha256").update(encodeFrames(fields)).digest("hex");
}
