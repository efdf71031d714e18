/**
 * Commands about who is in a room: letting people in, putting them out, showing who is there.
 *
 * @module
 */

import { CallerError, EnvironmentError } from "../../errors.ts";
import { foldName } from "../../folded_name.ts";
import type { RoomView } from "../member.ts";
import { nameOfRoom } from "../room_names.ts";
import { listNames } from "../sealed/membership_news.ts";
import type { Arguments, ClientCommand, CommandContext } from "./command.ts";
import { personNamed, roomHere } from "./meaning.ts";
import { describeMembers, describePresent } from "./names.ts";

/** Why one of several people cannot be let in, which is no reason for the others. */
const OF_ONE: ReadonlySet<string> = new Set(["name-unknown", "no-keys"]);

/** See the module's description. */
export const MEMBERSHIP_COMMANDS: readonly ClientCommand[] = [
  {
    name: "names",
    aliases: ["who"],
    arguments: "",
    help: "show who is in this room",
    details: "Who is a member of a sealed room, its keys say; who of them is here now, the server.",
    example: "/names",
    isBasic: true,
    run: showNames,
  },
  {
    name: "invite",
    aliases: [],
    arguments: "NAME...",
    help: "let people into this sealed room",
    details: "With all their devices, also while they are not here. They can read what is said " +
      "from then on, and nothing of before. Every member can do so, and all are told.",
    example: "/invite bob carol",
    isBasic: true,
    run: invite,
  },
  {
    name: "kick",
    aliases: [],
    arguments: "NAME [REASON]",
    help: "put someone out of this room",
    details: "Out of a sealed room, its admins: the keys change, and whoever is out cannot read " +
      "on. Out of an open room, operators; one may come back, unless /ban keeps one out.",
    example: "/kick bob enough for today",
    run: kick,
  },
  {
    name: "admin",
    aliases: [],
    arguments: "[--remove] NAME",
    help: "make someone an admin of this sealed room",
    details: "Admins can /kick, and say who else is an admin: those alone can do so. With " +
      "--remove, NAME is none any more; that may be you, if another one stays. All are told. Who " +
      "is put out or leaves loses it. /names shows who they are.",
    example: "/admin bob",
    run: appoint,
  },
  {
    name: "rekey",
    aliases: [],
    arguments: "",
    help: "make new keys for this sealed room",
    details: "Whoever stole the keys of before cannot read on. The keys change by themselves " +
      "with each change of members.",
    example: "/rekey",
    async run({ chat, current, say }): Promise<void> {
      const room = current.need();
      await chat.sealed.rekey(room);
      say("The keys are new: whoever stole those of before cannot read on");
    },
  },
];

async function showNames(context: CommandContext): Promise<void> {
  const { chat, say } = context;
  const view = roomHere(context);
  const present = await chat.request({ do: "names", room: view.room });
  if (view.kind === "open") return say(describePresent(present));
  const { members } = await chat.sealed.security(view.room);
  for (const line of describeMembers(view, members, present)) say(line);
}

async function invite(context: CommandContext, args: Arguments): Promise<void> {
  const view = roomHere(context);
  const names = [personNamed(args.word())];
  while (args.rest !== "") names.push(personNamed(args.word()));
  const { peer } = view;
  // Somebody with new keys may have to be let into a direct room again.
  if (peer !== undefined && names.some((name) => foldName(name) !== foldName(peer))) {
    throw forTwo(view, "/room create NAME makes a room for more");
  }
  try {
    await context.chat.sealed.invite(view.room, names);
  } catch (error) {
    throw names.length > 1 ? noneInvited(error, names) : error;
  }
  context.say(`${listNames(names)} can read what is said from now on, and nothing of before`);
}

async function kick(context: CommandContext, args: Arguments): Promise<void> {
  const { chat, say } = context;
  const view = roomHere(context);
  const { room, kind, peer } = view;
  const word = args.word();
  if (kind === "open") {
    await chat.request({ do: "kick", room, user: word, reason: args.rest });
    return say(`${word} is out of ${room}`);
  }
  if (peer !== undefined) throw forTwo(view, "/leave closes it, /ignore shows nothing of someone");
  const user = personNamed(word);
  await chat.sealed.remove(room, [user]);
  say(`${user} cannot read what is said from now on; what was read before may be kept`);
  if (args.rest !== "") await context.send(`removed ${user}: ${args.rest}`, { room, action: true });
}

async function appoint(context: CommandContext, args: Arguments): Promise<void> {
  const { chat: { sealed }, say } = context;
  const isRemoved = args.wordIf((word) => word === "--remove") !== undefined;
  const user = personNamed(args.word());
  if (args.rest !== "") args.fail();
  const view = roomHere(context);
  const { room } = view;
  if (view.peer !== undefined) throw forTwo(view, "nobody can put the other one out");
  if (isRemoved) {
    const was = await sealed.demote(room, [user]);
    return say(was ? `${user} is no admin of ${room} any more` : `${user} is no admin of ${room}`);
  }
  const isNew = await sealed.promote(room, [user]);
  say(
    isNew ? `${user} can put people out of ${room} now` : `${user} is an admin of ${room} already`,
  );
}

/** One of several that cannot be let in: the others are not in either. */
function noneInvited(error: unknown, names: readonly string[]): unknown {
  if (!(error instanceof EnvironmentError) || !OF_ONE.has(error.code)) return error;
  return new EnvironmentError(error.code, error.message, {
    cause: error,
    hint: `no one was let in: /invite the other${names.length > 2 ? "s" : ""} again`,
  });
}

function forTwo(view: RoomView, hint: string): CallerError {
  return new CallerError("room-direct", `${nameOfRoom(view)} is for you two`, { hint });
}
