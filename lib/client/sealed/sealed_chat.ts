/**
 * The SDK's part for sealed rooms: making them, letting people in and out, direct messages, and who
 * is who.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { foldName } from "../../folded_name.ts";
import { CallerError, EnvironmentError } from "../../errors.ts";
import { FernetKey, type KeyRing } from "../../fernet.ts";
import type { Group, Member, RoomPolicy } from "../../mls/group.ts";
import type { ForeignKeyPackage } from "../../mls/key_package.ts";
import { encodeRoomRecord } from "../../vault/room_record.ts";
import type { Requests } from "../requests.ts";
import { accountsOf, listNames } from "./membership_news.ts";
import { sameBytes } from "./sealed_entry.ts";
import type { Change, SealedRoom } from "./sealed_room.ts";
import type { SealedRooms } from "./sealed_rooms.ts";

/** Bytes of a direct room's name that are drawn: nobody is to tell from it whose it is. */
const DIRECT_NAME_BYTES = 8;

/** What {@linkcode SealedChat} works with. */
export interface SealedChatOptions {
  /** The account's name. */
  user: string;
  requests: Requests;
  rooms: SealedRooms;
}

/** See the module's description. Every method throws what {@linkcode Requests.ask} throws. */
export class SealedChat {
  readonly #options: SealedChatOptions;

  constructor(options: SealedChatOptions) {
    this.#options = options;
  }

  /**
   * Makes a sealed room, and is in it: its first admin.
   *
   * @throws {EnvironmentError} `room-taken`, `room-reserved`, `room-limit`.
   */
  async create(room: string): Promise<void> {
    const admins = await this.#identity();
    const sealed = await this.#found({ room, kind: "room", admins: [admins] });
    await this.#add(sealed, await this.#claim([this.#options.user]));
  }

  /**
   * Adds people to a sealed room, with all devices that they have.
   *
   * @throws {EnvironmentError} `name-unknown`; `no-keys` if one has never logged in.
   * @throws {CallerError} `identity-changed` if one has another key than before, which nobody has
   * acknowledged; `member-already`.
   */
  async invite(room: string, users: readonly string[]): Promise<void> {
    const sealed = this.#options.rooms.get(room);
    const present = new Set(sealed.cipher.group.members.map(ownerKey));
    const packages = await this.#claim(users);
    const absent = packages.filter((one) => !present.has(ownerKey(one)));
    if (absent.length === 0) {
      throw new CallerError("member-already", `${listNames(users)} can read ${room} already`);
    }
    await this.#add(sealed, absent);
  }

  /**
   * Shuts people out of a sealed room: what is said from then on, they cannot read.
   *
   * @throws {CallerError} `not-admin`, `not-in-room`, `target-self`.
   */
  async remove(room: string, users: readonly string[]): Promise<void> {
    const sealed = this.#options.rooms.get(room);
    const wanted = new Set(users.map(foldName));
    this.#checkMayRemove(sealed, wanted);
    await sealed.change((group) => removal(group, wanted));
  }

  /** Leaves a sealed room for good: its other members shut this account out. */
  async leave(room: string): Promise<void> {
    const { rooms } = this.#options;
    const sealed = rooms.get(room);
    const isAlone = accountsOf(sealed.cipher.group.members).length === 1;
    if (!isAlone && sealed.cipher.canSeal) await rooms.sayLeaving(room);
    await this.#options.requests.ask({ do: "resign", room });
    rooms.forget(room);
  }

  /** Renews a sealed room's keys: whoever stole the ones before cannot read on. */
  async rekey(room: string): Promise<void> {
    await this.#options.rooms.get(room).change(() => ({ plan: {}, text: "renewed the keys" }));
  }

  /**
   * The direct room with someone, which is made if there is none; this session is in it then.
   *
   * @throws {EnvironmentError} `name-unknown`, `no-keys`.
   * @throws {CallerError} `target-self`, `identity-changed`.
   */
  async direct(user: string): Promise<string> {
    const { requests, rooms } = this.#options;
    if (foldName(user) === foldName(this.#options.user)) {
      throw new CallerError("target-self", "You are talking to yourself: choose somebody else");
    }
    const { room } = await requests.ask({ do: "direct", user });
    if (room === undefined) return await this.#foundDirect(user);
    if (!rooms.isIn(room)) await rooms.enter(room, 0);
    return room;
  }

  /**
   * Passes if something may be said in a room now: in a direct one not while the other's identity
   * is another one than before.
   *
   * @throws {CallerError} `identity-changed`.
   */
  async checkSend(room: string): Promise<void> {
    const { rooms } = this.#options;
    const peer = rooms.peerOf(room);
    if (peer === undefined || !rooms.isIn(room)) return;
    const { account } = await rooms.keys();
    if (account.find(peer)?.changed !== undefined) throw identityChanged(peer);
  }

  /** The keys of all epochs of a sealed room that this account was a member in, newest first. */
  exportKeys(room: string): KeyRing {
    return this.#options.rooms.get(room).cipher.archive.ring();
  }

  async #identity(): Promise<Uint8Array> {
    return (await this.#options.rooms.keys()).account.identity.publicKey;
  }

  async #foundDirect(user: string): Promise<string> {
    const { user: self, requests } = this.#options;
    const packages = await this.#claim([user, self]);
    const peer = packages.find((one) => foldName(one.user) === foldName(user))?.user ?? user;
    const room = `dm-${randomBytes(DIRECT_NAME_BYTES).toString("hex")}`;
    const admins = [await this.#identity()];
    try {
      const policy: RoomPolicy = { room, kind: "direct", admins, peers: [self, peer] };
      await this.#add(await this.#found(policy, peer), packages);
    } catch (error) {
      if (!(error instanceof EnvironmentError && error.code === "room-taken")) throw error;
      const { room: theirs } = await requests.ask({ do: "direct", user }); // both at once
      if (theirs === undefined) throw error;
      await this.#options.rooms.enter(theirs, 0);
      return theirs;
    }
    return room;
  }

  async #found(policy: RoomPolicy, peer?: string): Promise<SealedRoom> {
    const { requests, rooms } = this.#options;
    const { room } = policy;
    const { store, account, device } = await rooms.keys();
    const { Group, foundingStart } = await import("./machinery.ts");
    const group = await Group.create(device.keys, policy);
    const start = await foundingStart(group, device.keys);
    const { head: { seq, chain: head }, archive, leaving } = start;
    const record = { seq, head, archive, leaving, account: account.version, state: group.encode() };
    const blob = `device/${device.number}/${room}`;
    const state = store.seal(blob, encodeRoomRecord(record)).bytes;
    const { id: key_id } = FernetKey.fromBytes(await group.epochKey());
    const about = { key_id, device: device.number, lease: device.lease };
    const with_ = peer === undefined ? {} : { peer };
    await requests.exchange({ do: "create_sealed", room, ...with_, ...about }, state);
    store.saved(blob);
    return await rooms.found(room, start, peer);
  }

  /**
   * A key package of each device of these accounts, this one left out, all of them with an identity
   * that is known, or now is.
   */
  async #claim(users: readonly string[]): Promise<ForeignKeyPackage[]> {
    const { requests, rooms } = this.#options;
    const { device } = await rooms.keys();
    const { readKeyPackage } = await import("./machinery.ts");
    const { result, bytes } = await requests.exchange({ do: "claim", users: [...users] });
    const packages: ForeignKeyPackage[] = [];
    let at = 0;
    for (const { user, size } of result.packages) {
      const one = await readKeyPackage(bytes.subarray(at, at + size));
      at += size;
      if (!users.some((name) => foldName(name) === foldName(one.user)) || one.user !== user) {
        throw new EnvironmentError("identity-wrong", `The server gave keys that are not ${user}'s`);
      }
      if (!sameBytes(one.signatureKey, device.keys.signatureKey)) packages.push(one);
    }
    await this.#checkIdentities(packages);
    return packages;
  }

  async #checkIdentities(packages: readonly ForeignKeyPackage[]): Promise<void> {
    const { user: self, rooms } = this.#options;
    const { account } = await rooms.keys();
    for (const { user, identity } of packages) {
      const isOwn = foldName(user) === foldName(self);
      const isWrong = isOwn
        ? !sameBytes(identity, account.identity.publicKey)
        : account.meet(user, identity) === "changed";
      if (isWrong) throw identityChanged(user);
    }
  }

  async #add(sealed: SealedRoom, packages: readonly ForeignKeyPackage[]): Promise<void> {
    if (packages.length > 0) await sealed.change((group) => addition(group, packages));
  }

  #checkMayRemove({ cipher: { group } }: SealedRoom, wanted: ReadonlySet<string>): void {
    const { policy, own, members } = group;
    if (wanted.has(foldName(own.user))) {
      throw new CallerError("target-self", "You cannot remove yourself: /leave does that");
    }
    if (!policy.admins.some((admin) => sameBytes(admin, own.identity))) {
      throw new CallerError("not-admin", `Only the admins of ${policy.room} can remove people`, {
        hint: "/security shows who they are",
      });
    }
    const present = new Set(members.map(({ user }) => foldName(user)));
    for (const user of wanted) {
      if (!present.has(user)) throw new CallerError("not-in-room", `${user} is not a member`);
    }
  }
}

/** Adds devices that are not there by now, and removes those of an identity that is over. */
function addition(group: Group, packages: readonly ForeignKeyPackage[]): Change | undefined {
  const present = new Set(group.members.map(ownerKey));
  const add = packages.filter((one) => !present.has(ownerKey(one)));
  if (add.length === 0) return undefined;
  const removeLeaves = group.members
    .filter((member) => add.some((one) => isReplaced(member, one)))
    .map(({ leaf }) => leaf);
  const plan = removeLeaves.length === 0 ? { add } : { add, removeLeaves };
  return { plan, text: `added ${listNames(accountsOf(add))}` };
}

function removal(group: Group, wanted: ReadonlySet<string>): Change | undefined {
  const gone = group.members.filter(({ user }) => wanted.has(foldName(user)));
  if (gone.length === 0) return undefined;
  const removeLeaves = gone.map(({ leaf }) => leaf);
  return { plan: { removeLeaves }, text: `removed ${listNames(accountsOf(gone))}` };
}

/** The same account, under an identity that is over. */
function isReplaced(member: Member, added: ForeignKeyPackage): boolean {
  return foldName(member.user) === foldName(added.user) &&
    !sameBytes(member.identity, added.identity);
}

function ownerKey({ signatureKey }: Pick<Member, "signatureKey">): string {
  return signatureKey.join();
}

/** Somebody's identity is another one than before. */
export function identityChanged(user: string): CallerError {
  return new CallerError(
    "identity-changed",
    `Nothing was sent: ${user} has another identity key than before`,
    { hint: `compare /verify ${user} in person, then /verified ${user}` },
  );
}
