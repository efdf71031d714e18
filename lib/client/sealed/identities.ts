/**
 * Who is who: people's identity keys, as this account has seen them, to be compared with what the
 * people themselves see.
 *
 * @module
 */

import { CallerError } from "../../errors.ts";
import { foldName, sameName } from "../../folded_name.ts";
import type { SafetyNumber } from "../../mls/safety_number.ts";
import { sameBytes } from "../../same_bytes.ts";
import type { SeenKey } from "../../vault/contacts.ts";
import type { KeyClaims } from "./key_claims.ts";
import type { OwnAccount } from "./own_account.ts";
import type { SealedRooms } from "./sealed_rooms.ts";

/** An identity key of somebody's, with the safety number of that person and oneself. */
export interface ComparableKey extends SeenKey {
  readonly number: SafetyNumber;
}

/** What is known of a person. */
export interface Identity {
  /** The account's name. */
  readonly user: string;
  /** The key that was seen first, or acknowledged. */
  readonly pinned: ComparableKey;
  /** Whether somebody has compared its safety number. */
  readonly verified: boolean;
  /** Another key under the same name, which nobody has acknowledged. */
  readonly changed?: ComparableKey;
}

/** What they are looked up with. */
export interface IdentitiesOptions {
  /** The account's name. */
  user: string;
  rooms: SealedRooms;
  claims: KeyClaims;
}

/** See the module's description. */
export class Identities {
  readonly #options: IdentitiesOptions;
  /** By folded names: of each person the newest key whose safety number was given out. */
  readonly #shown = new Map<string, Uint8Array>();

  constructor(options: IdentitiesOptions) {
    this.#options = options;
  }

  /**
   * Somebody's identity; who is not known yet is looked up, and pinned.
   *
   * @throws {CallerError} `target-self`.
   * @throws what {@linkcode KeyClaims.look} throws.
   */
  async of(user: string): Promise<Identity> {
    const { user: self, rooms, claims } = this.#options;
    if (sameName(user, self)) {
      throw new CallerError("target-self", "That is you: compare with somebody else");
    }
    const { account } = await rooms.keys();
    if (account.find(user) === undefined) {
      const { user: name, identity } = await claims.look(user);
      account.meet(name, identity);
    }
    return await this.#describe(account, user);
  }

  /**
   * Notes that the safety number was compared with that person, and was right.
   *
   * @returns whether it is a changed key, which is known from now on.
   * @throws {CallerError} `contact-unknown`; `contact-changed` if the newest key is another one than
   * that whose number {@linkcode of} gave.
   */
  async confirm(user: string): Promise<boolean> {
    const { account } = await this.#options.rooms.keys();
    const contact = account.find(user);
    const hint = `/verify ${user} shows what to compare first`;
    if (contact === undefined) {
      throw new CallerError("contact-unknown", `You have not met anyone of the name ${user} yet`, {
        hint,
      });
    }
    const { name, changed } = contact;
    const shown = this.#shown.get(foldName(name));
    // Another key may have come after the person has looked.
    if (changed !== undefined && (shown === undefined || !sameBytes(changed.key, shown))) {
      throw new CallerError("contact-changed", `You have not compared the new key of ${name}`, {
        hint,
      });
    }
    await account.verify(name);
    return changed !== undefined;
  }

  async #describe(account: OwnAccount, user: string): Promise<Identity> {
    const { safetyNumber } = await import("./machinery.ts");
    const contact = account.find(user);
    if (contact === undefined) throw new CallerError("contact-unknown", `Nobody knows ${user}`);
    const { name, verified, changed } = contact;
    const one = { user: this.#options.user, key: account.identity.publicKey };
    const comparable = ({ key, since }: SeenKey): ComparableKey => {
      return { key, since, number: safetyNumber(one, { user: name, key }) };
    };
    this.#shown.set(foldName(name), (changed ?? contact).key);
    const known = { user: name, pinned: comparable(contact), verified };
    return changed === undefined ? known : { ...known, changed: comparable(changed) };
  }
}
