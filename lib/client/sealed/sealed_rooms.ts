/**
 * The sealed rooms of an account, as one session of it is in them. It begins in the background
 * after each login: whoever needs it waits for it.
 *
 * @module
 */

import { CallerError, PeerError } from "../../errors.ts";
import { MAX_LISTED, MAX_ROOMS_JOINED } from "../../protocol/limits.ts";
import type { MessageOf, ServerMessage } from "../../protocol/messages.ts";
import type { EventQueue } from "../event_queue.ts";
import { type ClientEvent, errorEvent } from "../events.ts";
import type { Rewrap } from "../kept_login.ts";
import type { RoomView } from "../member.ts";
import type { Memberships } from "../memberships.ts";
import type { Requests } from "../requests.ts";
import type { Timing } from "../timing.ts";
import { Farewells } from "./farewells.ts";
import { invitation } from "./introductions.ts";
import type { OwnAccount } from "./own_account.ts";
import type { OwnKeys } from "./own_keys.ts";
import type { RoomEntrance, RoomStart } from "./room_entrance.ts";
import type { SealedCipher } from "./sealed_cipher.ts";
import type { SealedRoom } from "./sealed_room.ts";
import { isCut, VaultStore } from "./vault_store.ts";

/** Milliseconds to wait for somebody who has made a room and is about to add this account. */
const ADDED_MS = 2_000;

/** Where a client is to be first. */
export interface FirstRoom {
  room: string;
  /** Older messages to begin with, there and in the other rooms. */
  history: number;
}

/** What sealed rooms work with. */
export interface SealedRoomsOptions {
  /** The account's name. */
  user: string;
  /** OPAQUE's, of the first login. */
  exportKey: Uint8Array;
  requests: Requests;
  memberships: Memberships;
  events: EventQueue;
  /** Entered before all others, if it is sealed. */
  first: FirstRoom;
  timing: Pick<Timing, "settleMs">;
}

/** See the module's description. */
export class SealedRooms {
  readonly #options: SealedRoomsOptions;
  readonly #rooms = new Map<string, SealedRoom>();
  /** Rooms that the account is a member of, and for a direct one with whom. */
  readonly #known = new Map<string, string | undefined>();
  readonly #entering = new Map<string, Promise<RoomView>>();
  readonly #farewells = new Farewells((error, room) =>
    this.#rooms.has(room) ? this.#report(error, room) : undefined
  );
  /** Somebody needs the rooms, or nobody any more. */
  readonly #hurried = Promise.withResolvers<void>();
  #begun: Promise<void> | undefined;
  #nextBegin = Promise.withResolvers<void>();
  #nextAdded = Promise.withResolvers<void>();
  #keys: Promise<OwnKeys> | undefined;
  #isClosed = false;

  constructor(options: SealedRoomsOptions) {
    this.#options = options;
  }

  /** What is there once the vault is open; opens it the first time. */
  keys(): Promise<OwnKeys> {
    this.#keys ??= this.#open().catch((error) => {
      this.#keys = undefined; // the next one who needs it tries again
      throw error;
    });
    return this.#keys;
  }

  /** There is a connection: opens the vault, goes on as the same device, enters new rooms. */
  begin(): void {
    this.#nextBegin.resolve();
    this.#nextBegin = Promise.withResolvers();
    this.#begun = this.#begin();
  }

  /** Resolves when the vault is open and the rooms are entered, or cannot be. */
  async ready(): Promise<void> {
    this.#hurried.resolve();
    await this.#begun;
  }

  async #begin(): Promise<void> {
    const wasOpen = this.#keys !== undefined;
    if (!wasOpen) await this.#settle();
    if (this.#isClosed) return;
    try {
      const { device, account } = await this.keys();
      await this.#refuseOpen(account);
      if (wasOpen) await device.renew();
      this.#goOn();
      await this.#enterAll(await this.refresh());
    } catch (error) {
      await this.#report(error);
    }
  }

  /** Does what was under way in the rooms when the connection before ended. */
  #goOn(): void {
    for (const [room, sealed] of this.#rooms) {
      if (sealed.cipher.state.isBorrowed) void this.#adopt(room, sealed);
      if (sealed.cipher.state.leaving.size > 0) this.#farewells.await(room, sealed);
    }
  }

  /** What was a sealed room is none that the server can read: nothing more is said there. */
  async #refuseOpen(account: OwnAccount): Promise<void> {
    for (const { state: { room, kind } } of this.#options.memberships.all) {
      if (kind !== "open" || !account.knowsRoom(room)) continue;
      const error = shownOpen(room);
      await this.#report(error, room);
      await this.#options.memberships.quit(room, error);
    }
  }

  /**
   * Passes if a room that was joined as an open one is none that is known to be sealed; else it is
   * left.
   *
   * @throws {PeerError} `room-inconsistent`.
   */
  async checkOpen(room: string): Promise<void> {
    if (!await this.has(room)) return;
    const { memberships } = this.#options;
    const error = shownOpen(room);
    if (memberships.all.some(({ state }) => state.room === room)) {
      await memberships.quit(room, error);
    }
    throw error;
  }

  /** Wraps the vault's key for another password. */
  async rewrapper(): Promise<Rewrap> {
    await this.ready(); // or there may be a vault a moment later
    if (this.#keys === undefined && !await VaultStore.exists(this.#options.requests)) {
      return () => undefined;
    }
    const { store } = await this.keys();
    return (exportKey) => store.rewrap(exportKey);
  }

  /** Tells something that is of no room. */
  async tell(event: ClientEvent): Promise<void> {
    await this.#options.events.push(event);
  }

  /** Asks which sealed rooms there are for this account; returns them. */
  async refresh(): Promise<string[]> {
    const { rooms } = await this.#options.requests.ask({ do: "rooms" });
    const sealed = rooms.filter(({ kind }) => kind === "sealed");
    this.#known.clear();
    for (const { room, peer } of sealed) this.#known.set(room, peer);
    return sealed.map(({ room }) => room);
  }

  /** Whether a room is known to be sealed: the account is a member, or once was. */
  async has(room: string): Promise<boolean> {
    if (this.#known.has(room) || this.#keys === undefined) return this.#known.has(room);
    const keys = await this.#keys.catch(() => undefined); // told already
    return keys?.account.knowsRoom(room) ?? false;
  }

  /** With whom a direct room is: as its members agreed; before it is entered, as the server says. */
  peerOf(room: string): string | undefined {
    return this.#rooms.get(room)?.cipher.peer ?? this.#known.get(room);
  }

  /**
   * The room, as this session is in it.
   *
   * @throws {CallerError} `room-unknown`, `room-open`.
   */
  get(room: string): SealedRoom {
    const found = this.#rooms.get(room);
    if (found !== undefined) return found;
    if (this.#options.memberships.all.some(({ state }) => state.room === room)) {
      throw new CallerError("room-open", `${room} is an open room: everyone may enter it`, {
        hint: "/room create NAME makes a sealed one",
      });
    }
    throw new CallerError("room-unknown", `You are in no sealed room ${JSON.stringify(room)}`);
  }

  /** Whether this session is in a sealed room. */
  isIn(room: string): boolean {
    return this.#rooms.has(room);
  }

  /** Tells a room's other members that this account leaves. */
  async sayLeaving(room: string): Promise<void> {
    const { outbox } = this.#options.memberships.get(room);
    const [id, sentAt] = [crypto.randomUUID(), new Date().toISOString()];
    await outbox.send({ id, text: "leaves", sentAt, leave: true });
  }

  /** Joins a sealed room that the account is a member of. Throws as {@linkcode RoomEntrance.find}. */
  async enter(room: string, history: number): Promise<RoomView> {
    const entering = this.#entering.get(room) ?? this.#enter(room, history);
    this.#entering.set(room, entering);
    try {
      return await entering;
    } finally {
      this.#entering.delete(room);
    }
  }

  /** The same, unless this session is in it; it may just be on its way. */
  async enterOnce(room: string, history: number): Promise<void> {
    if (this.#entering.has(room) || !this.isIn(room)) await this.enter(room, history);
  }

  /** The same with a state that this session made. */
  async found(room: string, start: RoomStart, peer?: string): Promise<SealedRoom> {
    this.#known.set(room, peer);
    await this.#join(room, start, 0);
    return this.get(room);
  }

  /** Makes the room's keys; it is saved and joined by others. */
  async #prepare(room: string, start: RoomStart): Promise<SealedRoom> {
    const { user, requests } = this.#options;
    const { store, account, device } = await this.keys();
    const { SealedCipher, SealedRoom } = await import("./machinery.ts");
    const onError = (error: unknown): void => void this.#report(error, room);
    const cipher: SealedCipher = new SealedCipher({
      ...start,
      ...{ user, room, trust: account },
      reload: (device) => this.#lasting((entrance) => entrance.saved(room, device)),
      device: device.keys,
      welcome: () => this.#lasting((entrance) => entrance.welcomed(room)),
      onFollowed: () => sealed.followed(),
      onEpoch: () => sealed.began(),
      onLeaving: () => this.#farewells.await(room, sealed),
    });
    const accountVersion = (): number => account.version;
    const sealed = new SealedRoom({
      ...{ user, room, requests, store, device, cipher, accountVersion, onError },
    });
    return sealed;
  }

  /**
   * The server says that somebody made this account a member of a room. Nothing is told of that:
   * what is true of it, the room's welcome says.
   */
  takeAdded({ room, peer }: MessageOf<ServerMessage, "added">): void {
    if (this.#rooms.has(room) || this.#entering.size >= MAX_ROOMS_JOINED) return;
    if (this.#known.size < MAX_LISTED) this.#known.set(room, peer);
    this.#nextAdded.resolve();
    this.#nextAdded = Promise.withResolvers();
    void this.enterOnce(room, 0).catch((error) => this.#report(error, room));
  }

  /** Resolves when the server says that next, or in a moment. */
  async added(): Promise<void> {
    const timer = setTimeout(() => this.#nextAdded.resolve(), ADDED_MS);
    await this.#nextAdded.promise;
    clearTimeout(timer);
  }

  /** The session is out of a room; unless it wanted that, its account is a member no more. */
  takeLeft(room: string, code: string): void {
    this.#rooms.delete(room);
    if (code === "removed") this.#known.delete(room);
    this.#keys?.then(({ store }) => store.forgetRoom(room), () => {});
  }

  /** The account has given up its membership. */
  forget(room: string): void {
    this.#known.delete(room);
  }

  /** Saves what is new; resolves when it is, or cannot be. */
  async close(): Promise<void> {
    this.stop();
    const saving = [...this.#rooms.values()].map((room) => room.save());
    await Promise.allSettled(saving);
    const keys = await this.#keys?.catch(() => undefined);
    await keys?.account.saved();
  }

  /** Begins nothing more. */
  stop(): void {
    this.#isClosed = true;
    this.#hurried.resolve();
    this.#farewells.close();
  }

  /** Waits for a moment, unless it is needed at once, or closed. */
  async #settle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#options.timing.settleMs);
    await Promise.race([promise, this.#hurried.promise]);
    clearTimeout(timer);
  }

  /** The first room first: what a person types goes there. */
  async #enterAll(rooms: readonly string[]): Promise<void> {
    const { first } = this.#options;
    const inOrder = [first.room, ...rooms.filter((room) => room !== first.room)];
    for (const room of inOrder) {
      if (!rooms.includes(room) || this.#rooms.has(room)) continue;
      await this.enter(room, first.history).catch((error) => this.#report(error, room));
    }
  }

  async #open(): Promise<OwnKeys> {
    const { user, exportKey, requests, events } = this.#options;
    const onError = (error: unknown): void => void this.#report(error);
    const { openOwnKeys } = await import("./machinery.ts");
    return await openOwnKeys({ user, exportKey, requests, events, onError });
  }

  async #enter(room: string, history: number): Promise<RoomView> {
    this.#options.memberships.checkCanJoin(room);
    const entrance = await this.#entrance();
    return await this.#join(room, await entrance.find(room), history);
  }

  async #entrance(): Promise<RoomEntrance> {
    const { requests } = this.#options;
    const { store, device, account } = await this.keys();
    const { RoomEntrance } = await import("./machinery.ts");
    return new RoomEntrance({ requests, store, device, account });
  }

  /** What the server has for this account: over an outage, as soon as that is over. */
  async #lasting<T>(ask: (entrance: RoomEntrance) => Promise<T>): Promise<T> {
    const entrance = await this.#entrance();
    for (;;) {
      const { promise: begun } = this.#nextBegin;
      try {
        return await ask(entrance);
      } catch (error) {
        if (!isCut(error)) throw error;
        await begun;
      }
    }
  }

  async #join(room: string, start: RoomStart, history: number): Promise<RoomView> {
    const { memberships } = this.#options;
    const sealed = await this.#prepare(room, start);
    const { cipher } = sealed;
    await this.#keep(sealed, start);
    await this.#introduce(sealed, start);
    // In one step from here: while another room has the name, nobody may take it for this one.
    memberships.checkCanJoin(room);
    this.#rooms.set(room, sealed);
    try {
      const view = await memberships.join(room, history, { cipher, from: start.head });
      (await this.keys()).account.noteRoom(room);
      if (cipher.state.isBorrowed) void this.#adopt(room, sealed);
      if (cipher.state.leaving.size > 0) this.#farewells.await(room, sealed);
      return view;
    } catch (error) {
      if (this.#rooms.get(room) === sealed) this.#rooms.delete(room);
      throw error;
    }
  }

  /** What a welcome brought is saved before its key package is given up. */
  async #keep(sealed: SealedRoom, { used, isBorrowed }: RoomStart): Promise<void> {
    if (used === undefined || isBorrowed) return;
    const { device } = await this.keys();
    await sealed.saveFirst();
    await device.replace(used);
  }

  /** Tells who has let this account in, and who is there. */
  async #introduce({ cipher }: SealedRoom, { group, by }: RoomStart): Promise<void> {
    const { events, user } = this.#options;
    const { policy: { room }, members } = group;
    await events.push(
      ...invitation(by, { room, peer: cipher.peer, user }),
      ...cipher.greet(members),
    );
  }

  async #adopt(room: string, sealed: SealedRoom): Promise<void> {
    try {
      await sealed.cipher.reached(this.#options.memberships.get(room).state.end.seq);
      await sealed.adopt();
      this.#options.memberships.get(room).resume();
    } catch (error) {
      if (this.#rooms.get(room) === sealed) await this.#report(error, room);
    }
  }

  /** Says what went wrong in the background; what an outage has cut is done after it. */
  async #report(error: unknown, room?: string): Promise<void> {
    if (this.#isClosed || isCut(error)) return;
    await this.#options.events.push(errorEvent(error, room));
  }
}

/** A server that would read what is said in a sealed room. */
function shownOpen(room: string): PeerError {
  const message = `The server shows an open room in the place of the sealed room ${room}`;
  return new PeerError("room-inconsistent", message);
}
