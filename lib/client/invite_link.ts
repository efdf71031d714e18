/**
 * The link of an invite: `fernchat://HOST[:PORT]/CODE`. It is a secret: no error here repeats it.
 *
 * @module
 */

import { isInviteCode } from "../auth/invite_code.ts";
import { CallerError } from "../errors.ts";
import { type Address, formatAddress, parseAddress } from "./address.ts";

/** Where to go, and the secret that lets one in. */
export interface InviteLink {
  address: Address;
  code: string;
}

/** A link as people send it. */
export function formatInviteLink({ address, code }: InviteLink): string {
  return `fernchat://${formatAddress(address)}/${code}`;
}

/** Whether a text is meant as a link, perhaps a broken one: no address has a slash. */
export function meansInviteLink(text: string): boolean {
  return /^\s*fernchat:|\//i.test(text);
}

/**
 * Reads a link. White space around it does not matter, nor does the case of letters.
 *
 * @throws {CallerError} `link-invalid`.
 *
 * @example
 * ```ts
 * import { parseInviteLink } from "./invite_link.ts";
 * const { address } = parseInviteLink("fernchat://chat.example.org/abcdefghijklmnopqrstuvwxyz");
 * console.assert(address.port === 5555);
 * ```
 */
export function parseInviteLink(text: string): InviteLink {
  const [, host, code = ""] = /^fernchat:\/\/([^/]+)\/([^/]*)$/.exec(text.trim().toLowerCase()) ??
    [];
  if (host === undefined) throw invalid("This is not the link of an invite");
  if (!isInviteCode(code)) throw invalid("This link is not whole: its code has 26 characters");
  try {
    return { address: parseAddress(host), code };
  } catch {
    throw invalid("This link does not name a server"); // and what it names may be misplaced secrets
  }
}

function invalid(message: string): CallerError {
  return new CallerError("link-invalid", message, {
    hint: "copy it again, all of fernchat://HOST:PORT/CODE",
  });
}
