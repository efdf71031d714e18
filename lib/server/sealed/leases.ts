/**
 * Which connection acts as which device (PROTOCOL.md section 12.3): one at a time, for as long as it
 * lasts.
 *
 * @module
 */

import { type Devices, leaseLost } from "../../delivery/devices.ts";
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

/** See the module's description. */
export class Leases {
  readonly #devices: Devices;
  /** By account, then by device. */
  readonly #holders = new Map<string, Map<number, Holder>>();

  constructor(devices: Devices) {
    this.#devices = devices;
  }

  /**
   * Gives a connection the account's lowest device that nobody holds.
   *
   * @throws {CallerError} `devices-busy` if there is none.
   */
  grant(holder: Holder): Lease {
    this.release(holder);
    const held = this.#of(holder);
    for (let device = 1; device <= MAX_DEVICES; device++) {
      if (!held.has(device)) {
        this.#hold(holder, device);
        return { device, lease: this.#devices.grant(holder.user, device) };
      }
    }
    throw new CallerError("devices-busy", `More than ${MAX_DEVICES} sessions are in sealed rooms`);
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

  /** A connection holds no device any more. */
  release(holder: Holder): void {
    const held = this.#of(holder);
    for (const [device, one] of held) if (one === holder) held.delete(device);
    if (held.size === 0) this.#holders.delete(holder.user);
  }

  #hold(holder: Holder, device: number): void {
    this.#holders.set(holder.user, this.#of(holder).set(device, holder));
  }

  #of({ user }: Holder): Map<number, Holder> {
    return this.#holders.get(user) ?? new Map();
  }
}
