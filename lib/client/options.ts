/**
 * What the SDK's functions take.
 *
 * @module
 */

import type { Address } from "./address.ts";
import type { Login } from "./kept_login.ts";
import type { Credentials } from "./login.ts";
import type { Timing } from "./timing.ts";

/** What is to be joined first, and how. */
export interface JoinOptions {
  /** The room to join; the lobby by default. */
  room?: string;
  /** Older messages to begin with, at most 1,000; none by default. */
  history?: number;
  /**
   * Whether it is in the account's sealed rooms, as one of its devices; true by default. Who only
   * says something in an open room can do without.
   */
  sealed?: boolean;
  /** Milliseconds to go on trying after an outage began; 0 never tries. `Infinity` by default. */
  reconnectForMs?: number;
  /** Other durations than usual. */
  timing?: Partial<Timing>;
}

/**
 * Whom to talk to, as whom, and where. Name and password are kept in memory, to log in again after
 * an outage.
 */
export interface ConnectOptions extends Credentials, Partial<Address>, JoinOptions {}

/** What is needed by who is logged in already. */
export interface Entrance extends JoinOptions {
  /** Where the server is. */
  server: Address;
  /** Logs in again after an outage, and changes the password. */
  login: Login;
}

/** How a message is sent. */
export interface SendOptions {
  /** Names the message; unique for this user and room. Made if not given. */
  id?: string;
  /** By default the one that was joined first. */
  room?: string;
  /** Whether it is what this user does, as in `* alice waves`, and not what this user says. */
  action?: true;
}
