/**
 * The prompt of the chat: the room that typed lines go to and its kind, whether there is a
 * connection, and where else something is unread.
 *
 * @module
 */

import type { RoomView } from "./member.ts";
import { nameOfRoom } from "./room_names.ts";
import type { UnreadCount } from "./unread.ts";

/** Columns of a prompt: half of a plain terminal, so that there is a place to type. */
const MAX_COLUMNS = 40;

/** Rooms that are named with what is unread. */
const MAX_NAMED = 3;

/** What a prompt tells. */
export interface PromptState {
  /** The room; none if there is none. */
  room: Pick<RoomView, "room" | "kind" | "peer"> | undefined;
  /** Whether the connection is lost. */
  isLost: boolean;
  unread: readonly UnreadCount[];
}

/**
 * `lobby (open)> `, `@bob (sealed)> `, `lobby (open, reconnecting) [physics 3 @1]> `, `(no room)> `. Where there
 * is no place for all of it, first unread rooms are counted together (`[physics 3 @1, +12]`), then
 * the end of the room's name goes.
 */
export function promptFor({ room, isLost, unread }: PromptState): string {
  const state = [room?.kind ?? "no room", ...(isLost ? ["reconnecting"] : [])].join(", ");
  const name = room === undefined ? "" : `${nameOfRoom(room)} `;
  const write = (place: string, named: number): string =>
    `${place}(${state})${unreadIn(unread, named)}> `;
  let named = Math.min(MAX_NAMED, unread.length);
  while (named > 0 && write(name, named).length > MAX_COLUMNS) named -= 1;
  const excess = write(name, named).length - MAX_COLUMNS;
  return write(excess <= 0 ? name : `${name.slice(0, -excess - 2)}… `, named);
}

/** ` [physics 3, chemistry 2 @1, +12]`: of the first rooms by name, of the others together. */
function unreadIn(unread: readonly UnreadCount[], named: number): string {
  if (unread.length === 0) return "";
  const parts = unread.slice(0, named).map((one) => `${one.room} ${countsOf([one])}`);
  const others = unread.slice(named);
  if (others.length > 0) parts.push(`+${countsOf(others)}`);
  return ` [${parts.join(", ")}]`;
}

/** `3`, or `3 @1` if one of the three mentions this account. */
function countsOf(unread: readonly UnreadCount[]): string {
  const count = unread.reduce((sum, one) => sum + one.count, 0);
  const mentions = unread.reduce((sum, one) => sum + one.mentions, 0);
  return mentions === 0 ? `${count}` : `${count} @${mentions}`;
}
