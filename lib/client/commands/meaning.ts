/**
 * What people mean by the words of a command: a room, a person.
 *
 * @module
 */

import { CallerError } from "../../errors.ts";
import { foldName } from "../../folded_name.ts";
import { isAccountName } from "../../protocol/messages.ts";
import type { ChatConnection } from "../connection.ts";
import type { RoomView } from "../member.ts";
import { nameOfRoom } from "../room_names.ts";

/** A room's name: people write `#physics` elsewhere, and names have no capitals. */
export function roomNamed(word: string): string {
  return word.replace(/^#/, "").toLowerCase();
}

/**
 * A person's name; an `@` before it does no harm.
 *
 * @throws {CallerError} `name-invalid` if no account can have it.
 */
export function personNamed(word: string): string {
  const name = word.replace(/^@/, "");
  if (isAccountName(name)) return name;
  throw new CallerError("name-invalid", "No account can have that name", {
    hint: "a name has 1 to 32 letters, digits, dots, dashes and underscores",
  });
}

/** Whether a word means the direct room with somebody: `@bob`. */
export function isDirect(word: string): boolean {
  return word.startsWith("@");
}

/**
 * A room that this client is in, by its name or by its person.
 *
 * @throws {CallerError} `room-unknown`.
 */
export function joinedRoom(chat: Pick<ChatConnection, "rooms">, word: string): RoomView {
  const wanted = isDirect(word) ? foldName(word) : roomNamed(word);
  const isMeant = (view: RoomView): boolean =>
    view.room === wanted || foldName(nameOfRoom(view)) === wanted;
  const found = chat.rooms.find(isMeant);
  if (found !== undefined) return found;
  const shown = JSON.stringify(isDirect(word) ? word : wanted);
  throw new CallerError("room-unknown", `You are not in a room ${shown}`, {
    hint: "/rooms shows which there are",
  });
}

/**
 * The room that someone is looking at.
 *
 * @throws {CallerError} `room-missing` if there is none.
 */
export function roomHere(
  { chat, current }: { chat: Pick<ChatConnection, "rooms">; current: { need(): string } },
): RoomView {
  return joinedRoom(chat, current.need());
}
