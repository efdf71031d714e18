/**
 * The keys of an account, as a session of it has them: the vault opened, the identity and a device
 * of its own.
 *
 * @module
 */

import type { EventQueue } from "../event_queue.ts";
import type { Requests } from "../requests.ts";
import { OwnAccount } from "./own_account.ts";
import { OwnDevice } from "./own_device.ts";
import { VaultStore } from "./vault_store.ts";

/** See the module's description. */
export interface OwnKeys {
  store: VaultStore;
  account: OwnAccount;
  device: OwnDevice;
}

/** What the keys are opened with. */
export interface OwnKeysOptions {
  /** The account's name. */
  user: string;
  /** OPAQUE's, of the login. */
  exportKey: Uint8Array;
  requests: Requests;
  events: EventQueue;
  /** Takes what goes wrong later, in the background. */
  onError(error: unknown): void;
}

/**
 * Opens the vault and leases a device; makes what there is none of.
 *
 * @throws {PeerError} `vault-invalid`.
 * @throws {EnvironmentError} what the server refuses with, such as `devices-busy`.
 */
export async function openOwnKeys(options: OwnKeysOptions): Promise<OwnKeys> {
  const { user, exportKey, requests, events, onError } = options;
  const store = await VaultStore.open(requests, user, exportKey);
  const account = await OwnAccount.open({ store, onError });
  const { identity } = account;
  const device = await OwnDevice.lease({ user, identity, requests, store });
  if (account.isNew) {
    // Who knows of neither has lost the sealed history, and asks why.
    const message = `${user} has a new identity key, as at a first login or after a reset`;
    await events.push({ type: "notice", code: "identity-made", message });
  }
  return { store, account, device };
}
