/**
 * How a session comes by the state of a sealed room: it was saved, or a welcome waits, or another
 * device of the account has it (PROTOCOL.md section 12.5).
 *
 * @module
 */

import { EnvironmentError, PeerError } from "../../errors.ts";
import { FernetKey } from "../../fernet.ts";
import { chainStart } from "../../log/chain.ts";
import type { Head } from "../../log/message_log.ts";
import type { DeviceKeys } from "../../mls/device_keys.ts";
import { Group, type Member } from "../../mls/group.ts";
import type { OwnKeyPackage } from "../../mls/key_package.ts";
import { sameBytes } from "../../same_bytes.ts";
import { Archive } from "../../vault/archive.ts";
import { RecentEntries } from "../../vault/recent_entries.ts";
import { decodeRoomRecord } from "../../vault/room_record.ts";
import type { Requests } from "../requests.ts";
import type { OwnAccount } from "./own_account.ts";
import { loadDevice, type OwnDevice } from "./own_device.ts";
import type { SavedState } from "./sealed_state.ts";
import { rolledBack, type VaultStore } from "./vault_store.ts";

/** What a room is entered with. */
export interface RoomStart extends SavedState {
  /** The keys of the device whose state it is. */
  keys: DeviceKeys;
  /** Whether that is another device of this account. */
  isBorrowed: boolean;
  /** The key package that brought it here, if one did: the state was not saved yet. */
  used?: OwnKeyPackage;
  /** Who added this account then. */
  by?: string;
  /** Whether it was in a room of that name before. */
  isAnew?: boolean;
}

/** What the state is looked for with. */
export interface RoomEntranceOptions {
  requests: Requests;
  store: VaultStore;
  device: OwnDevice;
  account: OwnAccount;
}

type Source = Pick<RoomStart, "keys" | "isBorrowed">;

/** See the module's description. */
export class RoomEntrance {
  readonly #options: RoomEntranceOptions;

  constructor(options: RoomEntranceOptions) {
    this.#options = options;
  }

  /**
   * Finds the state of a room that the account is a member of.
   *
   * @throws {EnvironmentError} `no-keys` if no device has it: the account was reset.
   * @throws {PeerError} `vault-invalid`, `vault-rolled-back`, `mls-invalid`, `mls-refused`.
   */
  async find(room: string): Promise<RoomStart> {
    const { device, store } = this.#options;
    const { number, keys, packages } = device;
    const start = await this.#findBy(room, number, packages, { keys, isBorrowed: false });
    if (start !== undefined) return start;
    for (const other of await otherDevices(store, number)) {
      const record = await loadDevice(store, other);
      if (record === undefined) continue;
      const { keys, packages } = record;
      const found = await this.#findBy(room, other, packages, { keys, isBorrowed: true });
      if (found !== undefined) return found;
    }
    throw new EnvironmentError("no-keys", `None of your devices has the keys of ${room}`, {
      hint: "after a password reset, ask a member to /invite you again",
    });
  }

  /** What a device has saved of a room. Throws as {@linkcode find}. */
  async saved(room: string, device: number): Promise<SavedState | undefined> {
    const bytes = await this.#options.store.load(`device/${device}/${room}`);
    if (bytes === undefined) return undefined;
    const record = decodeRoomRecord(bytes);
    await this.#options.account.reach(record.account);
    const group = Group.decode(record.state);
    checkRoom(group, room);
    const { seq, head: chain, archive, leaving, pending } = record;
    const recent = new RecentEntries(record.recent);
    const state = { group, archive, head: { seq, chain }, leaving, recent };
    if (pending === undefined) return state;
    return { ...state, pending: { hash: pending.commit, next: Group.decode(pending.state) } };
  }

  /** What a welcome for this session's device brings, if one waits. Throws as {@linkcode find}. */
  async welcomed(room: string): Promise<RoomStart | undefined> {
    const { number, packages, keys } = this.#options.device;
    return await this.#welcomed(room, number, packages, { keys, isBorrowed: false });
  }

  /**
   * A welcome beside a saved state is none that a server which keeps the rules has: where an account
   * was out meanwhile, that drops the state. So the state is gone on with, whoever welcomes.
   */
  async #findBy(
    room: string,
    device: number,
    packages: readonly OwnKeyPackage[],
    source: Source,
  ): Promise<RoomStart | undefined> {
    const state = await this.saved(room, device);
    if (state === undefined) return await this.#welcomed(room, device, packages, source);
    // Nobody would believe what another key signs.
    if (!sameBytes(state.group.own.signatureKey, source.keys.signatureKey)) {
      throw rolledBack(`device/${device}`);
    }
    return { ...state, ...source };
  }

  async #welcomed(
    room: string,
    number: number,
    packages: readonly OwnKeyPackage[],
    source: Source,
  ): Promise<RoomStart | undefined> {
    const welcome = await this.#askForWelcome(room, number);
    if (welcome === undefined) return undefined;
    const { group, used, by } = await Group.join(source.keys, welcome.bytes, packages);
    checkRoom(group, room);
    this.#checkHost(room, by);
    const isAnew = this.#options.account.knowsRoom(room);
    return { ...await beginning(group, welcome.head), ...source, used, by: by.user, isAnew };
  }

  /**
   * Who was in a room already and is welcomed anew, was out meanwhile; or a server has dropped the
   * state and has made a room of the same name. So no stranger may welcome one there.
   */
  #checkHost(room: string, { user, identity }: Member): void {
    const { account } = this.#options;
    if (!account.knowsRoom(room) || account.isKnown(user, identity)) return;
    throw new PeerError(
      "room-inconsistent",
      `${user}, who is not known to you, lets you into ${room}, where you were before`,
      { hint: `if that is right, /verify ${user} and /join ${room}` },
    );
  }

  async #askForWelcome(
    room: string,
    device: number,
  ): Promise<{ bytes: Uint8Array; head: Head } | undefined> {
    try {
      const { result: { seq, head: chain }, bytes } = await this.#options.requests.exchange({
        do: "welcome",
        room,
        device,
      });
      return { bytes, head: { seq, chain } };
    } catch (error) {
      if (error instanceof EnvironmentError && error.code === "no-welcome") return undefined;
      throw error;
    }
  }
}

/** The start of a room that this session makes. */
export async function foundingStart(group: Group, keys: DeviceKeys): Promise<RoomStart> {
  const head = { seq: 0, chain: chainStart(group.policy.room) };
  return { ...await beginning(group, head), keys, isBorrowed: false };
}

/** What there is to know of a room that begins for this account at a place of its log. */
async function beginning(
  group: Group,
  head: Head,
): Promise<Pick<RoomStart, "group" | "archive" | "head" | "leaving" | "recent">> {
  const key = FernetKey.fromBytes(await group.epochKey());
  const archive = new Archive().begin(group.epoch, head.seq, key, group.members);
  return { group, archive, head, leaving: [], recent: new RecentEntries() };
}

/** A server must not pass one room's state off as another's. */
function checkRoom({ policy }: Group, room: string): void {
  if (policy.room === room) return;
  throw new PeerError("room-inconsistent", `The server gave the keys of another room for ${room}`);
}

/** The numbers of the account's other devices. */
async function otherDevices(store: VaultStore, own: number): Promise<number[]> {
  const numbers = (await store.names()).map((name) => /^device\/(\d+)$/.exec(name)?.[1]);
  return numbers.filter((number) => number !== undefined).map(Number).filter((one) => one !== own);
}
