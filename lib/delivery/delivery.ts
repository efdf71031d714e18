/**
 * What sealed rooms need of a server's database: RFC 9750's Delivery Service, the part that remembers.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { DatabaseAccess } from "../database_access.ts";
import { Commits } from "./commits.ts";
import { Devices } from "./devices.ts";
import { KeyPackages } from "./key_packages.ts";
import { DELIVERY_LIMITS, type DeliveryLimits } from "./limits.ts";
import { SealedRooms } from "./sealed_rooms.ts";
import { Vault } from "./vault.ts";

/** See the module's description. Each method throws an `EnvironmentError` if the database fails. */
export class Delivery {
  readonly vault: Vault;
  readonly devices: Devices;
  readonly packages: KeyPackages;
  readonly rooms: SealedRooms;
  readonly commits: Commits;
  readonly limits: DeliveryLimits;
  readonly #access: DatabaseAccess;

  /** `path` is for error messages. */
  constructor(database: DatabaseSync, path: string, limits: Partial<DeliveryLimits> = {}) {
    this.limits = { ...DELIVERY_LIMITS, ...limits };
    this.#access = new DatabaseAccess(database, path);
    this.vault = new Vault(this.#access, this.limits);
    this.devices = new Devices(this.#access);
    this.packages = new KeyPackages(this.#access, this.limits);
    this.rooms = new SealedRooms(this.#access);
    this.commits = new Commits(this.#access);
  }

  /** All of it happens, or nothing. */
  transaction<T>(work: () => T): T {
    return this.#access.transaction(work);
  }

  /** Stores a device's state of a room: it needs no welcome any more. Throws as {@linkcode Vault.put}. */
  saveState(account: string, device: number, room: string, save: () => void): void {
    this.transaction(() => {
      save();
      this.commits.takeUp(account, device, room);
    });
  }

  /**
   * Ends an account's membership of a room: of a direct one, so that the two may begin another. Its
   * devices' states are of no use any more: whoever comes again begins with a welcome.
   */
  dismiss(account: string, room: string): void {
    this.transaction(() => {
      this.rooms.releaseDirect(account, room);
      this.rooms.dismiss(room, account);
      this.commits.forget(account, room);
      this.vault.forgetRoom(account, room);
    });
  }

  /** Makes an account a member of a room, behind the entry `since`. What it knew of it is over. */
  admit(account: string, room: string, since: number): void {
    this.transaction(() => {
      this.rooms.admit(room, account, since);
      this.vault.forgetRoom(account, room); // a session may have saved it once it was removed
    });
  }

  /**
   * Forgets what an account's password was the key to: its vault, its devices, its key packages. It
   * stays a member of its rooms, and an admin of none: to a room's rules, an admin is an identity
   * key, and that was in the vault. Of an account that is removed, the database forgets all by itself.
   */
  forgetKeys(account: string): void {
    this.transaction(() => {
      this.vault.forget(account);
      this.devices.forget(account);
      this.packages.forget(account);
      this.commits.forget(account);
      this.rooms.forgetAdmin(account);
    });
  }
}
