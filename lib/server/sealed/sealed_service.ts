/**
 * Sealed rooms on a running server: what the database keeps of them, and whoever is there
 * (RFC 9750's Delivery Service).
 *
 * @module
 */

import type { Accounts } from "../../auth/accounts.ts";
import { checkCommit, type CommitDeed, storeCommit } from "../../delivery/committing.ts";
import type { Delivery } from "../../delivery/delivery.ts";
import { otherPeer, peersOf, type SealedMembership } from "../../delivery/sealed_rooms.ts";
import { CallerError, EnvironmentError } from "../../errors.ts";
import type { NewEntry } from "../../log/message_log.ts";
import type { RoomTable } from "../../rooms/room_table.ts";
import type { Hub } from "../hub.ts";
import type { Place } from "../participant.ts";
import type { People, Visitor } from "../people.ts";
import { Leases } from "./leases.ts";
import { StagingBudget } from "./staging.ts";

/** What sealed rooms work with. */
export interface SealedServiceOptions {
  accounts: Accounts;
  delivery: Delivery;
  /** The names of all rooms. */
  rooms: RoomTable;
  hub: Hub;
  people: People;
  /** Bytes that all connections may have staged. */
  maxStagedBytes: number;
}

/** A room that is to be made. */
export interface Foundation {
  room: string;
  /** Of a direct room: the other one, as its account has the name. */
  peer: string | undefined;
  /** The key of epoch 0. */
  keyId: string;
  device: number;
  lease: number;
  /** The maker's state. */
  state: Uint8Array;
}

/** A commit's entry in the log, as the committer seals it. */
export type CommitEntry = Pick<NewEntry, "messageId" | "sentAt" | "token">;

/** See the module's description. Each method throws an `EnvironmentError` if the database fails. */
export class SealedService {
  readonly delivery: Delivery;
  readonly leases: Leases;
  readonly staging: StagingBudget;
  readonly #options: SealedServiceOptions;

  constructor(options: SealedServiceOptions) {
    this.#options = options;
    this.delivery = options.delivery;
    this.leases = new Leases(options.delivery);
    this.staging = new StagingBudget(options.maxStagedBytes);
  }

  /** A room as an account may join it; undefined if it is no member, or there is no such room. */
  placeOf(room: string, user: string): Place | undefined {
    const membership = this.delivery.rooms.find(room, user);
    if (membership === undefined) return undefined;
    const peer = this.peerOf(membership, user);
    const direct = peer === undefined ? {} : { peer };
    return { kind: "sealed", topic: "", slow: 0, since: membership.since, ...direct };
  }

  /** With whom a direct room is, by the account's name if there is one still. */
  peerOf({ peers }: Pick<SealedMembership, "peers">, user: string): string | undefined {
    if (peers === null) return undefined;
    const name = otherPeer(peers, user);
    return this.#options.accounts.find(name)?.name ?? name;
  }

  /**
   * Makes a room.
   *
   * @throws {CallerError} `room-invalid`, `room-reserved`, `room-limit`, `lease-lost`,
   * `target-self`, `vault-full`, `blob-too-large`.
   * @throws {EnvironmentError} `room-taken`.
   */
  create(maker: Visitor, { room, peer, keyId, device, lease, state }: Foundation): void {
    const { user } = maker;
    const { delivery } = this;
    const peers = peer === undefined ? null : this.#directPeers(user, peer);
    delivery.transaction(() => {
      this.leases.check(maker, { device, lease });
      this.#checkMayMake(user);
      this.#options.rooms.createSealed(room, { direct: peers !== null });
      delivery.rooms.add({ room, keyId, peers }, user);
      delivery.vault.replace(user, `device/${device}/${room}`, state);
    });
    this.#announce(room, user, user, maker);
  }

  /**
   * Stores a commit and lets everyone know whom it concerns; resolves when it is durable.
   *
   * @throws {CallerError} as {@linkcode checkCommit}: nothing is stored then.
   */
  async commit(deed: CommitDeed, entry: CommitEntry): Promise<void> {
    const { delivery } = this;
    const { room, user } = deed;
    checkCommit(delivery, deed);
    const { keyId } = delivery.rooms.get(room, user);
    let change: ReturnType<typeof storeCommit> | undefined;
    const stored = await this.#options.hub.commit(
      { room, sender: user, keyId, ...entry },
      ({ seq }) => change = storeCommit(delivery, deed, seq),
    );
    if (change === undefined) {
      throw new CallerError("commit-known", "A message of that id is in the room already");
    }
    const farewell = { code: "removed", message: `${user} removed you` };
    for (const name of change.dismissed) {
      this.#options.hub.expel(room, name, farewell, stored.seq);
    }
    for (const name of deed.adds) if (name !== user) this.#announce(room, user, name);
  }

  /** Ends an account's membership by its own wish. Throws `room-unknown`. */
  resign(room: string, user: string): void {
    const { delivery } = this;
    delivery.transaction(() => {
      delivery.rooms.get(room, user);
      delivery.dismiss(user, room);
    });
    this.#options.hub.expel(room, user, { code: "left", message: "You left" });
  }

  /**
   * Tells an account's sessions that it is a member of a room: those that are not there, but for one.
   * Whoever was a member before learns so that a welcome waits, as after a new password.
   */
  #announce(room: string, by: string, user: string, but?: Visitor): void {
    const membership = this.delivery.rooms.find(room, user);
    if (membership === undefined) return;
    const peer = this.peerOf(membership, user);
    const direct = peer === undefined ? {} : { peer };
    for (const visitor of this.#options.people.sessionsOf(user)) {
      if (visitor === but || visitor.isIn(room)) continue;
      visitor.tell({ type: "added", room, by, ...direct });
    }
  }

  #directPeers(user: string, peer: string): string {
    const peers = peersOf(user, peer);
    if (peers === peersOf(user, user)) {
      throw new CallerError("target-self", "Nobody has a direct room with oneself");
    }
    if (!this.delivery.rooms.hasDirect(peers)) return peers;
    throw new EnvironmentError("room-taken", `There is a direct room with ${peer} already`);
  }

  #checkMayMake(user: string): void {
    const { rooms, limits: { roomsMade } } = this.delivery;
    if (rooms.countMade(user) < roomsMade) return;
    throw new CallerError(
      "room-limit",
      `Nobody is in more than ${roomsMade} rooms of their making`,
    );
  }
}
