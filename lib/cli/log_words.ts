/**
 * What a row of a log says, for those who have keys: its text, or why there is none.
 *
 * @module
 */

import { sanitizeText } from "../client/terminal/sanitize.ts";
import { FernchatError } from "../errors.ts";
import type { KeyRing } from "../fernet.ts";
import type { LogRow } from "../log/log_reader.ts";
import { openContent } from "../rooms/open_room.ts";
import { decodeSealedPayload, type SealedContent } from "../rooms/sealed_payload.ts";
import type { SealedNames } from "./sealed_names.ts";

/** Why a row has no text. */
type Unreadable = "key-missing" | "token-invalid";

/** What a row says; or that nobody but its room's members is to read it; or what is wrong with it. */
export type Opened =
  | SealedContent & { error: null }
  | { text: null; error: null; sealed: true }
  | { text: null; error: Unreadable };

const REASONS: { [error in Unreadable]: (row: LogRow) => string } = {
  "key-missing": ({ keyId }) => `cannot be read without the key ${keyId}`,
  "token-invalid": () => "not what its sender wrote: its token does not belong to this row",
};

/**
 * Opens a row with the keys that there are. Who sent it in a sealed room is the server's word: the
 * members' clients know whose signature is in the token.
 */
export function openRow(ring: KeyRing, sealed: SealedNames, row: LogRow): Opened {
  const isSealed = sealed.has(row.room);
  const key = ring.find(row.keyId);
  if (key === undefined) {
    return isSealed
      ? { text: null, error: null, sealed: true }
      : { text: null, error: "key-missing" };
  }
  const { room, sender, messageId: id, sentAt: sent_at, token } = row;
  const envelope = { room, sender, id, sent_at };
  try {
    const content = isSealed
      ? decodeSealedPayload(envelope, key.decryptText(token)).content
      : openContent(ring, envelope, row);
    const { text, ...manner } = content;
    return { text, error: null, ...manner };
  } catch (error) {
    if (error instanceof FernchatError) return { text: null, error: "token-invalid" };
    throw error;
  }
}

/**
 * `[YYYY-MM-DD HH:MM:SS] room seq sender: text`, in UTC; for what somebody does `… seq * sender text`,
 * as for a change of a sealed room; without a text, why there is none after `--`.
 */
export function asLine(row: LogRow, opened: Opened): string {
  const time = row.sentAt.slice(0, 19).replace("T", " ");
  return sanitizeText(`[${time}] ${row.room} ${row.seq} ${wordsOf(row, opened)}`);
}

function wordsOf(row: LogRow, opened: Opened): string {
  const { sender } = row;
  if (opened.error !== null) return `${sender} -- ${REASONS[opened.error](row)}`;
  if ("sealed" in opened) return `${sender} -- sealed: its members have the key ${row.keyId}`;
  const { text, action, commit, leave } = opened;
  const isDeed = action === true || commit !== undefined || leave === true;
  return isDeed ? `* ${sender} ${text}` : `${sender}: ${text}`;
}
