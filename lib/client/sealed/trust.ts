/**
 * What a sealed room asks of who knows people's identity keys.
 *
 * @module
 */

import type { Sighting } from "../../vault/contacts.ts";

/** See the module's description. */
export interface Trust {
  /** Someone's identity key was seen in a room; it is pinned if it is the first one. */
  see(user: string, identity: Uint8Array): Sighting;
  /** The version of the own account's record, which goes into what is sealed. */
  readonly version: number;
  /** An own device has sealed something when that version was this one. */
  expect(version: number): void;
}
