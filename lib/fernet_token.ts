/**
 * The bytes of Fernet tokens, version 0x80, step by step as in https://github.com/fernet/spec ("spec"
 * below): AES-128-CBC, then HMAC-SHA256 over everything before it, in padded base64url. Nothing here
 * is for other modules but `fernet.ts`, which keeps the keys.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createHash, type Hash } from "node:crypto";
import { timingSafeEqual } from "node:crypto";
import { CallerError, PeerError } from "./errors.ts";

// Spec, "Token Format": Version (1) ‖ Timestamp (8) ‖ IV (16) ‖ Ciphertext (16 n) ‖ HMAC (32).
const VERSION = 0x80;
const IV_START = 9;
const BLOCK = 16;
const BODY_START = IV_START + BLOCK;
const MAC_LENGTH = 32;

/** Bytes of an IV: one block of AES. */
export const IV_LENGTH = BLOCK;

/** Bytes of a key: Signing-key ‖ Encryption-key, 16 each. */
export const KEY_LENGTH = 32;

/** How far in the future, in seconds, a token's time may lie when its age is checked: as in Python. */
const MAX_CLOCK_SKEW = 60;

/** Why a token is not valid: for our own logs and tests, never for the peer. */
export type TokenFaultReason =
  | "base64" // not the canonical padded base64url of any bytes
  | "size" // too short, or the ciphertext is not whole blocks
  | "version" // the first byte is not 0x80
  | "expired" // older than the time to live
  | "future" // more than 60 s ahead of our clock
  | "mac" // altered, or made with another key
  | "padding" // authentic, but not padded as RFC 5652 says
  | "utf8"; // authentic, but not text

/** The `cause` of an {@linkcode InvalidTokenError}: what exactly was wrong with the token. */
export class TokenFault extends Error {
  override readonly name = "TokenFault";

  constructor(readonly reason: TokenFaultReason, options?: ErrorOptions) {
    super(`Fernet token refused: ${reason}`, options);
  }
}

/** Every token that does not decrypt, whatever the reason: all look the same from outside. */
export class InvalidTokenError extends PeerError {
  declare readonly cause: TokenFault;

  constructor(reason: TokenFaultReason, options?: ErrorOptions) {
    super("token-invalid", "Invalid Fernet token", { cause: new TokenFault(reason, options) });
  }
}

/** What encryption may be told. */
export interface EncryptOptions {
  /** The time written into the token, in milliseconds since 1970; by default, the clock's. */
  now?: number;
}

/** What decryption may be told. */
export interface DecryptOptions {
  /** The greatest age accepted, in seconds; by default, times are not checked at all. */
  ttlSeconds?: number;
  /** The time at which to check the age, in milliseconds since 1970; by default, the clock's. */
  now?: number;
}

/** A key, ready to use: the two hash states have already read it. */
export interface KeyMaterial {
  readonly secret: Buffer;
  readonly encryptionKey: Buffer;
  readonly innerHash: Hash;
  readonly outerHash: Hash;
}

/** Spec, "Key Format": Signing-key (16 bytes) ‖ Encryption-key (16 bytes). */
export function prepareKey(secret: Buffer): KeyMaterial {
  const signingKey = secret.subarray(0, BLOCK);
  const encryptionKey = secret.subarray(BLOCK);
  return {
    secret,
    encryptionKey,
    innerHash: startHash(signingKey, 0x36),
    outerHash: startHash(signingKey, 0x5c),
  };
}

/** Spec, "Generating": makes a token. Errors as in `FernetKey.encrypt`. */
export function sealToken(
  key: KeyMaterial,
  plaintext: string | Uint8Array,
  iv: Uint8Array,
  options: EncryptOptions,
): string {
  const token = startToken(plaintext, options);
  token.set(iv, IV_START);
  finishToken(key, token);
  return encodeBase64url(token); // step 6
}

/** Spec, "Generating", steps 1 and 3.1: everything but the IV and what is computed from it. */
function startToken(plaintext: string | Uint8Array, options: EncryptOptions): Buffer {
  const size = typeof plaintext === "string" ? utf8Length(plaintext) : plaintext.length;
  // RFC 5652 section 6.3: 1 to 16 bytes of padding, each holding their number. By our own hand,
  // because Deno 2.4's createCipheriv leaves it out where the message is whole blocks.
  const padding = BLOCK - size % BLOCK;
  const bodyEnd = BODY_START + size + padding;
  const token = Buffer.allocUnsafe(bodyEnd + MAC_LENGTH);
  token[0] = VERSION;
  token.writeBigUInt64BE(BigInt(toSeconds(options.now)), 1);
  if (typeof plaintext === "string") token.write(plaintext, BODY_START);
  else token.set(plaintext, BODY_START);
  token.fill(padding, BODY_START + size, bodyEnd);
  return token;
}

/** Spec, "Generating", steps 3.2 to 5: encrypts in place, then authenticates. */
function finishToken(key: KeyMaterial, token: Buffer): void {
  const iv = token.subarray(IV_START, BODY_START);
  const macStart = token.length - MAC_LENGTH;
  const cipher = createCipheriv("aes-128-cbc", key.encryptionKey, iv).setAutoPadding(false);
  token.set(cipher.update(token.subarray(BODY_START, macStart)), BODY_START);
  cipher.final(); // empty, but frees the cipher
  token.write(macOf(key, token.subarray(0, macStart)), macStart, "hex");
}

/** Opens a token of any of these keys. Errors as in `FernetKey.decrypt`. */
export function openToken(
  keys: readonly KeyMaterial[],
  text: string,
  options: DecryptOptions,
): Uint8Array {
  return new Uint8Array(verifyToken(keys, text, options)); // a copy: Buffers may share their memory
}

/** Opens a token as UTF-8. Errors as in `FernetKey.decryptText`. */
export function openTokenAsText(
  keys: readonly KeyMaterial[],
  text: string,
  options: DecryptOptions,
): string {
  const plaintext = verifyToken(keys, text, options);
  try {
    return utf8.decode(plaintext);
  } catch (cause) {
    throw new InvalidTokenError("utf8", { cause });
  }
}

/** Spec, "Verifying", in its order: nothing is decrypted before its HMAC has been verified. */
function verifyToken(
  keys: readonly KeyMaterial[],
  text: string,
  options: DecryptOptions,
): Buffer {
  const token = parseToken(text); // steps 1 and 2
  checkAge(token, options); // step 3
  let reason: TokenFaultReason = "mac";
  for (const key of keys) {
    if (!macMatches(key, token)) continue; // steps 4 and 5
    const plaintext = decryptBody(key, token); // steps 6 and 7
    if (plaintext) return plaintext;
    reason = "padding"; // another key may share this one's signing half, as in MultiFernet
  }
  throw new InvalidTokenError(reason);
}

/** Spec, "Verifying", steps 1 and 2: the token's bytes, of a possible size. */
export function parseToken(text: string): Buffer {
  const token = decodeBase64url(text);
  if (!token) throw new InvalidTokenError("base64");
  const bodyLength = token.length - BODY_START - MAC_LENGTH;
  if (bodyLength < BLOCK || bodyLength % BLOCK !== 0) throw new InvalidTokenError("size");
  if (token[0] !== VERSION) throw new InvalidTokenError("version");
  return token;
}

/** Spec, "Verifying", step 3; the limit on the future is Python's, and `invalid.json` demands it. */
function checkAge(token: Buffer, { ttlSeconds, now }: DecryptOptions): void {
  if (ttlSeconds === undefined) return;
  if (!(ttlSeconds >= 0)) throw new CallerError("time-invalid", `Cannot use ttl: ${ttlSeconds} s`);
  const madeAt = Number(token.readBigUInt64BE(1));
  const checkedAt = toSeconds(now);
  if (madeAt + ttlSeconds < checkedAt) throw new InvalidTokenError("expired");
  if (madeAt > checkedAt + MAX_CLOCK_SKEW) throw new InvalidTokenError("future");
}

/** Spec, "Verifying", steps 4 and 5: in constant time, over all bytes before the HMAC. */
function macMatches(key: KeyMaterial, token: Buffer): boolean {
  const macStart = token.length - MAC_LENGTH;
  const mac = Buffer.from(macOf(key, token.subarray(0, macStart)), "hex");
  return timingSafeEqual(mac, token.subarray(macStart));
}

/** Spec, "Verifying", steps 6 and 7; `undefined` if the padding is not RFC 5652's. */
function decryptBody(key: KeyMaterial, token: Buffer): Buffer | undefined {
  const iv = token.subarray(IV_START, BODY_START);
  const decipher = createDecipheriv("aes-128-cbc", key.encryptionKey, iv).setAutoPadding(false);
  const padded = decipher.update(token.subarray(BODY_START, token.length - MAC_LENGTH));
  decipher.final(); // empty, but frees the cipher
  const padding = padded.at(-1) ?? 0;
  const size = padded.length - padding;
  const isPadded = padding >= 1 && padding <= BLOCK &&
    padded.subarray(size).every((byte) => byte === padding);
  return isPadded ? padded.subarray(0, size) : undefined;
}

/** RFC 2104 section 4: the state of SHA-256 after the key XOR ipad (or opad), one block of 64 bytes. */
function startHash(signingKey: Buffer, pad: number): Hash {
  const block = Buffer.alloc(64, pad);
  signingKey.forEach((byte, index) => block[index] = byte ^ pad);
  return createHash("sha256").update(block);
}

/**
 * HMAC-SHA256 in hex, RFC 2104 section 2: H(K XOR opad, H(K XOR ipad, text)). From the two states
 * kept, which is about 3 times as fast here as `createHmac`, and hex because Deno returns it sooner.
 */
function macOf(key: KeyMaterial, bytes: Buffer): string {
  const inner = key.innerHash.copy().update(bytes).digest("hex");
  return key.outerHash.copy().update(inner, "hex").digest("hex");
}

/** RFC 4648 section 5, with padding. Deno 2.4 has no `toBase64`, 20 times as fast at 8 KiB. */
export function encodeBase64url(bytes: Buffer & { toBase64?(options: object): string }): string {
  const native = bytes.toBase64?.({ alphabet: "base64url" });
  return native ?? bytes.toString("base64url") + "==".slice(0, (3 - bytes.length % 3) % 3);
}

/**
 * RFC 4648 section 5, strictly. Buffer forgives a missing padding, spaces, the other alphabet and
 * stray bits at the end; only the canonical text is equal to the encoding of its bytes.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  try {
    const bytes = Buffer.from(text, "base64url");
    return encodeBase64url(bytes) === text ? bytes : undefined;
  } catch {
    return undefined; // Deno 2.4 throws where other versions skip what they cannot decode
  }
}

/** Fatal, so that bytes that are not text are refused; a BOM is text like any other. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8Length(text: string): number {
  if (text.isWellFormed()) return Buffer.byteLength(text);
  throw new CallerError("text-malformed", "Cannot encrypt text with a lone surrogate");
}

/** Whole seconds since 1970, as a token holds them. */
function toSeconds(now: number = Date.now()): number {
  const seconds = Math.floor(now / 1000);
  if (Number.isSafeInteger(seconds) && seconds >= 0) return seconds;
  throw new CallerError("time-invalid", `Cannot use time: ${now} ms since 1970`);
}
