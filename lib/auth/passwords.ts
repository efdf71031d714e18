/**
 * The rule of passwords, for those who choose one. The server never sees a password (RFC 9807
 * section 10.11): each client has to keep to it.
 *
 * @module
 */

import { CallerError } from "../errors.ts";

/** Characters of a password, for people who count; OPAQUE itself has no limit. */
const MAX_PASSWORD_CHARS = 1024;

/**
 * Passes if a text can be a password.
 *
 * @throws {CallerError} `password-invalid`.
 */
export function checkPassword(password: string): void {
  if (password.length >= 1 && password.length <= MAX_PASSWORD_CHARS) return;
  throw new CallerError(
    "password-invalid",
    `Cannot use a password of ${password.length} characters`,
    { hint: `choose one of 1 to ${MAX_PASSWORD_CHARS}` },
  );
}
