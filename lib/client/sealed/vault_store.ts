/**
 * The vault of an account: what it keeps on the server under a key that the server never has.
 *
 * @module
 */

import { encodeBase64url } from "../../base64url.ts";
import { EnvironmentError, type FernchatError, PeerError } from "../../errors.ts";
import { openBlob, sealBlob } from "../../vault/blob.ts";
import { createVaultKey, unwrapVaultKey, wrapVaultKey } from "../../vault/vault_key.ts";
import type { Requests } from "../requests.ts";

/** A blob as it is to be stored. */
export interface SealedBlob {
  bytes: Uint8Array;
  /** That of the one before. */
  version: number;
}

const WRAP = "wrap";

/** See the module's description. Every method throws what {@linkcode Requests.ask} throws. */
export class VaultStore {
  readonly #requests: Requests;
  readonly #user: string;
  readonly #key: Uint8Array;
  readonly #versions = new Map<string, number>();
  /** Blobs that may have been stored when a connection ended. */
  readonly #doubtful = new Set<string>();

  private constructor(requests: Requests, user: string, key: Uint8Array) {
    this.#requests = requests;
    this.#user = user;
    this.#key = key;
  }

  /**
   * Opens the account's vault, or makes one: a first login, or the first after an operator has given
   * the account another password, which took the vault away.
   *
   * @param exportKey OPAQUE's, of the login.
   * @throws {PeerError} `vault-invalid` if there is one that this password does not open: it is left
   * alone.
   */
  static async open(requests: Requests, user: string, exportKey: Uint8Array): Promise<VaultStore> {
    for (;;) {
      const { result: { version }, bytes } = await requests.exchange({ do: "get", name: WRAP });
      if (version > 0) {
        return new VaultStore(requests, user, unwrapVaultKey(bytes, exportKey, user));
      }
      const made = createVaultKey();
      try {
        const wrap = wrapVaultKey(made, exportKey, user);
        await requests.exchange({ do: "put", name: WRAP, version }, wrap);
      } catch (error) {
        if (isOutdated(error)) continue; // another session was faster
        throw error;
      }
      return new VaultStore(requests, user, made);
    }
  }

  /** Whether the account has one. */
  static async exists(requests: Requests): Promise<boolean> {
    return (await requests.ask({ do: "get", name: WRAP })).version > 0;
  }

  /** The vault's key, wrapped for another password, as `register_finish` takes it. */
  rewrap(exportKey: Uint8Array): string {
    return encodeBase64url(wrapVaultKey(this.#key, exportKey, this.#user));
  }

  /** The names of all blobs. */
  async names(): Promise<string[]> {
    const { blobs } = await this.#requests.ask({ do: "blobs" });
    return blobs.map(({ name }) => name);
  }

  /** The version that was loaded or saved last; 0 if none was. */
  versionOf(name: string): number {
    return this.#versions.get(name) ?? 0;
  }

  /**
   * Loads a blob, if there is one.
   *
   * @throws {PeerError} `vault-invalid` if it is not what was stored under that name and version;
   * `vault-rolled-back` if it is older than what this session saw.
   */
  async load(name: string): Promise<Uint8Array | undefined> {
    const { result: { version }, bytes } = await this.#requests.exchange({ do: "get", name });
    if (version < this.versionOf(name)) throw rolledBack(name);
    this.#versions.set(name, version);
    this.#doubtful.delete(name);
    if (version === 0) return undefined;
    return openBlob(this.#key, { user: this.#user, name, version }, bytes);
  }

  /**
   * Saves a blob over the version that was loaded or saved last.
   *
   * @param lease of the device that it belongs to, if it is one's.
   * @throws {EnvironmentError} `blob-outdated` if there is a newer one; `lease-lost`.
   */
  async save(name: string, bytes: Uint8Array, lease?: number): Promise<void> {
    const { bytes: sealed, version } = this.seal(name, bytes);
    const held = lease === undefined ? {} : { lease };
    await this.saving(name, this.#requests.exchange({ do: "put", name, version, ...held }, sealed));
  }

  /**
   * A request is on its way that saves what {@linkcode seal} gave; its answer. If none comes, nobody
   * knows which version is stored: see {@linkcode settle}.
   */
  async saving<T>(name: string, request: Promise<T>): Promise<T> {
    try {
      const answer = await request;
      this.saved(name);
      return answer;
    } catch (error) {
      if (isCut(error)) this.#doubtful.add(name);
      throw error;
    }
  }

  /** Asks which version of a blob of one's own is stored, if that is not known. */
  async settle(name: string): Promise<void> {
    if (this.#doubtful.has(name)) await this.load(name);
  }

  /** The server may give up what it has of a room: this account is no member any more. */
  forgetRoom(room: string): void {
    for (const name of [...this.#versions.keys()]) {
      if (name.startsWith("device/") && name.endsWith(`/${room}`)) this.#versions.delete(name);
    }
  }

  /** Seals a blob that another request saves. */
  seal(name: string, bytes: Uint8Array): SealedBlob {
    const version = this.versionOf(name);
    const at = { user: this.#user, name, version: version + 1 };
    return { bytes: sealBlob(this.#key, at, bytes), version };
  }

  /** Another request has saved what {@linkcode seal} gave. */
  saved(name: string): void {
    this.#versions.set(name, this.versionOf(name) + 1);
  }
}

/** Whether somebody else saved a blob meanwhile. */
export function isOutdated(error: unknown): boolean {
  return error instanceof EnvironmentError && error.code === "blob-outdated";
}

/** Whether the connection ended, or there was none. */
export function isCut(error: unknown): boolean {
  return error instanceof EnvironmentError &&
    (error.code === "connection-cut" || error.code === "not-connected");
}

/** What is stored is older than what is known to have been. */
export function rolledBack(name: string): FernchatError {
  return new PeerError("vault-rolled-back", `The server gave an old state of your ${name} back`, {
    hint: "do not trust it with new secrets; tell who runs the server",
  });
}
