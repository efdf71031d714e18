/**
 * The sealed rooms that a session is in: entered with the keys that the account has, or with those
 * of a new room.
 *
 * @module
 */

import { CallerError } from "../../errors.ts";
import type { EventQueue } from "../event_queue.ts";
import type { RoomView } from "../member.ts";
import type { Memberships } from "../memberships.ts";
import type { Requests } from "../requests.ts";
import { Farewells } from "./farewells.ts";
import { invitation } from "./introductions.ts";
import type { OwnDevice } from "./own_device.ts";
import type { OwnKeys } from "./own_keys.ts";
import type { RoomEntrance, RoomStart } from "./room_entrance.ts";
import type { SealedCipher } from "./sealed_cipher.ts";
import type { SealedRoom } from "./sealed_room.ts";
import { isCut } from "./vault_store.ts";

/** What rooms are entered with. */
export interface RoomsEnteredOptions {
  /** The account's name. */
  user: string;
  requests: Requests;
  memberships: Memberships;
  events: EventQueue;
  /** What is there once the vault is open. */
  keys(): Promise<OwnKeys>;
  /** Resolves when there is a connection again. */
  nextBegin(): Promise<void>;
  /** Resolves when it is known which device this session is, on the connection that there is. */
  settled(): Promise<void>;
  /** Says what went wrong in the background. */
  report(error: unknown, room: string): Promise<void>;
}

/** See the module's description. */
export class RoomsEntered {
  readonly #options: RoomsEnteredOptions;
  readonly #rooms = new Map<string, SealedRoom>();
  readonly #entering = new Map<string, Promise<RoomView>>();
  readonly #farewells = new Farewells((error, room) =>
    this.#rooms.has(room) ? this.#options.report(error, room) : undefined
  );

  constructor(options: RoomsEnteredOptions) {
    this.#options = options;
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
  has(room: string): boolean {
    return this.#rooms.has(room);
  }

  /** With whom a direct room is, as its members agreed. */
  peerOf(room: string): string | undefined {
    return this.#rooms.get(room)?.cipher.peer;
  }

  /** How many rooms are being entered. */
  get entering(): number {
    return this.#entering.size;
  }

  /** Does what was under way in the rooms when the connection before ended. */
  goOn(): void {
    for (const [room, sealed] of this.#rooms) this.#attend(room, sealed);
  }

  /** The session is another device from now on, which the states that are at hand let in. */
  actAs(device: OwnDevice): void {
    for (const sealed of this.#rooms.values()) sealed.actAs(device);
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
    if (this.#entering.has(room) || !this.has(room)) await this.enter(room, history);
  }

  /** The same with a state that this session made. */
  async found(room: string, start: RoomStart): Promise<SealedRoom> {
    await this.#join(room, start, 0);
    return this.get(room);
  }

  /** The session is out of a room. */
  forget(room: string): void {
    this.#rooms.delete(room);
  }

  /** Saves what is new; resolves when it is, or cannot be. */
  async save(): Promise<void> {
    await Promise.allSettled([...this.#rooms.values()].map((room) => room.save()));
  }

  /** Saves all that can be saved now, whether it is new or not. */
  async resave(): Promise<void> {
    for (const room of this.#rooms.values()) await room.resave();
  }

  /** Begins nothing more. */
  stop(): void {
    this.#farewells.close();
  }

  async #enter(room: string, history: number): Promise<RoomView> {
    this.#options.memberships.checkCanJoin(room);
    const entrance = await this.#entrance();
    return await this.#join(room, await entrance.find(room), history);
  }

  async #join(room: string, start: RoomStart, history: number): Promise<RoomView> {
    const { memberships, keys } = this.#options;
    const sealed = await this.#prepare(room, start);
    const { cipher } = sealed;
    await this.#keep(sealed, start);
    await this.#introduce(sealed, start);
    // In one step from here: while another room has the name, nobody may take it for this one.
    memberships.checkCanJoin(room);
    this.#rooms.set(room, sealed);
    try {
      const view = await memberships.join(room, history, { cipher, from: start.head });
      const { account, device } = await keys();
      account.noteRoom(room);
      sealed.actAs(device); // by now
      this.#attend(room, sealed);
      return view;
    } catch (error) {
      if (this.#rooms.get(room) === sealed) this.#rooms.delete(room);
      throw error;
    }
  }

  /** Makes the room's keys; it is saved and joined by others. */
  async #prepare(room: string, start: RoomStart): Promise<SealedRoom> {
    const { user, requests, keys, settled, report } = this.#options;
    const { store, account, device } = await keys();
    const { SealedCipher, SealedRoom } = await import("./machinery.ts");
    const onError = (error: unknown): void => void report(error, room);
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
      ...{ user, room, requests, store, device, cipher, settled, accountVersion, onError },
    });
    return sealed;
  }

  /** What a welcome brought is saved before its key package is given up. */
  async #keep(sealed: SealedRoom, { used, isBorrowed }: RoomStart): Promise<void> {
    if (used === undefined || isBorrowed) return;
    const { device } = await this.#options.keys();
    await sealed.saveFirst();
    await device.replace(used);
  }

  /** Tells who has let this account in, and who is there. */
  async #introduce({ cipher }: SealedRoom, { group, by, isAnew }: RoomStart): Promise<void> {
    const { events, user } = this.#options;
    const { policy: { room }, members } = group;
    await events.push(
      ...invitation(by, { room, peer: cipher.peer, user, isAnew }),
      ...cipher.greet(members),
    );
  }

  /** Does what a room's state says is to be done. */
  #attend(room: string, sealed: SealedRoom): void {
    const { isBorrowed, leaving } = sealed.cipher.state;
    if (isBorrowed) void this.#adopt(room, sealed);
    if (leaving.size > 0) this.#farewells.await(room, sealed);
  }

  async #adopt(room: string, sealed: SealedRoom): Promise<void> {
    const { memberships } = this.#options;
    try {
      await sealed.cipher.reached(memberships.get(room).state.end.seq);
      await sealed.adopt();
      memberships.get(room).resume();
    } catch (error) {
      if (this.#rooms.get(room) === sealed) await this.#options.report(error, room);
    }
  }

  async #entrance(): Promise<RoomEntrance> {
    const { requests, keys } = this.#options;
    const { store, device, account } = await keys();
    const { RoomEntrance } = await import("./machinery.ts");
    return new RoomEntrance({ requests, store, device, account });
  }

  /** What the server has for this account: over an outage, as soon as that is over. */
  async #lasting<T>(ask: (entrance: RoomEntrance) => Promise<T>): Promise<T> {
    for (;;) {
      const begun = this.#options.nextBegin();
      try {
        return await ask(await this.#entrance());
      } catch (error) {
        if (!isCut(error)) throw error;
        await begun;
      }
    }
  }
}
