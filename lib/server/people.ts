/**
 * Who is connected: the sessions of each account, wherever they come from.
 *
 * @module
 */

import type { ServerMessage } from "../protocol/messages.ts";
import { readStanding, type Standing, type Standings } from "./standing.ts";

/** A connection that has logged in. No method may throw. */
export interface Visitor {
  /** The account's name. */
  readonly user: string;
  /** When it logged in: ISO 8601, UTC, milliseconds. */
  readonly since: string;
  /** From where: an IP address. */
  readonly address: string;
  /** Whether it is in a room. */
  isIn(room: string): boolean;
  /** Puts it out of a room that it is in, and says why. */
  remove(room: string, code: string, message: string): void;
  /** Ends it, and says why. */
  end(code: string, message: string): void;
  /** Takes news that are not about a room that it is in. */
  tell(message: ServerMessage): void;
  /** Takes what its account may do now; undefined if there is no such account any more. */
  review(standing: Standing | undefined): void;
}

/** See the module's description. */
export class People {
  readonly #visitors = new Map<string, Set<Visitor>>();

  /** Someone has logged in. */
  enter(visitor: Visitor): void {
    const sessions = this.#visitors.get(visitor.user) ?? new Set();
    this.#visitors.set(visitor.user, sessions.add(visitor));
  }

  /** Someone's connection is over; whether it was the account's last one. */
  leave(visitor: Visitor): boolean {
    const sessions = this.#visitors.get(visitor.user);
    sessions?.delete(visitor);
    if (sessions === undefined || sessions.size > 0) return false;
    return this.#visitors.delete(visitor.user);
  }

  /** The connections of an account, the oldest first. */
  sessionsOf(user: string): readonly Visitor[] {
    return [...this.#visitors.get(user) ?? []];
  }

  /** Everyone. */
  all(): readonly Visitor[] {
    return [...this.#visitors.values()].flatMap((sessions) => [...sessions]);
  }
}

/** Lets all connections of an account know what it may do now. */
export function reviewSessions(from: Standings & { people: People }, user: string): void {
  const standing = readStanding(from, user);
  for (const visitor of from.people.sessionsOf(user)) visitor.review(standing);
}
