/**
 * The vault of an account: what it keeps on the server under a key that the server never has.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { EnvironmentError, FernchatError, PeerError } from "../../errors.ts";
import { openBlob, sealBlob } from "../../vault/blob.ts";
import { createVaultKey, unwrapVaultKey, wrapVaultKey } from "../../vault/vault_key.ts";
import type { Requests } from "../requests.ts";

/** A blob as it is to be stored. */
export interface SealedBlob {
  bytes: Uint8Array;
  /** That of the one before. */
  version: number;
}

/** How the vault's key came about. */
type Opening = "kept" | "made" | "lost";

/** See the module's description. Every method throws what {@linkcode Requests.ask} throws. */
export class VaultStore {
  /** `made` for a first login; `lost` if the vault that there was cannot be opened any more. */
  readonly opening: Opening;
  readonly #requests: Requests;
  readonly #user: string;
  readonly #key: Uint8Array;
  readonly #versions = new Map<string, number>();

  private constructor(requests: Requests, user: string, key: Uint8Array, opening: Opening) {
    this.#requests = requests;
    this.#user = user;
    this.#key = key;
    this.opening = opening;
  }

  /**
   * Opens the account's vault, or makes one.
   *
   * @param exportKey OPAQUE's, of the login.
   */
  static async open(requests: Requests, user: string, exportKey: Uint8Array): Promise<VaultStore> {
    for (;;) {
      const { result: { version }, bytes } = await requests.exchange({ do: "get", name: "wrap" });
      const key = version === 0 ? undefined : unwrapVaultKey(bytes, exportKey, user);
      if (key !== undefined) return new VaultStore(requests, user, key, "kept");
      const made = createVaultKey();
      const wrap = wrapVaultKey(made, exportKey, user);
      try {
        await requests.exchange({ do: "put", name: "wrap", version }, wrap);
      } catch (error) {
        if (isOutdated(error)) continue; // another session was faster
        throw error;
      }
      return new VaultStore(requests, user, made, version === 0 ? "made" : "lost");
    }
  }

  /** The vault's key, wrapped for another password, as `register_finish` takes it. */
  rewrap(exportKey: Uint8Array): string {
    return Buffer.from(wrapVaultKey(this.#key, exportKey, this.#user)).toString("base64url");
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
    await this.#requests.exchange({ do: "put", name, version, ...held }, sealed);
    this.saved(name);
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

/** What is stored is older than what is known to have been. */
export function rolledBack(name: string): FernchatError {
  return new PeerError("vault-rolled-back", `The server gave an old state of your ${name} back`, {
    hint: "do not trust it with new secrets; tell who runs the server",
  });
}
