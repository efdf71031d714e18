/**
 * `/leave`: out of an open room, which one can always enter again; out of a sealed one for good.
 *
 * @module
 */

import type { RoomView } from "../member.ts";
import { nameOfRoom } from "../room_names.ts";
import type { RoomSecurity } from "../sealed/room_security.ts";
import type { Arguments, CommandContext } from "./command.ts";
import { joinedRoom } from "./meaning.ts";

const YES = "yes";

/** Leaves a room; who was looking at it looks at the first of the others then. */
export async function leave(context: CommandContext, args: Arguments): Promise<void> {
  const { chat, current } = context;
  const here = current.name;
  const view = joinedRoom(chat, args.rest === "" ? current.need() : args.word());
  const isForGood = view.kind === "sealed" && view.peer === undefined;
  if (isForGood && !await confirm(context, view)) return;
  await (isForGood ? leaveForGood(context, view) : close(context, view));
  if (view.room !== here) return;
  current.switchTo(chat.rooms.find(({ room }) => room !== view.room)?.room);
}

/** At a terminal, one is asked before something is lost; who writes a script knows. */
async function confirm({ ask, say }: CommandContext, { room }: RoomView): Promise<boolean> {
  if (ask === undefined) return true;
  say(`You lose what was said in ${room}, unless you /keys export it before`);
  const answer = await ask(`Type ${YES} to leave ${room} for good: `);
  if (answer?.trim().toLowerCase() === YES) return true;
  say(`You are still in ${room}`);
  return false;
}

async function close({ chat, say }: CommandContext, view: RoomView): Promise<void> {
  await chat.leave(view.room);
  if (view.peer === undefined) return;
  say(`${nameOfRoom(view)} is closed for this session: you do not see what is said there`);
  say(`/dm ${view.peer} opens it again`);
}

async function leaveForGood({ chat, say }: CommandContext, { room }: RoomView): Promise<void> {
  const security = await chat.sealed.security(room);
  await chat.sealed.leave(room);
  for (const line of describeLeaving(room, chat.user, security)) say(line);
}

/** What it means, and how to come back. */
export function describeLeaving(
  room: string,
  user: string,
  { members }: Pick<RoomSecurity, "members">,
): string[] {
  const lines = [`You are no member of ${room} any more: you cannot read on`];
  const others = members.filter(({ trust }) => trust !== "own");
  if (others.length === 0) return [...lines, "You were its last member: nobody can read it now"];
  lines.push(`Its members can let you in again, by /invite ${user}`);
  const wasOnlyAdmin = members.every(({ isAdmin, trust }) => isAdmin === (trust === "own"));
  if (!wasOnlyAdmin) return lines;
  return [...lines, "You were its only admin: nobody there can remove others until you are back"];
}
