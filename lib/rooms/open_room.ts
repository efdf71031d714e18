/**
 * Open rooms: the server makes the Fernet keys and hands them to members over the channel. Whoever
 * has the displayed key can read the log, and write to it.
 *
 * @module
 */

import { PeerError } from "../errors.ts";
import type { FernetKey, KeyRing } from "../fernet.ts";
import {
  type Content,
  decodePayload,
  encodePayload,
  type Envelope,
  type Manner,
} from "./payload.ts";
import { checkReceivedText, checkText } from "./text.ts";

export { checkText };

/** Every kind of room: who makes its keys. */
export type RoomKind = "open" | "sealed";

/** The room that everyone is in. */
export const LOBBY = "lobby";

/** A sealed text. */
export interface SealedText {
  /** The key's id: 8 hex digits. */
  keyId: string;
  /** A Fernet token. */
  token: string;
}

/**
 * Encrypts a text for a room.
 *
 * @throws {CallerError} `text-too-long`, `text-invalid`: see {@linkcode checkText}.
 */
export function sealText(
  key: FernetKey,
  envelope: Envelope,
  text: string,
  manner?: Manner,
): SealedText {
  checkText(text);
  return { keyId: key.id, token: key.encrypt(encodePayload(envelope, text, manner)) };
}

/**
 * Decrypts what someone said in a room and checks that it belongs to its envelope.
 *
 * @throws {PeerError} `token-invalid`; the hint says so if the ring lacks the key.
 */
export function openContent(ring: KeyRing, envelope: Envelope, sealed: SealedText): Content {
  const key = ring.find(sealed.keyId);
  if (key === undefined) {
    throw new PeerError("token-invalid", `A message needs the older key ${sealed.keyId}`, {
      hint: "keep keys over restarts with the server's --key-file",
    });
  }
  const content = decodePayload(envelope, key.decryptText(sealed.token));
  checkReceivedText(content.text);
  return content;
}

/** The text alone; see {@linkcode openContent} for what it throws. */
export function openText(ring: KeyRing, envelope: Envelope, sealed: SealedText): string {
  return openContent(ring, envelope, sealed).text;
}
