/**
 * The vault of an account: what it keeps on the server under a key that the server never has.
 *
 * @module
 */

import { encodeBase64url } from "../../base64url.ts";
import { EnvironmentError, type FernchatError, PeerError } from "../../errors.ts";
import { type BlobId, openBlob, sealBlob } from "../../vault/blob.ts";
import {
  createVaultKey,
  keysOf,
  renewRing,
  unwrapVaultRing,
  wrapVaultRing,
} from "../../vault/vault_key.ts";
import type { WrappedRing } from "../login.ts";
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
  /** The vault's keys, the newest first. */
  #ring: Uint8Array;
  /** That of the wrap that they came in. */
  #wrapVersion: number;
  /** The keys to be, once the server has taken a new password with them. */
  #nextRing: Uint8Array | undefined;
  readonly #versions = new Map<string, number>();
  /** Blobs that may have been stored when a connection ended. */
  readonly #doubtful = new Set<string>();

  private constructor(requests: Requests, user: string, ring: Uint8Array, wrapVersion: number) {
    this.#requests = requests;
    this.#user = user;
    this.#ring = ring;
    this.#wrapVersion = wrapVersion;
  }

  /**
   * Opens the account's vault, or makes one: a first login, or the first after an operator has given
   * the account another password, which took the vault away.
   *
   * @param exportKey OPAQUE's, of the login.
   * @throws {PeerError} `vault-invalid` if there is one that this password does not open: it is left
   * alone; `vault-rolled-back` if the server has one, and does not give it.
   */
  static async open(requests: Requests, user: string, exportKey: Uint8Array): Promise<VaultStore> {
    for (let tries = 0;; tries++) {
      const { result: { version }, bytes } = await requests.exchange({ do: "get", name: WRAP });
      if (version > 0) {
        return new VaultStore(requests, user, unwrapVaultRing(bytes, exportKey, user), version);
      }
      if (tries > 0) throw rolledBack(WRAP); // there is one, the server said
      const made = createVaultKey();
      try {
        const wrap = wrapVaultRing(made, exportKey, user);
        await requests.exchange({ do: "put", name: WRAP, version }, wrap);
      } catch (error) {
        if (isOutdated(error)) continue; // another session was faster
        throw error;
      }
      return new VaultStore(requests, user, made, version + 1);
    }
  }

  /** Whether the account has one. */
  static async exists(requests: Requests): Promise<boolean> {
    return (await requests.ask({ do: "get", name: WRAP })).version > 0;
  }

  /**
   * A new key and those before, wrapped for another password, as `register_finish` takes them. If it
   * has: {@linkcode rewrapped}.
   */
  rewrap(exportKey: Uint8Array): WrappedRing {
    this.#nextRing = renewRing(this.#ring);
    const wrap = wrapVaultRing(this.#nextRing, exportKey, this.#user);
    return { wrap: encodeBase64url(wrap), wrap_version: this.#wrapVersion };
  }

  /** The server has taken what {@linkcode rewrap} gave: the new key seals from now on. */
  rewrapped(): void {
    if (this.#nextRing === undefined) return;
    this.#ring = this.#nextRing;
    this.#wrapVersion += 1;
    this.#nextRing = undefined;
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
   * @throws {EnvironmentError} `password-changed` if another session has given the account another
   * password, and saved this since.
   */
  async load(name: string): Promise<Uint8Array | undefined> {
    const { result: { version }, bytes } = await this.#requests.exchange({ do: "get", name });
    if (version < this.versionOf(name)) throw rolledBack(name);
    // What cannot be opened must not be overwritten: its version is not known then.
    const content = version > 0
      ? await this.#open({ user: this.#user, name, version }, bytes)
      : undefined;
    this.#versions.set(name, version);
    this.#doubtful.delete(name);
    return content;
  }

  async #open(id: BlobId, bytes: Uint8Array): Promise<Uint8Array> {
    let fault: unknown;
    for (const key of keysOf(this.#ring)) {
      try {
        return openBlob(key, id, bytes);
      } catch (error) {
        fault ??= error;
      }
    }
    const { version } = await this.#requests.ask({ do: "get", name: WRAP });
    throw version === this.#wrapVersion ? fault : passwordChanged(fault);
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
    return { bytes: sealBlob(keysOf(this.#ring)[0], at, bytes), version };
  }

  /** Another request has saved what {@linkcode seal} gave. */
  saved(name: string): void {
    this.#versions.set(name, this.versionOf(name) + 1);
  }
}

/** What this session cannot open was saved under a key that came with another password. */
function passwordChanged(cause: unknown): EnvironmentError {
  const message = "Your password was changed in another session: this one saves nothing new";
  return new EnvironmentError("password-changed", message, {
    cause,
    hint: "leave, and come again with the new password",
  });
}

/** Whether another session has given the account another password, which this one does not know. */
export function isPasswordChanged(error: unknown): boolean {
  return error instanceof EnvironmentError && error.code === "password-changed";
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
