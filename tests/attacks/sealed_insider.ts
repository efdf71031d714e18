/**
 * A member of a sealed room whose client is its own, and whom the server helps: it has all keys that
 * a member has, and says what no honest client says.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { FernetKey } from "../../lib/fernet.ts";
import type { Head } from "../../lib/log/message_log.ts";
import { sign } from "../../lib/mls/ed25519.ts";
import type { DeviceKeys } from "../../lib/mls/device_keys.ts";
import { Group } from "../../lib/mls/group.ts";
import type { MessageOf, ServerMessage } from "../../lib/protocol/messages.ts";
import { encodeParts } from "../../lib/protocol/parts.ts";
import {
  encodeSealedPayload,
  type Proof,
  type SealedContent,
} from "../../lib/rooms/sealed_payload.ts";
import { openBlob } from "../../lib/vault/blob.ts";
import { decodeDeviceRecord } from "../../lib/vault/device_record.ts";
import { decodeRoomRecord } from "../../lib/vault/room_record.ts";
import { unwrapVaultRing } from "../../lib/vault/vault_key.ts";
import { exportKeyOf, type Liar } from "./sealed_liar.ts";
import { ROOM } from "./sealed_tricks.ts";

/** What an insider's message says otherwise than its own client would. */
export interface Pretence extends Partial<Proof> {
  sender?: string;
  /** Signs with this in the place of its own device's key. */
  seed?: Uint8Array;
  /** Seals with this in the place of the epoch's key. */
  key?: FernetKey;
  id?: string;
}

/** A blob of somebody's, as the server keeps it. */
export interface Blob {
  name: string;
  version: number;
  data: Uint8Array;
}

/** What is in an account's vault, for who has the account's password. */
export class OpenVault {
  readonly #liar: Liar;
  readonly #user: string;
  /** The vault's key. */
  readonly key: Uint8Array;

  constructor(liar: Liar, user: string) {
    this.#liar = liar;
    this.#user = user;
    this.key = unwrapVaultRing(blobOf(liar, user, "wrap").data, exportKeyOf(user), user);
  }

  /** A blob's content. */
  read(name: string): Uint8Array {
    const { version, data } = blobOf(this.#liar, this.#user, name);
    return openBlob(this.key, { user: this.#user, name, version }, data);
  }
}

/** A blob of an account, as it is stored now. */
export function blobOf(liar: Liar, user: string, name: string): Blob {
  const sql = "SELECT name, version, data FROM blobs WHERE account = ? AND name = ?";
  return liar.sql<Blob>(sql, user, name)[0] as Blob;
}

/** See the module's description. */
export class Insider {
  readonly user: string;
  readonly keys: DeviceKeys;
  readonly group: Group;
  readonly key: FernetKey;

  private constructor(user: string, keys: DeviceKeys, group: Group, key: FernetKey) {
    this.user = user;
    this.keys = keys;
    this.group = group;
    this.key = key;
  }

  /** The member of that name, with the state that its own client has saved last. */
  static async in(liar: Liar, user: string, room = ROOM): Promise<Insider> {
    const vault = new OpenVault(liar, user);
    const { keys } = decodeDeviceRecord(vault.read("device/1"));
    const group = Group.decode(decodeRoomRecord(vault.read(`device/1/${room}`)).state);
    return new Insider(user, keys, group, FernetKey.fromBytes(await group.epochKey()));
  }

  /** An entry behind a place of the log. It has no place itself yet. */
  says(content: SealedContent, { seq: after, chain: head }: Head, as: Pretence = {}): Said {
    const { sender = this.user, seed = this.keys.signatureSeed, key = this.key } = as;
    const { id = crypto.randomUUID(), ...proof } = as;
    const [{ room }, sent_at] = [this.group.policy, new Date().toISOString()];
    const { signatureKey: device } = this.keys;
    const plaintext = encodeSealedPayload(
      { room, sender, id, sent_at },
      content,
      { epoch: this.group.epoch, after, head, saved: 0, device, ...only(proof) },
      key.digest(),
      (message) => sign(seed, message),
    );
    const token = key.encrypt(plaintext);
    const about = { room, sender, id, sent_at, key_id: key.id, token };
    return { type: "message", ...about, seq: 0, chain: "0".repeat(64) };
  }

  /** A commit and its entry. */
  commits(commit: Uint8Array, after: Head, as: Pretence = {}): ServerMessage[] {
    const { room } = this.group.policy;
    const hash = createHash("sha256").update(commit).digest("hex");
    const parts = Array.from(encodeParts(commit), (data) => ({ data, room }));
    return [
      ...parts.map((part) => ({ type: "commit_part", ...part }) as const),
      this.says({ text: "commits", commit: hash }, after, as),
    ];
  }
}

/** An entry on the wire. */
export type Said = MessageOf<ServerMessage, "message">;

function only({ epoch, after, head, saved, device }: Pretence): Partial<Proof> {
  const given = Object.entries({ epoch, after, head, saved, device });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}
