/**
 * Fernet tokens and key rings, by the specification at https://github.com/fernet/spec ("spec" below):
 * AES-128-CBC, then HMAC-SHA256 over everything before it, in padded base64url. What Python's
 * `cryptography.fernet` writes, this reads, and the other way round.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createHash, type Hash } from "node:crypto";
import { randomBytes, randomFillSync, timingSafeEqual } from "node:crypto";
import { CallerError, PeerError } from "./errors.ts";

// Spec, "Token Format": Version (1) ‖ Timestamp (8) ‖ IV (16) ‖ Ciphertext (16 n) ‖ HMAC (32).
const VERSION = 0x80;
const IV_START = 9;
const BLOCK = 16;
const BODY_START = IV_START + BLOCK;
const MAC_LENGTH = 32;
const KEY_LENGTH = 32;

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

  constructor(readonly reason: TokenFaultReason) {
    super(`Fernet token refused: ${reason}`);
  }
}

/** Every token that does not decrypt, whatever the reason: all look the same from outside. */
export class InvalidTokenError extends PeerError {
  declare readonly cause: TokenFault;

  constructor(reason: TokenFaultReason) {
    super("token-invalid", "Invalid Fernet token", { cause: new TokenFault(reason) });
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
interface KeyMaterial {
  readonly secret: Buffer;
  readonly encryptionKey: Buffer;
  readonly innerHash: Hash;
  readonly outerHash: Hash;
}

/** Reads a key's private material, for the functions of this module only. */
let materialOf: (key: FernetKey) => KeyMaterial;

/**
 * One 256-bit Fernet key. Only `toString()` reveals it: a key that is logged or put into JSON shows
 * as `FernetKey(<id>)`.
 *
 * @example
 * ```ts
 * import { FernetKey } from "./fernet.ts";
 * const key = FernetKey.generate();
 * console.assert(key.decryptText(key.encrypt("hello"), { ttlSeconds: 60 }) === "hello");
 * ```
 */
export class FernetKey {
  readonly #material: KeyMaterial;
  #id: string | undefined;

  static {
    materialOf = (key): KeyMaterial => key.#material;
  }

  private constructor(secret: Buffer) {
    this.#material = prepareKey(secret);
  }

  /** Makes a new key from the system's randomness. */
  static generate(): FernetKey {
    return new FernetKey(randomBytes(KEY_LENGTH));
  }

  /**
   * Reads a key: 44 characters, the padded base64url of 32 bytes, and nothing around them.
   *
   * @throws {CallerError} `key-malformed` for anything else; its message never contains the text.
   */
  static parse(text: string): FernetKey {
    const secret = decodeBase64url(text);
    if (secret?.length !== KEY_LENGTH) throw malformedKey("Cannot read Fernet key");
    return new FernetKey(secret);
  }

  /**
   * Takes a copy of 32 bytes as a key.
   *
   * @throws {CallerError} `key-malformed` for any other number of bytes.
   */
  static fromBytes(bytes: Uint8Array): FernetKey {
    if (bytes.length !== KEY_LENGTH) throw malformedKey("Cannot use bytes as Fernet key");
    return new FernetKey(Buffer.from(bytes));
  }

  /** The public name of the key: the first 8 hex digits of SHA-256 over its 32 bytes. */
  get id(): string {
    return this.#id ??= createHash("sha256").update(this.#material.secret).digest("hex").slice(
      0,
      8,
    );
  }

  /**
   * Makes a token with a random IV. Text is encrypted as UTF-8.
   *
   * @throws {CallerError} `text-malformed` for text with a lone surrogate, which UTF-8 cannot express;
   * `time-invalid` for a time before 1970.
   */
  encrypt(plaintext: string | Uint8Array, options: EncryptOptions = {}): string {
    const token = startToken(plaintext, options);
    randomFillSync(token, IV_START, BLOCK); // spec, "Generating", step 2
    return finishToken(this.#material, token);
  }

  /**
   * Verifies a token and returns the bytes inside.
   *
   * @throws {InvalidTokenError} for every token that is not valid; the reason is in its `cause`.
   * @throws {CallerError} `time-invalid` for a time or time to live that is negative or not a number.
   */
  decrypt(token: string, options: DecryptOptions = {}): Uint8Array {
    return new Uint8Array(openToken([this], token, options)); // a copy: Buffer may share its memory
  }

  /** Like `decrypt`, for text: bytes that are not UTF-8 make the token invalid too. */
  decryptText(token: string, options: DecryptOptions = {}): string {
    return decodeText(openToken([this], token, options));
  }

  /** The secret itself, as 44 characters of padded base64url. */
  toString(): string {
    return encodeBase64url(this.#material.secret);
  }

  /** What `JSON.stringify` shows: the id, not the secret. */
  toJSON(): string {
    return `FernetKey(${this.id})`;
  }

  /** What `console.log` shows: the id, not the secret. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toJSON();
  }
}

/**
 * Keys that replace one another, newest first, with the meaning of Python's `MultiFernet`: the first
 * key encrypts, any key decrypts.
 */
export class KeyRing {
  /** The keys, newest first; never empty. */
  readonly keys: readonly FernetKey[];
  /** The key that encrypts. */
  readonly primary: FernetKey;

  /** @throws {CallerError} `key-ring-empty` if there is no key. */
  constructor(keys: readonly FernetKey[]) {
    const [primary] = keys;
    if (!primary) throw new CallerError("key-ring-empty", "Cannot make a key ring of no keys");
    this.primary = primary;
    this.keys = Object.freeze([...keys]);
  }

  /**
   * Reads one key a line, newest first. Blank lines and lines that begin with `#` do not count.
   *
   * @throws {CallerError} `key-malformed` with the number of the line (never what it holds), or
   * `key-ring-empty`.
   */
  static parse(text: string): KeyRing {
    const lines = text.split("\n").map((line, index) => ({ text: line.trim(), number: index + 1 }));
    const keyLines = lines.filter((line) => line.text !== "" && !line.text.startsWith("#"));
    return new KeyRing(keyLines.map((line) => parseKeyLine(line.text, line.number)));
  }

  /** The key of this id, if the ring has it. */
  find(id: string): FernetKey | undefined {
    return this.keys.find((key) => key.id === id);
  }

  /** Makes a token with the first key: see {@linkcode FernetKey.encrypt}. */
  encrypt(plaintext: string | Uint8Array, options: EncryptOptions = {}): string {
    return this.primary.encrypt(plaintext, options);
  }

  /** Opens a token of any key of the ring: see {@linkcode FernetKey.decrypt}. */
  decrypt(token: string, options: DecryptOptions = {}): Uint8Array {
    return new Uint8Array(openToken(this.keys, token, options));
  }

  /** Opens a token of any key of the ring as text: see {@linkcode FernetKey.decryptText}. */
  decryptText(token: string, options: DecryptOptions = {}): string {
    return decodeText(openToken(this.keys, token, options));
  }

  /** The secrets themselves, one a line: what `parse` reads, and Python's `MultiFernet` line by line. */
  toString(): string {
    return this.keys.map((key) => `${key}\n`).join("");
  }
}

/**
 * Makes a token with a given IV, for official vectors only: two tokens of one key with the same IV
 * show where their messages begin alike.
 *
 * @throws {CallerError} `iv-malformed` unless the IV has 16 bytes; else as `encrypt`.
 */
export function unsafeEncryptWithIv(
  key: FernetKey,
  plaintext: string | Uint8Array,
  iv: Uint8Array,
  options: EncryptOptions = {},
): string {
  if (iv.length !== BLOCK) {
    throw new CallerError("iv-malformed", `Cannot use an IV of ${iv.length} bytes`);
  }
  const token = startToken(plaintext, options);
  token.set(iv, IV_START);
  return finishToken(materialOf(key), token);
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

/** Spec, "Generating", steps 3.2 to 6: encrypts in place, authenticates, encodes. */
function finishToken(key: KeyMaterial, token: Buffer): string {
  const iv = token.subarray(IV_START, BODY_START);
  const macStart = token.length - MAC_LENGTH;
  const cipher = createCipheriv("aes-128-cbc", key.encryptionKey, iv).setAutoPadding(false);
  token.set(cipher.update(token.subarray(BODY_START, macStart)), BODY_START);
  cipher.final(); // empty, but frees the cipher
  token.write(macOf(key, token.subarray(0, macStart)), macStart, "hex");
  return encodeBase64url(token);
}

/** Spec, "Verifying", in its order: nothing is decrypted before its HMAC has been verified. */
function openToken(keys: readonly FernetKey[], text: string, options: DecryptOptions): Buffer {
  const token = decodeBase64url(text); // step 1
  if (!token) throw new InvalidTokenError("base64");
  const bodyLength = token.length - BODY_START - MAC_LENGTH;
  if (bodyLength < BLOCK || bodyLength % BLOCK !== 0) throw new InvalidTokenError("size");
  if (token[0] !== VERSION) throw new InvalidTokenError("version"); // step 2
  checkAge(token, options); // step 3
  let reason: TokenFaultReason = "mac";
  for (const key of keys) {
    const material = materialOf(key);
    if (!macMatches(material, token)) continue; // steps 4 and 5
    const plaintext = decryptBody(material, token); // steps 6 and 7
    if (plaintext) return plaintext;
    reason = "padding"; // another key may share this one's signing half, as in MultiFernet
  }
  throw new InvalidTokenError(reason);
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

/** Spec, "Key Format": Signing-key (16 bytes) ‖ Encryption-key (16 bytes). */
function prepareKey(secret: Buffer): KeyMaterial {
  const signingKey = secret.subarray(0, BLOCK);
  const encryptionKey = secret.subarray(BLOCK);
  return {
    secret,
    encryptionKey,
    innerHash: startHash(signingKey, 0x36),
    outerHash: startHash(signingKey, 0x5c),
  };
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
function encodeBase64url(bytes: Buffer & { toBase64?(options: object): string }): string {
  const native = bytes.toBase64?.({ alphabet: "base64url" });
  return native ?? bytes.toString("base64url") + "==".slice(0, (3 - bytes.length % 3) % 3);
}

/**
 * RFC 4648 section 5, strictly. Buffer forgives a missing padding, spaces, the other alphabet and
 * stray bits at the end; only the canonical text is equal to the encoding of its bytes.
 */
function decodeBase64url(text: string): Buffer | undefined {
  try {
    const bytes = Buffer.from(text, "base64url");
    return encodeBase64url(bytes) === text ? bytes : undefined;
  } catch {
    return undefined; // Deno 2.4 throws where other versions skip what they cannot decode
  }
}

/** Fatal, so that bytes that are not text are refused; a BOM is text like any other. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeText(plaintext: Uint8Array): string {
  try {
    return utf8.decode(plaintext);
  } catch {
    throw new InvalidTokenError("utf8");
  }
}

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

function parseKeyLine(text: string, number: number): FernetKey {
  try {
    return FernetKey.parse(text);
  } catch (cause) {
    throw malformedKey(`Cannot read key ring, line ${number}`, cause);
  }
}

function malformedKey(what: string, cause?: unknown): CallerError {
  return new CallerError("key-malformed", `${what}: it is not 32 bytes in padded base64url`, {
    cause,
    hint: "a Fernet key has 44 characters and ends in =",
  });
}
