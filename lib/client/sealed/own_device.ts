/**
 * The device that a session acts as: leased from the account's devices, so that no two sessions act
 * as the same one (PROTOCOL.md section 12.3).
 *
 * @module
 */

import { createDeviceKeys, type DeviceKeys } from "../../mls/device_keys.ts";
import { EnvironmentError } from "../../errors.ts";
import type { IdentityKey } from "../../mls/identity.ts";
import { createKeyPackage, type OwnKeyPackage } from "../../mls/key_package.ts";
import { sameBytes } from "../../same_bytes.ts";
import {
  decodeDeviceRecord,
  type DeviceRecord,
  encodeDeviceRecord,
  MAX_PACKAGES_KEPT,
} from "../../vault/device_record.ts";
import type { Requests } from "../requests.ts";
import { Turns } from "./turns.ts";
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
  readonly #turns = new Turns();
  /** The last one of each batch: a server hands it out again and again (RFC 9420 section 16.8). */
  readonly #lastResorts = new Set<OwnKeyPackage>();
  #lease: number;
  #renewing: Promise<unknown> = Promise.resolve();
  /** The newest last. */
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
    this.#noteLastResort();
  }

  /**
   * Leases a device; makes it if it is a new one.
   *
   * @throws {PeerError} `vault-invalid`; `vault-rolled-back` if it is of another identity.
   */
  static async lease(options: OwnDeviceOptions): Promise<OwnDevice> {
    const { device, lease } = await options.requests.ask({ do: "lease" });
    return await OwnDevice.#open(options, device, lease);
  }

  static async #open(
    options: OwnDeviceOptions,
    number: number,
    lease: number,
  ): Promise<OwnDevice> {
    const { user, identity, store } = options;
    const stored = await loadDevice(store, number);
    // The account's record has been there before its devices: that of another identity is made anew.
    if (stored !== undefined && !sameBytes(stored.keys.identity, identity.publicKey)) {
      throw rolledBack("account");
    }
    const keys = stored?.keys ?? await createDeviceKeys(identity, user, number);
    const record = stored ?? { keys, packages: [] };
    const device = new OwnDevice(options, number, lease, record);
    const isOffered = record.packages.length >= PACKAGES && await device.#isOffered();
    if (!isOffered) await device.#offer();
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

  /** The one that is kept longest. */
  get lastPackage(): OwnKeyPackage {
    return this.#packages.at(-1) as OwnKeyPackage;
  }

  /**
   * Goes on as this device on another connection; false if another session has been it since.
   */
  async renew(): Promise<boolean> {
    const renewing = this.#renew();
    this.#renewing = renewing.catch(() => {});
    return await renewing;
  }

  /**
   * Another device in this one's place, which no session has been yet: no room has a state of it.
   *
   * @throws {EnvironmentError} `lease-lost` if the account can have no more devices.
   */
  async replacement(): Promise<OwnDevice> {
    const { requests, store } = this.#options;
    const { device, lease } = await requests.ask({ do: "lease", fresh: true }).catch(lostForGood);
    if (await store.load(`device/${device}`) !== undefined) throw rolledBack(`device/${device}`);
    return await OwnDevice.#open(this.#options, device, lease);
  }

  /** Resolves when no renewal is under way: what is sent meanwhile would have the lease before. */
  async settled(): Promise<void> {
    await this.#renewing;
  }

  /** A key package was used to join a room, whose state is saved: others take its place. */
  async replace(used: OwnKeyPackage): Promise<void> {
    await this.#turns.take(async () => {
      const isDone = (one: OwnKeyPackage): boolean => one === used && !this.#lastResorts.has(one);
      this.#packages = this.#packages.filter((one) => !isDone(one));
      await this.#offer();
    });
  }

  /** Saves the record, although nothing in it is new. */
  async resave(): Promise<void> {
    await this.#turns.take(() => this.#save());
  }

  async #renew(): Promise<boolean> {
    const { requests } = this.#options;
    try {
      const wish = { do: "lease", device: this.number, lease: this.#lease } as const;
      this.#lease = (await requests.ask(wish)).lease;
      return true;
    } catch (error) {
      if (error instanceof EnvironmentError && error.code === "lease-lost") return false;
      throw error;
    }
  }

  /** Whether the server has packages of this device: an earlier session may have ended before. */
  async #isOffered(): Promise<boolean> {
    const { requests, user } = this.#options;
    try {
      const { packages } = await requests.ask({ do: "look", user });
      return packages.some(({ device }) => device === this.number);
    } catch (error) {
      if (error instanceof EnvironmentError && error.code === "no-keys") return false;
      throw error;
    }
  }

  #noteLastResort(): void {
    const last = this.#packages.at(-1);
    if (last !== undefined) this.#lastResorts.add(last);
  }

  async #save(): Promise<void> {
    const { store } = this.#options;
    const blob = `device/${this.number}`;
    const record = { keys: this.keys, packages: this.#packages };
    await Promise.all([store.settle(blob), this.settled()]);
    await store.save(blob, encodeDeviceRecord(record), this.#lease);
  }

  /** Saved before it is offered: whoever uses one must find its owner able to join. */
  async #offer(): Promise<void> {
    const { requests } = this.#options;
    const fresh = await Promise.all(
      Array.from({ length: PACKAGES }, () => createKeyPackage(this.keys)),
    );
    // Those before may be in a welcome that is on its way.
    this.#packages = [...this.#packages, ...fresh].slice(-MAX_PACKAGES_KEPT);
    this.#noteLastResort();
    await this.#save();
    const sizes = fresh.map(({ public: { length } }) => length);
    await requests.exchange(
      { do: "publish", device: this.number, lease: this.#lease, sizes },
      ...fresh.map((one) => one.public),
    );
  }
}

/** What a session goes without that finds its device taken, and no other one. */
function lostForGood(cause: unknown): never {
  if (!(cause instanceof EnvironmentError && cause.code === "devices-busy")) throw cause;
  throw new EnvironmentError("lease-lost", "Another session of yours goes on as this device", {
    cause,
    hint: "leave and come again to change sealed rooms here",
  });
}

/** The record of a device of this account, if there is one. */
export async function loadDevice(
  store: VaultStore,
  number: number,
): Promise<DeviceRecord | undefined> {
  const bytes = await store.load(`device/${number}`);
  return bytes === undefined ? undefined : decodeDeviceRecord(bytes);
}
