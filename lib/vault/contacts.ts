/**
 * Whose identity key is whose, as far as this account has seen: the first key of a person is pinned;
 * another one later is kept beside it until somebody has looked at it. What was pinned before that
 * is known as such: rooms keep devices of it for a while.
 *
 * @module
 */

import { CallerError, EnvironmentError } from "../errors.ts";
import { foldName } from "../folded_name.ts";
import { sameBytes } from "../same_bytes.ts";

/** People whose keys an account keeps: of those, each with the longest name, a blob holds twice as many. */
export const MAX_CONTACTS = 4096;

/** Keys of before that are kept of a person: the newest, one for each reset of a password. */
export const MAX_FORMER = 4;

/** A key, and since when it is known. */
export interface SeenKey {
  /** An identity key: 32 bytes. */
  readonly key: Uint8Array;
  /** ISO 8601, UTC, milliseconds. */
  readonly since: string;
}

/** A person, by the key that is pinned. */
export interface Contact extends SeenKey {
  /** As it was spelled first. */
  readonly name: string;
  /** Somebody has compared the safety number. */
  readonly verified: boolean;
  /** Another key under the same name, which nobody has acknowledged yet. */
  readonly changed?: SeenKey;
  /** Keys that were pinned before this one, the newest last. */
  readonly former?: readonly Uint8Array[];
}

/** What a key is to somebody who sees it under a name. */
export type Acquaintance = "new" | "known" | "changed";

/** The same where a key may be one of before. */
export type Sighting = Acquaintance | "former";

/** What happened, to do it once more on what another session has stored meanwhile. */
interface Step {
  readonly act: "meet" | "verify" | "acknowledge";
  readonly user: string;
  /** The key that it was about. */
  readonly seen: SeenKey;
  /** The key that was pinned before. */
  readonly pinned: Uint8Array | undefined;
}

/** See the module's description. Names are compared without regard to case. */
export class Contacts implements Iterable<Contact> {
  readonly #pins: Map<string, Contact>;
  #steps: Step[] = [];

  constructor(contacts: Iterable<Contact> = []) {
    this.#pins = new Map(Array.from(contacts, (contact) => [foldName(contact.name), contact]));
  }

  /** How many changes are not stored yet. */
  get unsaved(): number {
    return this.#steps.length;
  }

  get size(): number {
    return this.#pins.size;
  }

  /** In the order of the folded names. */
  [Symbol.iterator](): Iterator<Contact> {
    const pins = [...this.#pins].sort(([one], [other]) => one < other ? -1 : 1);
    return pins.map(([, contact]) => contact).values();
  }

  find(user: string): Contact | undefined {
    return this.#pins.get(foldName(user));
  }

  /**
   * Takes note of a person's key: pins it, if it is the first.
   *
   * @param now in milliseconds since 1970.
   * @returns what the key is: `changed` each time, until it is acknowledged. The pinned key stays
   * `known` all along.
   * @throws {EnvironmentError} `contacts-full`. No pin is ever given up for another one: whoever
   * could push one out could put another key in its place.
   */
  meet(user: string, key: Uint8Array, now: number): Acquaintance {
    const contact = this.find(user);
    const seen = { key, since: new Date(now).toISOString() };
    if (contact === undefined) {
      this.#pin(user, seen);
      return "new";
    }
    if (isKey(key, contact.key)) return "known";
    if (!isKey(key, contact.changed?.key)) {
      this.#set("meet", { ...contact, changed: seen }, seen);
    }
    return "changed";
  }

  /**
   * The same of a key that somebody has in a room, by its members' word. There, one of before is no
   * news: the room's members have not changed since, or its log is being followed up to there.
   */
  see(user: string, key: Uint8Array, now: number): Sighting {
    const { former = [], changed } = this.find(user) ?? {};
    const isFormer = former.some((one) => isKey(key, one)) && !isKey(key, changed?.key);
    return isFormer ? "former" : this.meet(user, key, now);
  }

  /**
   * Notes that the safety number was compared, and was right.
   *
   * @throws {CallerError} `contact-unknown`; `contact-changed` while a changed key is not
   * acknowledged, as it is not plain which of the two was compared.
   */
  verify(user: string): void {
    const contact = this.#get(user);
    if (contact.changed !== undefined) {
      throw new CallerError(
        "contact-changed",
        `Cannot verify ${contact.name}: the key has changed`,
        {
          hint: "acknowledge the new key first, then compare the new safety number",
        },
      );
    }
    if (!contact.verified) this.#set("verify", { ...contact, verified: true }, contact);
  }

  /**
   * Takes the changed key in the place of the pinned one; nobody has verified it.
   *
   * @returns whether there was one.
   * @throws {CallerError} `contact-unknown`.
   */
  acknowledge(user: string): boolean {
    const { name, key, changed, former = [] } = this.#get(user);
    if (changed === undefined) return false;
    // What is taken again is none of before any more.
    const others = [...former, key].filter((one) => !isKey(one, changed.key));
    const kept = { name, ...changed, verified: false, former: others.slice(-MAX_FORMER) };
    this.#set("acknowledge", kept, changed);
    return true;
  }

  /** The first so many changes are stored now: all that there were when they were encoded. */
  saved(changes: number): void {
    this.#steps = this.#steps.slice(changes);
  }

  /**
   * These changes on top of what another session has stored meanwhile. Of two first keys of one
   * person, that one's stays pinned; what was verified or acknowledged here counts only if the same
   * key is pinned there as was here.
   */
  rebase(stored: Contacts): Contacts {
    const contacts = new Contacts(stored);
    for (const step of this.#steps) contacts.#repeat(step);
    return contacts;
  }

  #repeat({ act, user, seen: { key, since }, pinned }: Step): void {
    if (act === "meet") {
      this.meet(user, key, Date.parse(since));
      return;
    }
    const contact = this.find(user);
    if (contact === undefined || !isKey(contact.key, pinned)) return;
    const isMeant = act === "verify"
      ? contact.changed === undefined
      : isKey(key, contact.changed?.key);
    if (isMeant) this[act](user);
  }

  #pin(user: string, seen: SeenKey): void {
    if (this.#pins.size >= MAX_CONTACTS) {
      throw new EnvironmentError(
        "contacts-full",
        `Cannot remember the key of ${user}: there are those of ${MAX_CONTACTS} people already`,
      );
    }
    this.#set("meet", { name: user, ...seen, verified: false }, seen);
  }

  #set(act: Step["act"], contact: Contact, { key, since }: SeenKey): void {
    const pinned = this.find(contact.name)?.key;
    this.#pins.set(foldName(contact.name), contact);
    this.#steps.push({ act, user: contact.name, seen: { key, since }, pinned });
  }

  #get(user: string): Contact {
    const contact = this.find(user);
    if (contact !== undefined) return contact;
    throw new CallerError("contact-unknown", `You have not met anyone of the name ${user} yet`);
  }
}

function isKey(key: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && sameBytes(key, other);
}
