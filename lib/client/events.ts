/**
 * What a connection tells its owner. The objects are those of the client's `--json` mode.
 *
 * @module
 */

import { describeError, FernchatError } from "../errors.ts";
import type { PresenceChange } from "../protocol/requests.ts";
import type { RoomKind } from "../rooms/open_room.ts";
import type { Place } from "./search_query.ts";

/** Logged in, and in the first room. */
export interface ReadyEvent {
  type: "ready";
  user: string;
  room: string;
  /** The server's address. */
  server: string;
  kind: RoomKind;
  /** Of a direct room: the other one. */
  peer?: string;
}

/** In another room. */
export interface JoinedEvent {
  type: "joined";
  room: string;
  kind: RoomKind;
  /** Of a direct room: the other one. */
  peer?: string;
  /** What it is about, as someone typed it; empty for nothing. */
  topic: string;
}

/** Out of a room; the others go on. */
export interface LeftEvent {
  type: "left";
  room: string;
  /** `left` if this side wanted it, else a code such as `kicked`, `room-closed` or `room-unknown`. */
  reason: string;
  /** The same for people, in the server's words. */
  message: string;
}

/** A message that this connection did not send itself, verified. */
export interface MessageEvent {
  type: "message";
  room: string;
  /** Its place in the room: 1, 2, 3, … */
  seq: number;
  id: string;
  sender: string;
  /** ISO 8601, UTC, milliseconds: the sender's clock. */
  sent_at: string;
  /** As the sender typed it: sanitize before it goes to a terminal. */
  text: string;
  kind: RoomKind;
  /** Of a direct room: the other one. */
  peer?: string;
  /** Whether it was said before this client came. */
  history: boolean;
  /** Whether the text is what the sender does: `* alice waves`. */
  action?: true;
  /** Whether somebody else mentions this account in it, by `@name`. */
  mention?: true;
}

/** A message that a search found. */
export interface FoundEvent extends Omit<MessageEvent, "type" | "history" | "mention"> {
  type: "found";
  /** What was looked for, in the text: from an index to before another, in UTF-16 units. */
  matches: Place[];
}

/** How far a search is. */
export interface SearchEvent {
  type: "search";
  room: string;
  state: "progress" | "done";
  /** With `done`: why it goes no further by itself. `/search more` goes on, but from the beginning. */
  end?: "beginning" | "enough" | "stopped" | "failed";
  /** Messages that it found by now. */
  found: number;
  /** Messages that it looked at. */
  searched: number;
  /** Of them, those that could not be opened. */
  unopened: number;
  /** The time of the oldest one: ISO 8601, UTC, milliseconds. */
  back_to?: string;
  /** The same for people. */
  message: string;
}

/** An own message is stored. */
export interface AckEvent {
  type: "ack";
  room: string;
  id: string;
  seq: number;
}

/** The connection is lost, and is tried again: one event before each attempt. */
export interface ReconnectingEvent {
  type: "reconnecting";
  /** Counts from 1 until a connection holds. */
  attempt: number;
  /** Milliseconds until the attempt. */
  delay_ms: number;
  /** A code such as `connection-cut` or `server-stopping`: why the last one ended or failed. */
  reason: string;
  /** The same for people. */
  message: string;
}

/** A room has another topic. */
export interface TopicEvent {
  type: "topic";
  room: string;
  kind: RoomKind;
  /** As someone typed it; empty for none. */
  topic: string;
  /** Who changed it, if it was not changed during an outage or from the server's side. */
  by?: string;
}

/** A room has another speed limit. */
export interface SlowEvent {
  type: "slow";
  room: string;
  kind: RoomKind;
  /** Between two messages of a member; 0 for no limit. */
  seconds: number;
  /** As in {@linkcode TopicEvent}. */
  by?: string;
}

/** The members of a sealed room changed: read from a commit that was verified, never the server's word. */
export interface MembersEvent {
  type: "members";
  room: string;
  kind: "sealed";
  /** The commit's place in the room. */
  seq: number;
  /** The epoch that it begins. */
  epoch: number;
  /** Who made it. */
  by: string;
  /** Accounts that were not there before. */
  added: readonly string[];
  /** Accounts that are not there any more. */
  removed: readonly string[];
  /** Members who are admins now and were not before, and the other way round. */
  promoted: readonly string[];
  demoted: readonly string[];
  /** The same for people, and what else it did. */
  message: string;
}

/** Somebody's identity key is another one than before: it may be somebody else. */
export interface IdentityEvent {
  type: "identity";
  user: string;
  /** Where it was seen. */
  room: string;
  message: string;
}

/** People came, went, or are away or back: what happened in a moment is one event. */
export interface PresenceEvent {
  type: "presence";
  room: string;
  kind: RoomKind;
  changes: readonly PresenceChange[];
  /** Changes beyond those. */
  more: number;
}

/** Logged in and in the room again; what was said meanwhile follows. One for each room. */
export interface ReconnectedEvent {
  type: "reconnected";
  room: string;
  kind: RoomKind;
  /** The room's last message. */
  last_seq: number;
}

/** Something to know; nothing is wrong. */
export interface NoticeEvent {
  type: "notice";
  /**
   * `key-changed`, `older-key`, `history`, `reconnected` where there is no room to be in again,
   * `command` for what a command answers; of sealed rooms `invited`, `contacts-new`,
   * `identity-made`, `identity-former`, `leaving`.
   */
  code: string;
  message: string;
  /** The room that it is about. */
  room?: string;
}

/** Something failed; the connection goes on. */
export interface ErrorEvent {
  type: "error";
  code: string;
  message: string;
  /** The room that it is about. */
  room?: string;
  /** The own message there that it is about. */
  id?: string;
}

/** The end: no event follows. */
export interface ClosedEvent {
  type: "closed";
  /** `left` if this side closed, else a code such as `server-stopping` or `connection-cut`. */
  reason: string;
  /** The same for people. */
  message: string;
}

/** Any of them, by its `type`. */
export type ClientEvent =
  | ReadyEvent
  | JoinedEvent
  | LeftEvent
  | MessageEvent
  | FoundEvent
  | SearchEvent
  | AckEvent
  | TopicEvent
  | SlowEvent
  | PresenceEvent
  | MembersEvent
  | IdentityEvent
  | ReconnectingEvent
  | ReconnectedEvent
  | NoticeEvent
  | ErrorEvent
  | ClosedEvent;

/** An error as an event, about a room if it is about one. */
export function errorEvent(error: unknown, room?: string): ErrorEvent {
  const event: ErrorEvent = { type: "error", code: codeOf(error), message: describeError(error) };
  return room === undefined ? event : { ...event, room };
}

/** An error's code, for events. */
export function codeOf(error: unknown): string {
  return error instanceof FernchatError ? error.code : "failed";
}
