/**
 * How a room's messages are opened and sealed: what open and sealed rooms do not have in common.
 *
 * @module
 */

import type { LogEntry } from "../log/message_log.ts";
import type { RoomKind, SealedText } from "../rooms/open_room.ts";
import type { Content, Envelope } from "../rooms/payload.ts";
import type { ClientEvent } from "./events.ts";
import type { Outgoing } from "./outbox.ts";

/** What an entry came to. */
export interface Taken {
  /** What somebody says with it, if that is what it is for. */
  content?: Content;
  /** What else there is to tell of it: who is a member now, what is wrong. */
  news: readonly ClientEvent[];
  /**
   * The rest of it, if the server has to be asked for something first: no other entry can be taken
   * before.
   */
  later?: Promise<readonly ClientEvent[]>;
}

/** See the module's description. */
export interface RoomCipher {
  readonly kind: RoomKind;
  /** With whom a direct room is, as its members have agreed. */
  readonly peer: string | undefined;
  /** The key that messages are sealed with now: 8 hex digits. */
  readonly keyId: string;
  /** The `seq` behind which the room's past begins for this member; 0 for all of it. */
  readonly floor: number;
  /** Whether something can be sealed now. */
  readonly canSeal: boolean;
  /** Why nothing can be read or sealed any more, if so. */
  readonly broken: unknown;
  /** Whether there is a key of that id. */
  has(keyId: string): boolean;
  /**
   * Reads an entry that was followed by now; undefined if it says nothing to people.
   *
   * @throws {PeerError} `token-invalid`.
   */
  open(entry: LogEntry): Content | undefined;
  /**
   * Takes the next entry of the log, each once, in order; the next one when it is done with it.
   *
   * @param commit the bytes that came before it.
   * @throws {PeerError} `token-invalid`, `room-inconsistent`: it is not to be shown.
   */
  advance(entry: LogEntry, commit: Uint8Array | undefined): Promise<Taken>;
  /** Takes note of the next entry, which this connection sent. */
  pass(entry: LogEntry): void;
  /** Seals an own message behind what was followed. Only if {@linkcode canSeal}. */
  seal(envelope: Envelope, message: Outgoing): SealedText;
  /** The connection is over for good. */
  close(): void;
}
