/**
 * Fernet keys and key rings: what Python's `cryptography.fernet` writes, these read, and the other
 * way round. The steps of the specification are in `fernet_token.ts`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash, randomBytes, randomFillSync } from "node:crypto";
import { CallerError } from "./errors.ts";
import { decodeBase64url, encodeBase64url, IV_LENGTH, KEY_LENGTH } from "./fernet_token.ts";
import { openToken, openTokenAsText, parseToken, prepareKey, sealToken } from "./fernet_token.ts";
import type { DecryptOptions, EncryptOptions, KeyMaterial } from "./fernet_token.ts";

export { InvalidTokenError, TokenFault } from "./fernet_token.ts";
export type { DecryptOptions, EncryptOptions, TokenFaultReason } from "./fernet_token.ts";

/** Reads a key's private material: for this module only. */
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
    return this.#id ??= Buffer.from(this.digest()).toString("hex").slice(0, 8);
  }

  /** SHA-256 over the key's 32 bytes: to bind something to the key. Whoever has it has not the key. */
  digest(): Uint8Array {
    return createHash("sha256").update(this.#material.secret).digest();
  }

  /**
   * Makes a token with a random IV. Text is encrypted as UTF-8.
   *
   * @throws {CallerError} `text-malformed` for text with a lone surrogate, which UTF-8 cannot express;
   * `time-invalid` for a time before 1970.
   */
  encrypt(plaintext: string | Uint8Array, options: EncryptOptions = {}): string {
    const iv = randomFillSync(Buffer.allocUnsafe(IV_LENGTH)); // spec, "Generating", step 2
    return sealToken(this.#material, plaintext, iv, options);
  }

  /**
   * Verifies a token and returns the bytes inside.
   *
   * @throws {InvalidTokenError} for every token that is not valid; the reason is in its `cause`.
   * @throws {CallerError} `time-invalid` for a time or time to live that is negative or not a number.
   */
  decrypt(token: string, options: DecryptOptions = {}): Uint8Array {
    return openToken([this.#material], token, options);
  }

  /** Like `decrypt`, for text: bytes that are not UTF-8 make the token invalid too. */
  decryptText(token: string, options: DecryptOptions = {}): string {
    return openTokenAsText([this.#material], token, options);
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
  readonly #materials: readonly KeyMaterial[];

  /** @throws {CallerError} `key-ring-empty` if there is no key. */
  constructor(keys: readonly FernetKey[]) {
    const [primary] = keys;
    if (!primary) throw new CallerError("key-ring-empty", "Cannot make a key ring of no keys");
    this.primary = primary;
    this.keys = Object.freeze([...keys]);
    this.#materials = keys.map(materialOf);
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
    return openToken(this.#materials, token, options);
  }

  /** Opens a token of any key of the ring as text: see {@linkcode FernetKey.decryptText}. */
  decryptText(token: string, options: DecryptOptions = {}): string {
    return openTokenAsText(this.#materials, token, options);
  }

  /** The secrets themselves, one a line: what `parse` reads, and Python's `MultiFernet` line by line. */
  toString(): string {
    return this.keys.map((key) => `${key}\n`).join("");
  }
}

/**
 * Passes if a text is a Fernet token as far as can be seen without its key: the encoding, the version
 * and the lengths.
 *
 * @throws {InvalidTokenError} if it is none.
 */
export function checkTokenShape(token: string): void {
  parseToken(token);
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
  if (iv.length === IV_LENGTH) return sealToken(materialOf(key), plaintext, iv, options);
  throw new CallerError("iv-malformed", `Cannot use an IV of ${iv.length} bytes`);
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
