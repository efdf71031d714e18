/**
 * MLS messages as bytes (RFC 9420 section 6): read strictly, so that what is accepted has one form.
 *
 * @module
 */

import { decodeMlsMessage, encodeMlsMessage, type MLSMessage } from "ts-mls";
import { sameBytes } from "../same_bytes.ts";
import { invalid, orInvalidNow } from "./faults.ts";

/** The kinds of message that Fernchat sends. */
type Kind = "mls_public_message" | "mls_welcome" | "mls_key_package";

const NAMES: { readonly [K in Kind]: string } = {
  mls_public_message: "commit",
  mls_welcome: "welcome",
  mls_key_package: "key package",
};

/**
 * Reads a message of one kind, and nothing around it.
 *
 * @throws {PeerError} `mls-invalid` if it is too long, cut, of another kind, or not in the one form
 * that encoding it again gives.
 */
export function decodeMessage<K extends Kind>(
  kind: K,
  bytes: Uint8Array,
  maxBytes: number,
): MLSMessage & { wireformat: K } {
  const name = NAMES[kind];
  if (bytes.length > maxBytes) throw invalid(`A ${name} of ${bytes.length} bytes is too long`);
  const copy = Uint8Array.from(bytes); // the library's values are views into it
  const damaged = `A ${name} is damaged`;
  const message = orInvalidNow(damaged, () => decodeMlsMessage(copy, 0)?.[0]);
  if (message === undefined) throw invalid(damaged);
  if (message.version !== "mls10" || !isOf(message, kind)) {
    throw invalid(`Something else than a ${name} is in its place`);
  }
  const again = orInvalidNow(damaged, () => encodeMlsMessage(message));
  if (!sameBytes(again, bytes)) throw invalid(damaged);
  return message;
}

function isOf<K extends Kind>(
  message: MLSMessage,
  kind: K,
): message is MLSMessage & { wireformat: K } {
  return message.wireformat === kind;
}
