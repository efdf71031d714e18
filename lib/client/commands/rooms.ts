/**
 * Commands about rooms: which there are, going in and out, what they are about.
 *
 * @module
 */

import { CallerError } from "../../errors.ts";
import { MAX_LISTED, MAX_TOPIC_CHARS } from "../../protocol/limits.ts";
import { isRoomName } from "../../protocol/messages.ts";
import type { ResultOf } from "../../protocol/requests.ts";
import { nameOfRoom } from "../room_names.ts";
import { describeTopic } from "../sentences.ts";
import type { Arguments, ClientCommand, CommandContext } from "./command.ts";
import { leave } from "./leaving.ts";
import { isDirect, personNamed, roomHere, roomNamed } from "./meaning.ts";

/** Stands for no topic. */
const NONE = "-";

/** See the module's description. */
export const ROOM_COMMANDS: readonly ClientCommand[] = [
  {
    name: "join",
    aliases: ["j"],
    arguments: "ROOM",
    help: "enter a room, or go back to one of yours",
    details: "What you type goes there from then on, and nowhere if that fails. You stay in the " +
      "other rooms. @bob is your direct room with bob, as by /dm. Into a sealed room, its members " +
      "/invite you.",
    example: "/join physics",
    isBasic: true,
    moves: () => true,
    run: join,
  },
  {
    name: "leave",
    aliases: ["part"],
    arguments: "[ROOM]",
    help: "leave this room, or the one that is named",
    details: "What you sent there is stored first. Out of an open room you can always come back. " +
      "A sealed one you leave for good, and are asked before: its members may /invite you again. " +
      "A direct room is only " +
      "closed for this session: /dm opens it. /exit ends the client.",
    example: "/leave physics",
    isBasic: true,
    asks: true,
    run: leave,
  },
  {
    name: "rooms",
    aliases: ["list"],
    arguments: "",
    help: "show the rooms: open ones, and yours",
    details: "Each with its kind, its people and its topic. People are counted, whoever has " +
      "several sessions once. A star stands before the rooms that you are in. Sealed rooms of " +
      "others are not shown to you.",
    example: "/rooms",
    isBasic: true,
    run: showRooms,
  },
  {
    name: "room",
    aliases: [],
    arguments: "create [--open] NAME",
    help: "make a sealed room, and go there",
    details: "Only those whom its members /invite can read it: the server cannot. You are its " +
      "admin, who can /kick, and make others one by /admin. With --open, operators make an open room, which everyone may enter " +
      "and the server can read; its topic may follow. A name has 1 to 32 of the characters a-z, " +
      "0-9, - and _.",
    example: "/room create study-group",
    isBasic: true,
    moves: (args) => !/^create\s+--open(\s|$)/.test(args),
    run: create,
  },
  {
    name: "topic",
    aliases: [],
    arguments: "[TEXT]",
    help: "show what this room is about, or change it",
    details: `One line of at most ${MAX_TOPIC_CHARS} characters; ${NONE} for none. ` +
      "Operators alone change it. The server can read it, so sealed rooms have none.",
    example: "/topic Exam on Friday, bring a pencil",
    run: showOrSetTopic,
  },
];

async function join({ chat, current, history }: CommandContext, args: Arguments): Promise<void> {
  const word = args.word();
  if (isDirect(word)) {
    return current.switchTo(await chat.sealed.direct(personNamed(word), { history }));
  }
  const room = roomNamed(word);
  if (!chat.rooms.some((one) => one.room === room)) await chat.join(room, { history });
  current.switchTo(room);
}

async function create(context: CommandContext, args: Arguments): Promise<void> {
  if (args.word() !== "create") args.fail();
  const isOpen = args.wordIf((word) => word === "--open") !== undefined;
  const room = roomNamed(args.word());
  await (isOpen ? createOpen : createSealed)(context, room, args.rest);
}

async function createOpen(
  { chat, say }: CommandContext,
  room: string,
  topic: string,
): Promise<void> {
  await chat.request({ do: "create_room", room, topic });
  say(`There is a room ${room} now: /join ${room} enters it`);
}

async function createSealed(
  { chat, current, say }: CommandContext,
  room: string,
  topic: string,
): Promise<void> {
  if (topic !== "") {
    throw new CallerError("topic-sealed", "A sealed room has no topic: the server would read it", {
      hint: "/room create NAME makes one without; the name is one word, as study-group",
    });
  }
  checkNew(chat, room);
  await chat.sealed.create(room);
  current.switchTo(room);
  say("You are its only member: /invite NAME lets people in");
}

/** What the server would refuse, with what one can do instead. */
function checkNew({ rooms }: CommandContext["chat"], room: string): void {
  if (!isRoomName(room)) {
    throw new CallerError("room-invalid", `Not a room's name: ${JSON.stringify(room)}`, {
      hint: "use 1 to 32 of a-z, 0-9, - and _, a letter or digit first",
    });
  }
  if (!rooms.some((one) => one.room === room)) return;
  throw new CallerError("room-taken", `You are in a room ${room} already`, {
    hint: `/join ${room} goes there`,
  });
}

async function showRooms({ chat, say }: CommandContext): Promise<void> {
  const joined = new Map(chat.rooms.map((view) => [view.room, nameOfRoom(view)]));
  for (const line of listRooms(await chat.request({ do: "rooms" }), joined)) say(line);
}

async function showOrSetTopic(context: CommandContext, args: Arguments): Promise<void> {
  const { room, kind, topic } = roomHere(context);
  if (kind === "sealed") {
    throw new CallerError("room-sealed", "A sealed room has no topic", {
      hint: "the server could read it; say in the room what it is about",
    });
  }
  if (args.rest === "") return context.say(describeTopic({ room, topic }));
  const next = args.rest === NONE ? "" : args.rest;
  await context.chat.request({ do: "topic", room, topic: next });
}

/** @param joined by the names of rooms that this client is in, what they are called. */
function listRooms(
  { rooms, more }: ResultOf<"rooms">,
  joined: ReadonlyMap<string, string>,
): string[] {
  const lines = rooms.map((listed) => {
    const { room, kind, topic, members } = listed;
    const name = joined.get(room) ?? nameOfRoom(listed);
    const line = `${joined.has(room) ? "*" : " "} ${name} (${kind}), ${members} here`;
    return topic === "" ? line : `${line}: ${topic}`;
  });
  return more === 0 ? lines : [...lines, `and ${more} more than ${MAX_LISTED} rooms`];
}
