/**
 * Records: what a frame carries after the handshake. Each is sealed with ChaCha20-Poly1305 under
 * its direction's key, its sequence number the nonce (RFC 8446 section 5.3) and its frame's header
 * the additional data (section 5.2). The plaintext is one byte of type, then the content.
 *
 * Pure state machines: no streams, no clocks. A failed `seal` or `open` leaves the state as it was.
 *
 * @module
 */

import { BugError, PeerError } from "../errors.ts";
import { frameHeader } from "../framing.ts";
import { type Aead, AEAD_NONCE_BYTES, AEAD_TAG_BYTES, createAead } from "./aead.ts";
import { nextTrafficSecret, trafficKey } from "./key_schedule.ts";

/** The types of record, with their byte on the wire. */
export const RecordType = {
  /** Content: one or more messages, each as a frame. */
  messages: 1,
  /** No content: the next record of this direction is sealed with the next key, number 0. */
  keyUpdate: 2,
  /** No content: nothing follows. A stream that ends without it was cut. */
  close: 3,
} as const;

/** A byte of {@linkcode RecordType}. */
export type RecordType = typeof RecordType[keyof typeof RecordType];

/** An opened record. */
export interface OpenedRecord {
  type: RecordType;
  content: Uint8Array;
}

/** Bytes by which a record is longer than its content: the type and the tag. */
export const RECORD_OVERHEAD_BYTES = 1 + AEAD_TAG_BYTES;

/** When a sealer moves to its next key. */
export interface KeyUsage {
  /** Records under one key. */
  records: number;
  /** Bytes of content under one key. */
  bytes: number;
}

/**
 * ChaCha20-Poly1305 itself allows 2^64 - 1 records a key (RFC 8446 section 5.5) and QUIC counts on
 * 2^36 forgeries (RFC 9001 section 6.6). We move on much earlier: a key that leaks from memory
 * then opens minutes of a busy chat, not days.
 */
export const DEFAULT_KEY_USAGE: KeyUsage = { records: 2 ** 16, bytes: 64 * 1024 * 1024 };

/** One direction's key with its record counter. */
class DirectionKey {
  sequence = 0;
  readonly #secret: Uint8Array;
  readonly #iv: Uint8Array;
  readonly aead: Aead;

  constructor(secret: Uint8Array) {
    const { key, iv } = trafficKey(secret);
    this.#secret = secret;
    this.#iv = iv;
    this.aead = createAead(key);
  }

  /** The sequence number as 64 bits, left-padded, XORed into the IV (RFC 8446 section 5.3). */
  nonce(): Uint8Array {
    const nonce = this.#iv.slice();
    const view = new DataView(nonce.buffer, AEAD_NONCE_BYTES - 8);
    view.setBigUint64(0, view.getBigUint64(0) ^ BigInt(this.sequence));
    return nonce;
  }

  next(): DirectionKey {
    return new DirectionKey(nextTrafficSecret(this.#secret));
  }
}

/** Seals the records of one direction. */
export class RecordSealer {
  #key: DirectionKey;
  #bytes = 0;
  readonly #usage: KeyUsage;

  /** `secret` is a traffic secret of 32 bytes. */
  constructor(secret: Uint8Array, usage: KeyUsage = DEFAULT_KEY_USAGE) {
    this.#key = new DirectionKey(secret);
    this.#usage = usage;
  }

  /**
   * The content as records, in order: one, or, where this key has been used enough, a key update
   * before it.
   */
  seal(
    type: typeof RecordType.messages | typeof RecordType.close,
    content: Uint8Array,
  ): Uint8Array[] {
    if (type !== RecordType.messages && content.length > 0) {
      throw new BugError(`Cannot seal a record of type ${type} with content`);
    }
    const due = this.#key.sequence >= this.#usage.records || this.#bytes >= this.#usage.bytes;
    const records = due ? [this.#update()] : [];
    records.push(this.#sealOne(type, content));
    return records;
  }

  #update(): Uint8Array {
    const record = this.#sealOne(RecordType.keyUpdate, new Uint8Array());
    this.#key = this.#key.next();
    this.#bytes = 0;
    return record;
  }

  #sealOne(type: RecordType, content: Uint8Array): Uint8Array {
    const plaintext = new Uint8Array(1 + content.length);
    plaintext[0] = type;
    plaintext.set(content, 1);
    const header = frameHeader(plaintext.length + AEAD_TAG_BYTES);
    const record = this.#key.aead.seal(this.#key.nonce(), plaintext, header);
    this.#key.sequence += 1;
    this.#bytes += content.length;
    return record;
  }
}

/** Opens the records of one direction. */
export class RecordOpener {
  #key: DirectionKey;
  #closed = false;

  /** `secret` is a traffic secret of 32 bytes. */
  constructor(secret: Uint8Array) {
    this.#key = new DirectionKey(secret);
  }

  /**
   * Opens the next record. A key update is applied and returned like any other.
   *
   * @throws {PeerError} `record-invalid` for whatever is not exactly the next record of the peer:
   * forged, altered, replayed, reordered, reflected, or after the close.
   */
  open(record: Uint8Array): OpenedRecord {
    if (this.#closed) throw invalid("A record came after the close");
    const plaintext = this.#decrypt(record);
    const opened = checkShape(plaintext);
    this.#key.sequence += 1;
    if (opened.type === RecordType.keyUpdate) this.#key = this.#key.next();
    if (opened.type === RecordType.close) this.#closed = true;
    return opened;
  }

  #decrypt(record: Uint8Array): Uint8Array {
    try {
      return this.#key.aead.open(this.#key.nonce(), record, frameHeader(record.length));
    } catch (cause) {
      throw invalid("A record is not the authentic next one", cause);
    }
  }
}

function checkShape(plaintext: Uint8Array): OpenedRecord {
  const type = plaintext[0];
  const content = plaintext.subarray(1);
  switch (type) {
    case RecordType.messages:
      if (content.length === 0) break;
      return { type, content };
    case RecordType.keyUpdate:
    case RecordType.close:
      if (content.length > 0) break;
      return { type, content };
  }
  throw invalid("A record has an unknown type or a content that its type does not allow");
}

function invalid(message: string, cause?: unknown): PeerError {
  return new PeerError("record-invalid", message, { cause });
}
