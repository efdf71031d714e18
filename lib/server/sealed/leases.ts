/**
 * Which connection acts as which device (PROTOCOL.md section 12.3): one at a time, for as long as it
 * lasts.
 *
 * @module
 */

import { type Devices, leaseLost } from "../../delivery/devices.ts";
import type { Vault } from "../../delivery/vault.ts";
import { CallerError } from "../../errors.ts";
import { MAX_DEVICES } from "../../protocol/limits.ts";

/** Who holds a device: a connection. */
export interface Holder {
  /** The account's name. */
  readonly user: string;
}

/** A device that is held. */
export interface Lease {
  device: number;
  lease: number;
}

/** Why a device is nobody's: the connection was cut, and its session may come back. */
const AWAITED = "awaited";

/** See the module's description. */
export class Leases {
  readonly #devices: Devices;
  readonly #vault: Vault;
  /** By account, then by device. Those awaited longest come first among them. */
  readonly #holders = new Map<string, Map<number, Holder | typeof AWAITED>>();

  constructor({ devices, vault }: { devices: Devices; vault: Vault }) {
    this.#devices = devices;
    this.#vault = vault;
  }

  /**
   * Gives a connection a device that nobody holds: of those in the account's vault the lowest that
   * no session may come back for, then the one that was awaited longest, then a new one.
   *
   * @throws {CallerError} `devices-busy` if there is none.
   */
  grant(holder: Holder): Lease {
    this.release(holder);
    const held = this.#of(holder);
    const device = this.#vault.devices(holder.user).find((one) => !held.has(one)) ??
      [...held].find(([, by]) => by === AWAITED)?.[0] ?? firstBeside(held.keys());
    if (device === undefined) throw devicesBusy();
    return this.#grant(holder, device);
  }

  /**
   * Gives a connection a device that has no record in the account's vault: no session has left a
   * state of it anywhere.
   *
   * @throws {CallerError} `devices-busy` if there is none.
   */
  grantNew(holder: Holder): Lease {
    this.release(holder);
    const live = [...this.#of(holder)].flatMap(([device, by]) => by === AWAITED ? [] : [device]);
    const device = firstBeside([...live, ...this.#vault.devices(holder.user)]);
    if (device === undefined) throw devicesBusy();
    return this.#grant(holder, device);
  }

  /**
   * Gives a connection the device that it had on an earlier one, also if that seems to last, with the
   * same number: whoever did not hear of it may ask again.
   *
   * @throws {CallerError} `lease-lost` if another session has had it since.
   */
  renew(holder: Holder, { device, lease }: Lease): Lease {
    this.#devices.check(holder.user, device, lease);
    this.release(holder);
    this.#hold(holder, device);
    return { device, lease };
  }

  /**
   * Passes if a connection acts as that device, under its newest lease: not the one that the same
   * session had before.
   *
   * @throws {CallerError} `lease-lost`.
   */
  check(holder: Holder, { device, lease }: Lease): void {
    if (this.#of(holder).get(device) !== holder) throw leaseLost(device);
    this.#devices.check(holder.user, device, lease);
  }

  /**
   * A connection holds no device any more.
   *
   * @param isAwaited whether its session may come back for it.
   */
  release(holder: Holder, isAwaited = false): void {
    const held = this.#of(holder);
    for (const [device, one] of [...held]) {
      if (one !== holder) continue;
      held.delete(device);
      if (isAwaited) held.set(device, AWAITED);
    }
    if (held.size === 0) this.#holders.delete(holder.user);
  }

  #grant(holder: Holder, device: number): Lease {
    this.#hold(holder, device);
    return { device, lease: this.#devices.grant(holder.user, device) };
  }

  #hold(holder: Holder, device: number): void {
    this.#holders.set(holder.user, this.#of(holder).set(device, holder));
  }

  #of({ user }: Holder): Map<number, Holder | typeof AWAITED> {
    return this.#holders.get(user) ?? new Map();
  }
}

/** The lowest number of a device that is not among these. */
function firstBeside(taken: Iterable<number>): number | undefined {
  const numbers = new Set(taken);
  for (let device = 1; device <= MAX_DEVICES; device++) if (!numbers.has(device)) return device;
  return undefined;
}

function devicesBusy(): CallerError {
  return new CallerError("devices-busy", `More than ${MAX_DEVICES} sessions are in sealed rooms`);
}
