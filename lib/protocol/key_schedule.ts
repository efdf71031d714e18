/**
 * From shared secrets to traffic keys: TLS 1.3's key schedule (RFC 8446 section 7.1) with SHA-256,
 * an X-Wing secret in the place of (EC)DHE and OPAQUE's session key in the place after it.
 *
 *     X-Wing shared secret -> Extract = handshake secret -> "c hs traffic", "s hs traffic"
 *                                  |
 *                          "derived" (as the salt)
 *                                  v
 *     OPAQUE session key  -> Extract = master secret    -> "c ap traffic", "s ap traffic"
 *
 * @module
 */

import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { AEAD_KEY_BYTES, AEAD_NONCE_BYTES } from "./aead.ts";

/** Bytes of every secret and hash here: SHA-256's output. */
export const SECRET_BYTES = 32;

/** Takes the place of TLS's "tls13 ", so that no key here can equal one of another protocol. */
const LABEL_PREFIX = "fern1 ";

/** The secrets of the two directions. */
export interface TrafficSecrets {
  clientToServer: Uint8Array;
  serverToClient: Uint8Array;
}

/** HKDF-Extract (RFC 5869 section 2.2). */
export function hkdfExtract(salt: Uint8Array, inputKey: Uint8Array): Uint8Array {
  return extract(sha256, inputKey, salt);
}

/** HKDF-Expand-Label (RFC 8446 section 7.1). */
export function expandLabel(
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const name = new TextEncoder().encode(LABEL_PREFIX + label);
  const info = new Uint8Array(2 + 1 + name.length + 1 + context.length);
  info.set([length >> 8, length & 0xff, name.length]);
  info.set(name, 3);
  info[3 + name.length] = context.length;
  info.set(context, 4 + name.length);
  return expand(sha256, secret, info, length);
}

/** The secret that both sides share after the handshake. */
export function handshakeSecret(kemSecret: Uint8Array): Uint8Array {
  return hkdfExtract(new Uint8Array(SECRET_BYTES), kemSecret);
}

/** The secret after the login: only who knows both earlier secrets can compute it. */
export function masterSecret(
  handshake: Uint8Array,
  handshakeTranscript: Uint8Array,
  loginKey: Uint8Array,
): Uint8Array {
  const salt = expandLabel(handshake, "derived", handshakeTranscript, SECRET_BYTES);
  return hkdfExtract(salt, loginKey);
}

/** The traffic secrets of a stage: `hs` after the handshake, `ap` after the login. */
export function trafficSecrets(
  secret: Uint8Array,
  stage: "hs" | "ap",
  transcript: Uint8Array,
): TrafficSecrets {
  return {
    clientToServer: expandLabel(secret, `c ${stage} traffic`, transcript, SECRET_BYTES),
    serverToClient: expandLabel(secret, `s ${stage} traffic`, transcript, SECRET_BYTES),
  };
}

/** The next traffic secret of a direction (RFC 8446 section 7.2). */
export function nextTrafficSecret(secret: Uint8Array): Uint8Array {
  return expandLabel(secret, "traffic upd", new Uint8Array(), SECRET_BYTES);
}

/** The AEAD key and the base of the nonces (RFC 8446 section 7.3). */
export function trafficKey(secret: Uint8Array): { key: Uint8Array; iv: Uint8Array } {
  return {
    key: expandLabel(secret, "key", new Uint8Array(), AEAD_KEY_BYTES),
    iv: expandLabel(secret, "iv", new Uint8Array(), AEAD_NONCE_BYTES),
  };
}
