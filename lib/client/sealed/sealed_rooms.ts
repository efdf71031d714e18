/**
 * The sealed rooms of an account, as one session of it is in them. It begins in the background
 * after each login: whoever needs it waits for it.
 *
 * @module
 */

import { MAX_LISTED, MAX_ROOMS_JOINED } from "../../protocol/limits.ts";
import type { MessageOf, ServerMessage } from "../../protocol/messages.ts";
import type { EventQueue } from "../event_queue.ts";
import { type ClientEvent, errorEvent } from "../events.ts";
import type { Rewrap } from "../login.ts";
import type { RoomView } from "../member.ts";
import type { Memberships } from "../memberships.ts";
import type { Requests } from "../requests.ts";
import type { Timing } from "../timing.ts";
import { leaveOpenTwins, refuseOpenTwin } from "./open_twins.ts";
import type { OwnKeys } from "./own_keys.ts";
import type { RoomStart } from "./room_entrance.ts";
import { RoomsEntered } from "./rooms_entered.ts";
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
  readonly #entered: RoomsEntered;
  /** Rooms that the account is a member of, and for a direct one with whom. */
  readonly #known = new Map<string, string | undefined>();
  /** Somebody needs the rooms, or nobody any more. */
  readonly #hurried = Promise.withResolvers<void>();
  #begun: Promise<void> | undefined;
  #nextBegin = Promise.withResolvers<void>();
  #nextAdded = Promise.withResolvers<void>();
  #keys: Promise<OwnKeys> | undefined;
  /** Never rejects. */
  #renewing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: SealedRoomsOptions) {
    this.#options = options;
    const { user, requests, memberships, events } = options;
    this.#entered = new RoomsEntered({
      ...{ user, requests, memberships, events },
      keys: () => this.keys(),
      settled: () => this.#renewing,
      nextBegin: () => this.#nextBegin.promise,
      report: (error, room) => this.#report(error, room),
    });
  }

  /** What is there once the vault is open; opens it the first time. */
  async keys(): Promise<OwnKeys> {
    await this.#renewing;
    this.#keys ??= this.#open().catch((error) => {
      this.#keys = undefined; // the next one who needs it tries again
      throw error;
    });
    return await this.#keys;
  }

  /** There is a connection: opens the vault, goes on as the same device, enters new rooms. */
  begin(): void {
    this.#nextBegin.resolve();
    this.#nextBegin = Promise.withResolvers();
    this.#begun = this.#keys === undefined ? this.#beginSoon() : this.#beginAgain(this.#keys);
  }

  /** Resolves when the vault is open and the rooms are entered, or cannot be. */
  async ready(): Promise<void> {
    this.#hurried.resolve();
    await this.#begun;
  }

  async #beginSoon(): Promise<void> {
    await this.#settle();
    if (!this.#isClosed) await this.#begin();
  }

  async #beginAgain(keys: Promise<OwnKeys>): Promise<void> {
    const renewing = this.#renew(keys);
    this.#renewing = renewing.catch(() => {});
    await this.#begin(renewing);
  }

  async #begin(renewing?: Promise<void>): Promise<void> {
    try {
      await renewing;
      const { account } = await this.keys();
      await leaveOpenTwins(
        this.#options.memberships,
        (room) => account.knowsRoom(room),
        (error, room) => this.#report(error, room),
      );
      this.#entered.goOn();
      await this.#enterAll(await this.refresh());
    } catch (error) {
      await this.#report(error);
    }
  }

  /**
   * Goes on as the same device; if another session has taken that meanwhile, as a new one, which the
   * rooms' states that are at hand let in.
   */
  async #renew(opened: Promise<OwnKeys>): Promise<void> {
    const keys = await opened;
    if (await keys.device.renew()) return;
    const device = await keys.device.replacement();
    this.#keys = Promise.resolve({ ...keys, device });
    this.#entered.actAs(device);
  }

  /**
   * Passes if a room that was joined as an open one is none that is known to be sealed; else it is
   * left.
   *
   * @throws {PeerError} `room-inconsistent`.
   */
  async checkOpen(room: string): Promise<void> {
    if (await this.has(room)) await refuseOpenTwin(this.#options.memberships, room);
  }

  /** Wraps the vault's keys, and a new one, for another password. */
  async rewrapper(): Promise<Rewrap> {
    await this.ready(); // or there may be a vault a moment later
    if (this.#keys === undefined && !await VaultStore.exists(this.#options.requests)) {
      return () => undefined;
    }
    const { store } = await this.keys();
    return (exportKey) => store.rewrap(exportKey);
  }

  /** There is another password: what this session keeps is saved under the key that came with it. */
  async rewrapped(): Promise<void> {
    if (this.#keys === undefined) return;
    try {
      const { store, account, device } = await this.keys();
      store.rewrapped();
      await account.resave();
      await device.resave();
      await this.#entered.resave();
    } catch (error) {
      await this.#report(error);
    }
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
    return this.#entered.peerOf(room) ?? this.#known.get(room);
  }

  /** The room, as this session is in it. Throws as {@linkcode RoomsEntered.get}. */
  get(room: string): SealedRoom {
    return this.#entered.get(room);
  }

  /** Whether this session is in a sealed room. */
  isIn(room: string): boolean {
    return this.#entered.has(room);
  }

  /** Joins a sealed room that the account is a member of. */
  async enter(room: string, history: number): Promise<RoomView> {
    return await this.#entered.enter(room, history);
  }

  /** The same, unless this session is in it; it may just be on its way. */
  async enterOnce(room: string, history: number): Promise<void> {
    await this.#entered.enterOnce(room, history);
  }

  /** The same with a state that this session made. */
  async found(room: string, start: RoomStart, peer?: string): Promise<SealedRoom> {
    this.#known.set(room, peer);
    return await this.#entered.found(room, start);
  }

  /** Tells a room's other members that this account leaves. */
  async sayLeaving(room: string): Promise<void> {
    const { outbox } = this.#options.memberships.get(room);
    const [id, sentAt] = [crypto.randomUUID(), new Date().toISOString()];
    await outbox.send({ id, text: "leaves", sentAt, leave: true });
  }

  /**
   * The server says that somebody made this account a member of a room. Nothing is told of that:
   * what is true of it, the room's welcome says.
   */
  takeAdded({ room, peer }: MessageOf<ServerMessage, "added">): void {
    if (this.isIn(room) || this.#entered.entering >= MAX_ROOMS_JOINED) return;
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
    this.#entered.forget(room);
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
    await this.#entered.save();
    const keys = await this.#keys?.catch(() => undefined);
    await keys?.account.saved();
  }

  /** Begins nothing more. */
  stop(): void {
    this.#isClosed = true;
    this.#hurried.resolve();
    this.#entered.stop();
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
      if (!rooms.includes(room) || this.isIn(room)) continue;
      await this.enter(room, first.history).catch((error) => this.#report(error, room));
    }
  }

  async #open(): Promise<OwnKeys> {
    const { user, exportKey, requests, events } = this.#options;
    const onError = (error: unknown): void => void this.#report(error);
    const { openOwnKeys } = await import("./machinery.ts");
    return await openOwnKeys({ user, exportKey, requests, events, onError });
  }

  /** Says what went wrong in the background; what an outage has cut is done after it. */
  async #report(error: unknown, room?: string): Promise<void> {
    if (this.#isClosed || isCut(error)) return;
    await this.#options.events.push(errorEvent(error, room));
  }
}
