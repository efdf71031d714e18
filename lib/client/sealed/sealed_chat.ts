/**
 * The SDK's part for sealed rooms: making them, letting people in and out, direct messages, and who
 * is who.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { CallerError, EnvironmentError, PeerError } from "../../errors.ts";
import type { KeyRing } from "../../fernet.ts";
import { foldName, sameName } from "../../folded_name.ts";
import type { Member, RoomPolicy } from "../../mls/group.ts";
import type { ForeignKeyPackage } from "../../mls/key_package.ts";
import { sameBytes } from "../../same_bytes.ts";
import type { JoinOptions } from "../options.ts";
import type { Requests } from "../requests.ts";
import { demote, promote, stepDown } from "./appointments.ts";
import { Identities, type Identity } from "./identities.ts";
import { devicesOutdated, identityChanged, KeyClaims } from "./key_claims.ts";
import { absentFrom, addition, checkMayRemove, removal } from "./membership_changes.ts";
import { accountsOf, listNames } from "./membership_news.ts";
import { demotion } from "./room_admins.ts";
import type { RoomSecurity } from "./room_security.ts";
import type { SealedRoom } from "./sealed_room.ts";
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
  readonly #claims: KeyClaims;
  readonly #identities: Identities;

  constructor(options: SealedChatOptions) {
    this.#options = options;
    this.#claims = new KeyClaims(options);
    this.#identities = new Identities({ ...options, claims: this.#claims });
  }

  /**
   * Resolves when this session has its device, and is in all sealed rooms of its account; what could
   * not be done is told as events. Nobody has to wait for it.
   */
  async ready(): Promise<void> {
    await this.#options.rooms.ready();
  }

  /**
   * Makes a sealed room, and is in it: its first admin.
   *
   * @throws {EnvironmentError} `room-taken`, `room-reserved`, `room-limit`.
   */
  async create(room: string): Promise<void> {
    const admins = await this.#identity();
    const { foundRoom } = await import("./machinery.ts");
    await foundRoom(this.#options, { room, kind: "room", admins: [admins] });
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
    const absent = absentFrom(sealed.cipher.state.group, await this.#claims.claim(users));
    if (absent.length === 0) {
      throw new CallerError("member-already", `${listNames(users)} can read ${room} already`);
    }
    await this.#add(sealed, absent);
  }

  /**
   * Shuts people out of a sealed room: what is said from then on, they cannot read. An admin loses
   * that first, in a commit of its own: whoever comes again begins as a plain member.
   *
   * @throws {CallerError} `not-admin`, `not-in-room`, `target-self`.
   */
  async remove(room: string, users: readonly string[]): Promise<void> {
    const sealed = this.#options.rooms.get(room);
    const wanted = new Set(users.map(foldName));
    checkMayRemove(sealed.cipher.state.group, wanted);
    await sealed.change((group) => demotion(group, wanted));
    await sealed.change((group) => removal(group, wanted));
  }

  /**
   * Makes members of a sealed room its admins, who can remove others and say who else is an admin.
   *
   * @returns whether any of them was none before.
   * @throws {CallerError} `not-admin`, `not-in-room`, `room-direct`, `too-many`; `identity-changed`
   * if one has another key than before, which nobody has acknowledged.
   */
  async promote(room: string, users: readonly string[]): Promise<boolean> {
    return await promote(this.#options.rooms.get(room), await this.security(room), users);
  }

  /**
   * Makes admins of a sealed room plain members: this account too, if another one stays.
   *
   * @returns whether any of them was one before.
   * @throws {CallerError} `not-admin`, `not-in-room`, `room-direct`, `last-admin`.
   */
  async demote(room: string, users: readonly string[]): Promise<boolean> {
    return await demote(this.#options.rooms.get(room), users);
  }

  /** Leaves a sealed room for good: its other members shut this account out. */
  async leave(room: string): Promise<void> {
    const { rooms } = this.#options;
    const sealed = rooms.get(room);
    const isAlone = accountsOf(sealed.cipher.state.group.members).length === 1;
    if (!isAlone && sealed.cipher.canSeal) {
      await stepDown(sealed);
      await rooms.sayLeaving(room);
    }
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
   * @throws {CallerError} `target-self`, `identity-changed`, `count-invalid`.
   * @throws {PeerError} `room-inconsistent` if the server gives another one's room.
   */
  async direct(
    user: string,
    { history = 0 }: Pick<JoinOptions, "history"> = {},
  ): Promise<string> {
    const { requests } = this.#options;
    if (sameName(user, this.#options.user)) {
      throw new CallerError("target-self", "You are talking to yourself: choose somebody else");
    }
    const { room } = await requests.ask({ do: "direct", user });
    if (room === undefined) return await this.#foundDirect(user);
    return await this.#enterDirect(room, user, history);
  }

  /**
   * Passes if something may be said in a sealed room now: in a direct one only to devices of the
   * identity that is known, and not while another one was seen.
   *
   * @throws {CallerError} `identity-changed`, also if the new one was acknowledged and is not let in
   * yet; `room-unknown`.
   */
  async checkSend(room: string): Promise<void> {
    const { rooms } = this.#options;
    const { cipher } = rooms.get(room);
    const { account } = await rooms.keys();
    const { peer, state: { group } } = cipher; // as they are now
    if (peer === undefined) return;
    const contact = account.find(peer);
    const isKnown = ({ user, identity }: Member): boolean =>
      !sameName(user, peer) ||
      contact !== undefined && sameBytes(identity, contact.key);
    if (contact?.changed !== undefined) throw identityChanged(peer);
    if (group.members.every(isKnown)) return;
    throw contact === undefined ? identityChanged(peer) : devicesOutdated(peer);
  }

  /**
   * Somebody's identity, to be compared. Who is not known yet is looked up, and pinned.
   *
   * @throws {EnvironmentError} `name-unknown`, `no-keys`, `identity-wrong`.
   * @throws {CallerError} `target-self`.
   */
  async identityOf(user: string): Promise<Identity> {
    return await this.#identities.of(user);
  }

  /**
   * Notes that somebody's safety number was compared, and was right; of a changed key too, once
   * {@linkcode identityOf} has given its number.
   *
   * @returns whether it is a changed key.
   * @throws {CallerError} `contact-unknown`, `contact-changed`.
   */
  async confirm(user: string): Promise<boolean> {
    return await this.#identities.confirm(user);
  }

  /** What holds in a sealed room now. Throws `room-open`, `room-unknown`. */
  async security(room: string): Promise<RoomSecurity> {
    const { cipher } = this.#options.rooms.get(room);
    const { securityOf } = await import("./machinery.ts");
    return securityOf(cipher, (await this.#options.rooms.keys()).account);
  }

  /** With whom a direct room is; before it is entered, as the server says. */
  peerOf(room: string): string | undefined {
    return this.#options.rooms.peerOf(room);
  }

  /** The keys of all epochs of a sealed room that this account was a member in, newest first. */
  exportKeys(room: string): KeyRing {
    return this.#options.rooms.get(room).cipher.state.archive.ring();
  }

  async #identity(): Promise<Uint8Array> {
    return (await this.#options.rooms.keys()).account.identity.publicKey;
  }

  async #foundDirect(user: string): Promise<string> {
    const { user: self } = this.#options;
    const packages = await this.#claims.claim([user]);
    const peer = packages[0]?.user ?? user;
    const room = `dm-${randomBytes(DIRECT_NAME_BYTES).toString("hex")}`;
    const admins = [await this.#identity()];
    const { foundRoom } = await import("./machinery.ts");
    try {
      const policy: RoomPolicy = { room, kind: "direct", admins, peers: [self, peer] };
      await this.#add(await foundRoom(this.#options, policy, peer), packages);
    } catch (error) {
      if (!(error instanceof EnvironmentError && error.code === "room-taken")) throw error;
      return await this.#enterDirect(await this.#awaitDirect(user), user, 0); // both at once
    }
    return room;
  }

  /** The other one has made the room, and is about to let this account in. */
  async #awaitDirect(user: string): Promise<string> {
    const { requests, rooms } = this.#options;
    for (let tries = 0; tries < 2; tries++) {
      const added = rooms.added();
      const { room } = await requests.ask({ do: "direct", user });
      if (room !== undefined) return room;
      await added;
    }
    throw new EnvironmentError("room-taken", `${user} was about to write to you, and has not yet`, {
      hint: "try again when both of you are here",
    });
  }

  /** What is meant for one person must not go to a room with another, whatever the server says. */
  async #enterDirect(room: string, user: string, history: number): Promise<string> {
    const { rooms } = this.#options;
    await rooms.enterOnce(room, history);
    const sealed = rooms.get(room);
    const { peer } = sealed.cipher;
    if (peer !== undefined && sameName(peer, user)) {
      await this.#completeDirect(sealed, peer);
      return room;
    }
    throw new PeerError(
      "room-inconsistent",
      `The server gave another room than that with ${user}`,
      {
        hint: "do not trust it with secrets; tell who runs the server",
      },
    );
  }

  /** The session that made the room may have ended before; the other one may have new devices. */
  async #completeDirect(sealed: SealedRoom, peer: string): Promise<void> {
    const { members } = sealed.cipher.state.group;
    const { identity } = await this.#claims.look(peer);
    const isThere = members.some((one) =>
      sameName(one.user, peer) && sameBytes(one.identity, identity)
    );
    if (isThere) return;
    try {
      await this.#add(sealed, await this.#claims.claim([peer]));
    } catch (error) {
      // What was said before can be read; checkSend stops what is not.
      if (!(error instanceof CallerError && error.code === "identity-changed")) throw error;
    }
  }

  async #add(sealed: SealedRoom, packages: readonly ForeignKeyPackage[]): Promise<void> {
    if (packages.length > 0) await sealed.change((group) => addition(group, packages));
  }
}
