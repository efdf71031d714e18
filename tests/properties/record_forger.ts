/**
 * A peer that has the keys of its direction and no manners: it seals any plaintext as its next
 * record.
 *
 * @module
 */

import { frameHeader } from "../../lib/framing.ts";
import {
  type Aead,
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  createAead,
} from "../../lib/protocol/aead.ts";
import { nextTrafficSecret, trafficKey } from "../../lib/protocol/key_schedule.ts";

/** See the module's description. */
export class RecordForger {
  #secret: Uint8Array;
  #aead: Aead;
  #iv: Uint8Array;
  #sequence = 0;

  constructor(secret: Uint8Array) {
    const { key, iv } = trafficKey(secret);
    [this.#secret, this.#aead, this.#iv] = [secret, createAead(key), iv];
  }

  /** The record that is due, around any plaintext. Until `advance`, the next takes its place. */
  seal(plaintext: Uint8Array): Uint8Array {
    const nonce = this.#iv.slice();
    const view = new DataView(nonce.buffer, AEAD_NONCE_BYTES - 8);
    view.setBigUint64(0, view.getBigUint64(0) ^ BigInt(this.#sequence));
    return this.#aead.seal(nonce, plaintext, frameHeader(plaintext.length + AEAD_TAG_BYTES));
  }

  /** Goes on to the next record. */
  advance(): void {
    this.#sequence += 1;
  }

  /** Goes on to the next key, as both sides do after a key update. */
  updateKey(): void {
    this.#secret = nextTrafficSecret(this.#secret);
    const { key, iv } = trafficKey(this.#secret);
    [this.#aead, this.#iv, this.#sequence] = [createAead(key), iv, 0];
  }
}
