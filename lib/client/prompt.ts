/**
 * The prompt of the chat: the room that typed lines go to and its kind, whether there is a
 * connection, and where else something is unread.
 *
 * @module
 */

import type { RoomView } from "./member.ts";
import type { UnreadCount } from "./unread.ts";

/** Rooms that are named with what is unread; more would leave no place to type. */
const MAX_NAMED = 3;

/** What a prompt tells. */
export interface PromptState {
  /** The room; none if there is none. */
  room: Pick<RoomView, "room" | "kind"> | undefined;
  /** Whether the connection is lost. */
  isLost: boolean;
  unread: readonly UnreadCount[];
}

/** `lobby (open)> `, or `lobby (open, reconnecting) [physics 3 @1]> `, or `(no room)> `. */
export function promptFor({ room, isLost, unread }: PromptState): string {
  const state = [room?.kind ?? "no room", ...(isLost ? ["reconnecting"] : [])].join(", ");
  const place = room === undefined ? `(${state})` : `${room.room} (${state})`;
  const named = unread.slice(0, MAX_NAMED).map(describe);
  if (unread.length > MAX_NAMED) named.push("…");
  return named.length === 0 ? `${place}> ` : `${place} [${named.join(", ")}]> `;
}

/** `physics 3`, or `physics 3 @1` if one of the three mentions this account. */
function describe({ room, count, mentions }: UnreadCount): string {
  return mentions === 0 ? `${room} ${count}` : `${room} ${count} @${mentions}`;
}
