/**
 * What an entry of a sealed room's log says, and whether its author can have said it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { foldName } from "../../auth/opaque.ts";
import { PeerError } from "../../errors.ts";
import type { FernetKey } from "../../fernet.ts";
import type { LogEntry } from "../../log/message_log.ts";
import { verify } from "../../mls/ed25519.ts";
import type { Content } from "../../rooms/payload.ts";
import { decodeSealedPayload } from "../../rooms/sealed_payload.ts";

/** A sealed payload, as it was decoded. */
export type SealedPayload = ReturnType<typeof decodeSealedPayload>;

/**
 * Opens an entry with the key of its epoch.
 *
 * @throws {PeerError} `token-invalid`.
 */
export function decrypt(key: FernetKey, entry: LogEntry): SealedPayload {
  if (entry.keyId !== key.id) throw invalid(`needs the key ${entry.keyId}, not that of its epoch`);
  const { room, sender, messageId: id, sentAt: sent_at } = entry;
  return decodeSealedPayload({ room, sender, id, sent_at }, key.decryptText(entry.token));
}

/**
 * Passes if a member's device has signed the payload, in that epoch and at that place.
 *
 * @param user the account whose device it is; undefined if it was no member's then.
 * @throws {PeerError} `token-invalid`.
 */
export function checkPayload(
  entry: LogEntry,
  payload: SealedPayload,
  epoch: number,
  user: string | undefined,
): void {
  const { device, signed, signature } = payload;
  if (user === undefined || foldName(user) !== foldName(entry.sender)) {
    throw invalid(`is not from a device of ${entry.sender}`);
  }
  if (!verify(device, signed, signature)) throw invalid(`was not signed by ${entry.sender}`);
  if (payload.epoch !== epoch || payload.after >= entry.seq) {
    throw invalid("was not sealed for this place");
  }
}

/** What somebody says with it, if that is what it is for. */
export function contentOf({ text, action, commit, leave }: SealedPayload): Content | undefined {
  if (commit !== undefined || leave !== undefined) return undefined;
  return action === undefined ? { text } : { text, action };
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

/** Whether two byte strings are the same; of public values only. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
