/**
 * An account's identity and its contacts, as its sessions share them: what one of them learns is
 * saved for all.
 *
 * @module
 */

import { createIdentity, identityFromSeed, type IdentityKey } from "../../mls/identity.ts";
import { decodeAccountRecord, encodeAccountRecord } from "../../vault/account_record.ts";
import { type Acquaintance, type Contact, Contacts } from "../../vault/contacts.ts";
import type { Trust } from "./trust.ts";
import { isOutdated, rolledBack, type VaultStore } from "./vault_store.ts";

const NAME = "account";

/** What an account's record is opened with. */
export interface OwnAccountOptions {
  store: VaultStore;
  /** Takes what goes wrong while something is saved or compared in the background. */
  onError(error: unknown): void;
}

/** See the module's description. */
export class OwnAccount implements Trust {
  readonly identity: IdentityKey;
  /** Whether this session made it. */
  readonly isNew: boolean;
  readonly #store: VaultStore;
  readonly #onError: (error: unknown) => void;
  #contacts: Contacts;
  #saving: Promise<void> | undefined;

  private constructor(
    { store, onError }: OwnAccountOptions,
    identity: IdentityKey,
    contacts: Contacts,
    isNew: boolean,
  ) {
    this.#store = store;
    this.#onError = onError;
    this.identity = identity;
    this.#contacts = contacts;
    this.isNew = isNew;
  }

  /** Loads the account's record, or makes one. Throws what {@linkcode VaultStore} does. */
  static async open(options: OwnAccountOptions): Promise<OwnAccount> {
    const { store } = options;
    for (;;) {
      const bytes = await store.load(NAME);
      if (bytes !== undefined) {
        const { seed, contacts } = decodeAccountRecord(bytes);
        return new OwnAccount(options, identityFromSeed(seed), contacts, false);
      }
      const [identity, contacts] = [createIdentity(), new Contacts()];
      try {
        await store.save(NAME, encodeAccountRecord({ seed: identity.seed, contacts }));
      } catch (error) {
        if (isOutdated(error)) continue; // another session of a first login was faster
        throw error;
      }
      return new OwnAccount(options, identity, contacts, true);
    }
  }

  get version(): number {
    return this.#store.versionOf(NAME);
  }

  /** What is known of someone. */
  find(user: string): Contact | undefined {
    return this.#contacts.find(user);
  }

  meet(user: string, identity: Uint8Array): Acquaintance {
    const how = this.#contacts.meet(user, identity, Date.now());
    this.#saveSoon();
    return how;
  }

  /** Marks a contact's identity as compared, whether it is the first one or a new one. */
  async verify(user: string): Promise<void> {
    this.#contacts.acknowledge(user);
    this.#contacts.verify(user);
    this.#saveSoon();
    await this.saved();
  }

  expect(version: number): void {
    void this.reach(version).catch(this.#onError);
  }

  /**
   * Resolves when what another session has saved as that version is here.
   *
   * @throws {PeerError} `vault-rolled-back` if the server has forgotten it.
   */
  async reach(version: number): Promise<void> {
    if (version <= this.version) return;
    await this.saved();
    if (version > this.version) await this.#reload();
    if (version > this.version) throw rolledBack(NAME);
  }

  /** Resolves when everything is saved that can be. */
  async saved(): Promise<void> {
    this.#saveSoon();
    await this.#saving;
  }

  #saveSoon(): void {
    if (this.#contacts.unsaved === 0) return;
    this.#saving ??= this.#save().catch(this.#onError).finally(() => this.#saving = undefined);
  }

  async #save(): Promise<void> {
    while (this.#contacts.unsaved > 0) {
      const { unsaved } = this.#contacts;
      try {
        await this.#store.save(NAME, this.#encode());
        this.#contacts.saved(unsaved);
      } catch (error) {
        if (!isOutdated(error)) throw error;
        await this.#reload();
      }
    }
  }

  /** What another session has saved, with what this one has not. */
  async #reload(): Promise<void> {
    const bytes = await this.#store.load(NAME);
    if (bytes === undefined) throw rolledBack(NAME);
    this.#contacts = this.#contacts.rebase(decodeAccountRecord(bytes).contacts);
  }

  #encode(): Uint8Array {
    return encodeAccountRecord({ seed: this.identity.seed, contacts: this.#contacts });
  }
}
