/**
 * The device that a session acts as: leased from the account's devices, so that no two sessions act
 * as the same one (PROTOCOL.md section 12.3).
 *
 * @module
 */

import { createDeviceKeys, type DeviceKeys } from "../../mls/device_keys.ts";
import type { IdentityKey } from "../../mls/identity.ts";
import { createKeyPackage, type OwnKeyPackage } from "../../mls/key_package.ts";
import {
  decodeDeviceRecord,
  type DeviceRecord,
  encodeDeviceRecord,
} from "../../vault/device_record.ts";
import type { Requests } from "../requests.ts";
import { sameBytes } from "./sealed_entry.ts";
import { rolledBack, type VaultStore } from "./vault_store.ts";

/** Key packages that a device offers: rooms that it can be added to while nobody is there. */
const PACKAGES = 4;

/** What a device is leased with. */
export interface OwnDeviceOptions {
  /** The account's name. */
  user: string;
  identity: IdentityKey;
  requests: Requests;
  store: VaultStore;
}

/** See the module's description. Every method throws what {@linkcode Requests.ask} throws. */
export class OwnDevice {
  readonly number: number;
  readonly keys: DeviceKeys;
  readonly #options: OwnDeviceOptions;
  #lease: number;
  #packages: readonly OwnKeyPackage[];

  private constructor(
    options: OwnDeviceOptions,
    number: number,
    lease: number,
    record: DeviceRecord,
  ) {
    this.#options = options;
    this.number = number;
    this.#lease = lease;
    this.keys = record.keys;
    this.#packages = record.packages;
  }

  /**
   * Leases a device; makes it if it is a new one.
   *
   * @throws {PeerError} `vault-invalid`; `vault-rolled-back` if it is of another identity.
   */
  static async lease(options: OwnDeviceOptions): Promise<OwnDevice> {
    const { user, identity, requests, store } = options;
    const { device: number, lease } = await requests.ask({ do: "lease" });
    const stored = await loadDevice(store, number);
    // The account's record has been there before its devices: that of another identity is made anew.
    if (stored !== undefined && !sameBytes(stored.keys.identity, identity.publicKey)) {
      throw rolledBack("account");
    }
    const keys = stored?.keys ?? await createDeviceKeys(identity, user, number);
    const record = stored ?? { keys, packages: [] };
    const device = new OwnDevice(options, number, lease, record);
    if (record.packages.length < PACKAGES) await device.#offer();
    return device;
  }

  /** The lease under which it writes. */
  get lease(): number {
    return this.#lease;
  }

  /** The key packages whose private parts it has. */
  get packages(): readonly OwnKeyPackage[] {
    return this.#packages;
  }

  /**
   * Goes on as this device on another connection.
   *
   * @returns whether it could: not if another session has it now.
   */
  async renew(): Promise<boolean> {
    const { requests } = this.#options;
    const lease = await requests.ask({ do: "lease", device: this.number, lease: this.#lease });
    if (lease.device !== this.number) return false;
    this.#lease = lease.lease;
    return true;
  }

  /**
   * A key package was used to join a room, whose state is saved: others take its place. The last
   * one that was offered stays good, since a server hands it out again (RFC 9420 section 16.8).
   */
  async replace(used: OwnKeyPackage): Promise<void> {
    this.#packages = this.#packages.filter((one) => one !== used);
    await this.#offer();
  }

  /** Saved before it is offered: whoever uses one must find its owner able to join. */
  async #offer(): Promise<void> {
    const { requests, store } = this.#options;
    const fresh = await Promise.all(
      Array.from({ length: PACKAGES }, () => createKeyPackage(this.keys)),
    );
    // Those before may be in a welcome that is on its way.
    this.#packages = [...fresh, ...this.#packages].slice(0, 4 * PACKAGES);
    const record = { keys: this.keys, packages: [...this.#packages] };
    await store.save(`device/${this.number}`, encodeDeviceRecord(record), this.#lease);
    const sizes = fresh.map(({ public: { length } }) => length);
    await requests.exchange(
      { do: "publish", device: this.number, lease: this.#lease, sizes },
      ...fresh.map((one) => one.public),
    );
  }
}

/** The record of a device of this account, if there is one. */
export async function loadDevice(
  store: VaultStore,
  number: number,
): Promise<DeviceRecord | undefined> {
  const bytes = await store.load(`device/${number}`);
  return bytes === undefined ? undefined : decodeDeviceRecord(bytes);
}
