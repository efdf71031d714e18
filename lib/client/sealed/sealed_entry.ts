/**
 * What an entry of a sealed room's log says, and whether its author can have said it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { PeerError } from "../../errors.ts";
import type { FernetKey } from "../../fernet.ts";
import { sameName } from "../../folded_name.ts";
import type { Head, LogEntry } from "../../log/message_log.ts";
import { verify } from "../../mls/ed25519.ts";
import type { Content, Envelope } from "../../rooms/payload.ts";
import {
  decodeSealedPayload,
  type SealedPayload,
  verifySealedPayload,
} from "../../rooms/sealed_payload.ts";
import type { EpochKey } from "../../vault/archive.ts";
import { MAX_LAG, type RecentEntries } from "../../vault/recent_entries.ts";

/**
 * Opens an entry with the key of its epoch.
 *
 * @throws {PeerError} `token-invalid`.
 */
export function decrypt(key: FernetKey, entry: LogEntry): SealedPayload {
  if (entry.keyId !== key.id) throw invalid(`needs the key ${entry.keyId}, not that of its epoch`);
  return decodeSealedPayload(envelopeOf(entry), key.decryptText(entry.token));
}

/**
 * Passes if a member's device has signed the payload, in that epoch and for its key.
 *
 * @param user the account whose device it is; undefined if it was no member's then.
 * @throws {PeerError} `token-invalid`.
 */
export function checkPayload(
  entry: LogEntry,
  payload: SealedPayload,
  { epoch, key }: Pick<EpochKey, "epoch" | "key">,
  user: string | undefined,
): void {
  if (user === undefined || !sameName(user, entry.sender)) {
    throw invalid(`is not from a device of ${entry.sender}`);
  }
  verifySealedPayload(envelopeOf(entry), payload, key.digest(), verify);
  if (payload.epoch !== epoch) throw invalid("was not sealed for this place");
}

/**
 * Passes if an entry of this epoch comes for the first time, and soon enough: its token opens at any
 * later place of the epoch, too.
 *
 * @throws {PeerError} `token-invalid`, `room-inconsistent`.
 */
export function checkNew(entry: LogEntry, { after }: SealedPayload, recent: RecentEntries): void {
  const { room, sender, seq } = entry;
  if (recent.has(entry)) {
    const message = `The server repeats a message of ${sender} as message ${seq} of ${room}`;
    throw new PeerError("room-inconsistent", message, { hint: "tell who runs the server" });
  }
  if (seq - after > MAX_LAG) throw invalid("is too old for its place");
}

/**
 * Passes if its author may have seen the same log before it.
 *
 * @throws {PeerError} `room-inconsistent`.
 */
export function checkSameLog(
  { room, sender }: LogEntry,
  { after, head }: SealedPayload,
  seen: { agreesWith(head: Head): boolean },
): void {
  if (seen.agreesWith({ seq: after, chain: head })) return;
  throw new PeerError(
    "room-inconsistent",
    `The server shows ${sender} another history of ${room} than this client`,
    { hint: "compare /security with others; tell who runs the server" },
  );
}

/** What somebody says with it, if that is what it is for. */
export function contentOf({ content }: SealedPayload): Content | undefined {
  return content.commit === undefined && content.leave === undefined ? content : undefined;
}

function envelopeOf({ room, sender, messageId: id, sentAt: sent_at }: LogEntry): Envelope {
  return { room, sender, id, sent_at };
}

/** A message that no member can have sealed like this. */
export function invalid(what: string): PeerError {
  return new PeerError("token-invalid", `A sealed message ${what}`);
}

/** A room that cannot be followed beyond an entry. */
export function lost({ room, seq }: LogEntry, what: string): PeerError {
  return new PeerError(
    "room-inconsistent",
    `The server delivered message ${seq} of ${room} ${what}`,
    { hint: "nothing of the room can be read from there on; tell who runs the server" },
  );
}

/** SHA-256 of some bytes: 64 hex digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
