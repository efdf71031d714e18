/**
 * A database with accounts and what sealed rooms keep in it, under limits that a test can reach.
 *
 * @module
 */

import { openDatabase } from "../../lib/database.ts";
import { type CommitDeed, storeCommit } from "../../lib/delivery/committing.ts";
import { Delivery } from "../../lib/delivery/delivery.ts";
import type { DeliveryLimits } from "../../lib/delivery/limits.ts";
import { peersOf } from "../../lib/delivery/sealed_rooms.ts";
import { TempFolder } from "../attacks/server.ts";

/** See the module's description. */
export class Scene implements Disposable {
  readonly #folder = new TempFolder();
  readonly database = openDatabase(this.#folder.file("a.db"));
  readonly delivery: Delivery;
  #seq = 0;

  constructor(limits: Partial<DeliveryLimits> = {}) {
    this.delivery = new Delivery(this.database, "a.db", limits);
    for (const name of ["Alice", "bob", "carol", "dave"]) this.addAccount(name);
  }

  addAccount(name: string): void {
    this.database.prepare("INSERT INTO accounts VALUES (?, '', 0, '', 'member', 0)").run(name);
  }

  removeAccount(name: string): void {
    this.database.prepare("DELETE FROM accounts WHERE name = ?").run(name);
  }

  /** Makes a room of Alice's, direct with somebody if named. */
  create(room: string, peer?: string): void {
    const peers = peer === undefined ? null : peersOf("Alice", peer);
    this.delivery.rooms.add({ room, keyId: "00000000", peers }, "Alice");
  }

  /** A commit of device 1, which is leased for it, at the room's epoch. */
  deed(room: string, user: string, wish: Partial<CommitDeed> = {}): CommitDeed {
    const epoch = this.delivery.rooms.find(room, user)?.epoch ?? 0;
    return {
      ...{ room, user, device: 1, lease: this.delivery.devices.grant(user, 1) },
      ...{ epoch, keyId: "00000001", adds: [], removes: [] },
      ...{ promotes: [], demotes: [], welcomes: [] },
      ...{ commit: Uint8Array.of(1), welcome: new Uint8Array(), state: new Uint8Array() },
      ...wish,
    };
  }

  /** Stores it as the next entry; gives the place. */
  commit(room: string, user: string, wish: Partial<CommitDeed> = {}): number {
    const deed = this.deed(room, user, wish);
    this.#seq += 1;
    this.delivery.transaction(() => storeCommit(this.delivery, deed, this.#seq));
    return this.#seq;
  }

  /** The number of rows in a table. */
  count(table: string): number {
    return Number(this.database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]);
  }

  [Symbol.dispose](): void {
    this.database.close();
    this.#folder[Symbol.dispose]();
  }
}
