/**
 * Which texts can be said, in every kind of room.
 *
 * @module
 */

import { CallerError, PeerError } from "../errors.ts";
import { MAX_TEXT_BYTES } from "../protocol/limits.ts";

/**
 * Passes if a text can be sent.
 *
 * @throws {CallerError} `text-too-long` above {@linkcode MAX_TEXT_BYTES} of UTF-8, `text-invalid`
 * for a lone surrogate, which UTF-8 cannot carry.
 */
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

/**
 * Passes if a text from a token is one that a client may have sent.
 *
 * @throws {PeerError} `token-invalid`.
 */
export function checkReceivedText(text: string): void {
  if (text.isWellFormed() && utf8Length(text) <= MAX_TEXT_BYTES) return;
  throw new PeerError("token-invalid", "A message's text is none that a client may send");
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
