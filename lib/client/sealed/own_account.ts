/**
 * An account's identity, its contacts and its rooms, as its sessions share them: what one of them
 * learns is saved for all.
 *
 * @module
 */

import { createIdentity, identityFromSeed, type IdentityKey } from "../../mls/identity.ts";
import { sameBytes } from "../../same_bytes.ts";
import {
  type AccountRecord,
  decodeAccountRecord,
  encodeAccountRecord,
} from "../../vault/account_record.ts";
import { type Acquaintance, type Contact, Contacts, type Sighting } from "../../vault/contacts.ts";
import { KnownRooms } from "../../vault/known_rooms.ts";
import type { Trust } from "./trust.ts";
import { isOutdated, isPasswordChanged, rolledBack, type VaultStore } from "./vault_store.ts";

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
  #rooms: KnownRooms;
  #saving: Promise<void> | undefined;
  /** Another session has saved it under another password's key. */
  #isOutdated = false;

  private constructor(
    { store, onError }: OwnAccountOptions,
    { seed, contacts, rooms }: AccountRecord,
    isNew: boolean,
  ) {
    this.#store = store;
    this.#onError = onError;
    this.identity = identityFromSeed(seed);
    this.#contacts = contacts;
    this.#rooms = rooms;
    this.isNew = isNew;
  }

  /** Loads the account's record, or makes one. Throws what {@linkcode VaultStore} does. */
  static async open(options: OwnAccountOptions): Promise<OwnAccount> {
    const { store } = options;
    for (let tries = 0;; tries++) {
      const bytes = await store.load(NAME);
      if (bytes !== undefined) {
        return new OwnAccount(options, decodeAccountRecord(bytes), false);
      }
      if (tries > 0) throw rolledBack(NAME); // there is one, the server said
      const { seed } = createIdentity();
      const record = { seed, contacts: new Contacts(), rooms: new KnownRooms() };
      try {
        await store.save(NAME, encodeAccountRecord(record));
      } catch (error) {
        if (isOutdated(error)) continue; // another session of a first login was faster
        throw error;
      }
      return new OwnAccount(options, record, true);
    }
  }

  get version(): number {
    return this.#store.versionOf(NAME);
  }

  /** What is known of someone. */
  find(user: string): Contact | undefined {
    return this.#contacts.find(user);
  }

  /** The server says that someone has this identity key now; it is pinned if it is the first one. */
  meet(user: string, identity: Uint8Array): Acquaintance {
    const how = this.#contacts.meet(user, identity, Date.now());
    this.#saveSoon();
    return how;
  }

  see(user: string, identity: Uint8Array): Sighting {
    const how = this.#contacts.see(user, identity, Date.now());
    this.#saveSoon();
    return how;
  }

  /** Whether somebody has this identity, as far as is known: the own account has its own. */
  isKnown(user: string, identity: Uint8Array): boolean {
    if (sameBytes(identity, this.identity.publicKey)) return true;
    const contact = this.find(user);
    return contact !== undefined && sameBytes(identity, contact.key);
  }

  /** Whether the account has been in a sealed room of that name. */
  knowsRoom(room: string): boolean {
    return this.#rooms.has(room);
  }

  /** Takes note that it is in a sealed room. */
  noteRoom(room: string): void {
    this.#rooms.note(room);
    this.#saveSoon();
  }

  /** Marks a contact's identity as compared, whether it is the first one or a new one. */
  async verify(user: string): Promise<void> {
    this.#contacts.acknowledge(user);
    this.#contacts.verify(user);
    this.#saveSoon();
    await this.saved();
  }

  expect(version: number): void {
    if (!this.#isOutdated) void this.reach(version).catch((error) => this.#tell(error));
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

  /** Saves the record, whether there is something new in it or not. */
  async resave(): Promise<void> {
    await this.saved();
    await this.#store.save(NAME, this.#encode());
  }

  /** Resolves when everything is saved that can be. */
  async saved(): Promise<void> {
    this.#saveSoon();
    await this.#saving;
  }

  #saveSoon(): void {
    if (this.#unsaved === 0 || this.#isOutdated) return;
    this.#saving ??= this.#save().catch((error) => this.#tell(error))
      .finally(() => this.#saving = undefined);
  }

  /** Once of what cannot get better in this session. */
  #tell(error: unknown): void {
    if (this.#isOutdated) return;
    this.#isOutdated = isPasswordChanged(error);
    this.#onError(error);
  }

  async #save(): Promise<void> {
    while (this.#unsaved > 0) {
      const [contacts, rooms] = [this.#contacts.unsaved, this.#rooms.unsaved];
      try {
        await this.#store.save(NAME, this.#encode());
        this.#contacts.saved(contacts);
        this.#rooms.saved(rooms);
      } catch (error) {
        if (!isOutdated(error)) throw error;
        await this.#reloadNewer();
      }
    }
  }

  /**
   * What the server says to have. Without it, another record would be sealed as the same version:
   * the server could give out either.
   */
  async #reloadNewer(): Promise<void> {
    const { version } = this;
    await this.#reload();
    if (this.version === version) throw rolledBack(NAME);
  }

  /** What another session has saved, with what this one has not. */
  async #reload(): Promise<void> {
    const bytes = await this.#store.load(NAME);
    if (bytes === undefined) throw rolledBack(NAME);
    const { contacts, rooms } = decodeAccountRecord(bytes);
    this.#contacts = this.#contacts.rebase(contacts);
    this.#rooms = this.#rooms.rebase(rooms);
  }

  #encode(): Uint8Array {
    const [{ seed }, contacts, rooms] = [this.identity, this.#contacts, this.#rooms];
    return encodeAccountRecord({ seed, contacts, rooms });
  }

  get #unsaved(): number {
    return this.#contacts.unsaved + this.#rooms.unsaved;
  }
}
