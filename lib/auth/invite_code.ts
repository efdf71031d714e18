/**
 * An invite's code, the secret that a link carries, and what stands for it where it must not be seen:
 * to the server, the database and the wire, an invite is a hash.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { encodeFrames } from "../framing.ts";

/** RFC 4648 section 6, in small letters: 32 characters, so that each is 5 bits. */
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** 26 times 5 are 130 bits: nobody guesses that, however cheap a guess is. */
const CODE_CHARS = 26;

/** Hex digits: 64 bits, enough for no two invites of a server to share them. */
const ID_CHARS = 16;

/** Bound into each id, so that it cannot equal a hash that is made for anything else. */
const ID_LABEL = "fernchat invite id v1";

/** No account's name has a colon, so no invite can be taken for an account. */
const IDENTITY_PREFIX = "invite:";

/** A new code: 26 characters of which each is random. */
export function createInviteCode(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(CODE_CHARS));
  return Array.from(bytes, (byte) => ALPHABET[byte % ALPHABET.length]).join(""); // 256 is 8 times 32
}

/** Whether a text is the code of an invite, as far as its form tells. */
export function isInviteCode(text: string): boolean {
  return /^[a-z2-7]{26}$/.test(text);
}

/** What everyone may know of an invite: 16 hex digits of SHA-256. They do not lead to the code. */
export function inviteId(code: string): string {
  const frames = encodeFrames([ID_LABEL, code].map((text) => new TextEncoder().encode(text)));
  return createHash("sha256").update(frames).digest("hex").slice(0, ID_CHARS);
}

/** The name that whoever holds an invite's code logs in under. */
export function inviteIdentity(id: string): string {
  return `${IDENTITY_PREFIX}${id}`;
}

/** The invite that a login is meant for; undefined if it is meant for an account. */
export function idOfIdentity(username: string): string | undefined {
  return username.startsWith(IDENTITY_PREFIX) ? username.slice(IDENTITY_PREFIX.length) : undefined;
}
