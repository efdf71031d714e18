/**
 * Open rooms: the server makes the Fernet keys and hands them to members over the channel. Whoever
 * has the displayed key can read the log, and write to it.
 *
 * @module
 */

import { CallerError, PeerError } from "../errors.ts";
import type { FernetKey, KeyRing } from "../fernet.ts";
import { MAX_TEXT_BYTES } from "../protocol/limits.ts";
import {
  type Content,
  decodePayload,
  encodePayload,
  type Envelope,
  type Manner,
} from "./payload.ts";

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
 * @throws {CallerError} `text-too-long` above {@linkcode MAX_TEXT_BYTES} of UTF-8, `text-invalid`
 * for a lone surrogate, which UTF-8 cannot carry.
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
  const { text } = content;
  if (!text.isWellFormed() || utf8Length(text) > MAX_TEXT_BYTES) {
    throw new PeerError("token-invalid", "A message's text is none that a client may send");
  }
  return content;
}

/** The text alone; see {@linkcode openContent} for what it throws. */
export function openText(ring: KeyRing, envelope: Envelope, sealed: SealedText): string {
  return openContent(ring, envelope, sealed).text;
}

/** See {@linkcode sealText} for what it throws. */
export function checkText(text: string): void {
  if (!text.isWellFormed()) {
    throw new CallerError("text-invalid", "Cannot send a text that is not valid Unicode");
  }
  const bytes = utf8Length(text);
  if (bytes > MAX_TEXT_BYTES) {
    throw new CallerError(
      "text-too-long",
      `Cannot send a message of ${bytes} bytes: the limit is ${MAX_TEXT_BYTES}`,
      { hint: "send it in parts" },
    );
  }
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
