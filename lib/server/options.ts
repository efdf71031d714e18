/**
 * What an operator decides of a server.
 *
 * @module
 */

import type { KeyRing } from "../fernet.ts";
import type { Limits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { PacingOptions } from "./login_pacing.ts";
import type { PresenceOptions } from "./presence.ts";

/** See the module's description. */
export interface ServerOptions {
  /** The address to listen on. */
  host: string;
  /** The port; 0 for a free one. */
  port: number;
  /** The database's file. */
  db: string;
  /** Keeps the Fernet keys over restarts; without it, each start makes a new key. */
  keyFile?: string;
  /** Allows the demo account on an address that others can reach. */
  demo: boolean;
  /** Takes what happens, without secrets and texts. */
  logger: Logger;
  /** What peers are granted, where it is not as in {@linkcode DEFAULT_LIMITS}. */
  limits?: Partial<Limits>;
  /** How logins are paced, where it is not by default. */
  pacing?: Partial<PacingOptions>;
  /** How comings and goings are gathered, where it is not by default. */
  presence?: Partial<PresenceOptions>;
  /** Called with the ring that is in the key file now, when it has changed. */
  onNewKey?(ring: KeyRing): void;
}
