/**
 * Other people's key packages, as the server hands them out: each checked to be whose it is said to
 * be, and of the identity that is known.
 *
 * @module
 */

import { CallerError, EnvironmentError, PeerError } from "../../errors.ts";
import { foldName, sameName } from "../../folded_name.ts";
import type { ForeignKeyPackage } from "../../mls/key_package.ts";
import { sameBytes } from "../../same_bytes.ts";
import type { Answer, Requests } from "../requests.ts";
import { firstContact } from "./introductions.ts";
import type { SealedRooms } from "./sealed_rooms.ts";

/** What they are asked for with. */
export interface KeyClaimsOptions {
  /** The account's name. */
  user: string;
  requests: Requests;
  rooms: SealedRooms;
}

/** See the module's description. Every method throws what {@linkcode Requests.ask} throws. */
export class KeyClaims {
  readonly #options: KeyClaimsOptions;

  constructor(options: KeyClaimsOptions) {
    this.#options = options;
  }

  /**
   * A key package of each device of these accounts, this one left out. Who is not known yet is
   * pinned.
   *
   * @throws {EnvironmentError} `name-unknown`, `no-keys`, `identity-wrong`.
   * @throws {PeerError} `mls-invalid`.
   * @throws {CallerError} `identity-changed`.
   */
  async claim(users: readonly string[]): Promise<ForeignKeyPackage[]> {
    const { requests, rooms } = this.#options;
    const { device } = await rooms.keys();
    const answer = await requests.exchange({ do: "claim", users: [...users] });
    const packages = await read(answer, users);
    await this.#checkIdentities(packages);
    return packages.filter((one) => !sameBytes(one.signatureKey, device.keys.signatureKey));
  }

  /** The identity key that an account's devices have now. Throws as {@linkcode claim}. */
  async look(user: string): Promise<ForeignKeyPackage> {
    const answer = await this.#options.requests.exchange({ do: "look", user });
    const [one, ...others] = await read(answer, [user]);
    if (one === undefined || others.some(({ identity }) => !sameBytes(identity, one.identity))) {
      throw wrongKeys(user);
    }
    return one;
  }

  async #checkIdentities(packages: readonly ForeignKeyPackage[]): Promise<void> {
    const { user: self, rooms } = this.#options;
    const { account } = await rooms.keys();
    const [met, wrong] = [new Set<string>(), new Set<string>()];
    for (const { user, identity } of packages) {
      if (sameName(user, self)) {
        if (!sameBytes(identity, account.identity.publicKey)) wrong.add(user);
        continue;
      }
      const how = account.meet(user, identity);
      if (how === "new") met.add(user);
      if (how === "changed") wrong.add(user);
    }
    if (met.size > 0) await rooms.tell(firstContact([...met]));
    for (const user of wrong) throw identityChanged(user);
  }
}

async function read(
  { result, bytes }: Answer<"claim"> | Answer<"look">,
  users: readonly string[],
): Promise<ForeignKeyPackage[]> {
  const { readKeyPackage } = await import("./machinery.ts");
  const total = result.packages.reduce((sum, { size }) => sum + size, 0);
  if (total !== bytes.length) {
    throw new PeerError("message-unexpected", "The server's key packages are of other sizes");
  }
  const wanted = new Set(users.map(foldName));
  const packages: ForeignKeyPackage[] = [];
  let at = 0;
  for (const { user, size } of result.packages) {
    const one = await readKeyPackage(bytes.subarray(at, at + size));
    at += size;
    if (!wanted.has(foldName(one.user)) || one.user !== user) throw wrongKeys(user);
    packages.push(one);
  }
  return packages;
}

function wrongKeys(user: string): EnvironmentError {
  return new EnvironmentError("identity-wrong", `The server gave keys that are not ${user}'s`, {
    hint: "do not trust it with secrets; tell who runs the server",
  });
}

/** Somebody's identity is another one than before. */
export function identityChanged(user: string): CallerError {
  return new CallerError(
    "identity-changed",
    `Nothing was sent: ${user} has another identity key than before`,
    { hint: `compare /verify ${user} in person, then /verified ${user}` },
  );
}

/** Somebody's identity is known, and a direct room still has devices of the one before. */
export function devicesOutdated(user: string): CallerError {
  return new CallerError(
    "identity-changed",
    `Nothing was sent: the devices of ${user} here are those of the identity key before`,
    { hint: `/invite ${user} lets the new ones in` },
  );
}
