/**
 * Commands about rooms: which there are, going in and out, what they are about.
 *
 * @module
 */

import { MAX_LISTED, MAX_TOPIC_CHARS } from "../../protocol/limits.ts";
import type { ResultOf } from "../../protocol/requests.ts";
import { describeTopic } from "../sentences.ts";
import type { Arguments, ClientCommand, CommandContext } from "./command.ts";

/** Stands for no topic. */
const NONE = "-";

/** See the module's description. */
export const ROOM_COMMANDS: readonly ClientCommand[] = [
  {
    name: "join",
    aliases: ["j"],
    arguments: "ROOM",
    help: "enter a room, or go back to one of yours",
    details: "What you type goes there from then on. You stay in the other rooms.",
    example: "/join physics",
    moves: true,
    run: join,
  },
  {
    name: "leave",
    aliases: ["part"],
    arguments: "[ROOM]",
    help: "leave this room, or the one that is named",
    details: "What you sent there is stored first. /exit ends the client.",
    example: "/leave physics",
    run: leave,
  },
  {
    name: "rooms",
    aliases: ["list"],
    arguments: "",
    help: "show the rooms, their people and topics",
    details: "People are counted, whoever has several sessions once. A star stands before " +
      "the rooms that you are in.",
    example: "/rooms",
    async run({ chat, say }): Promise<void> {
      const joined = chat.rooms.map(({ room }) => room);
      for (const line of listRooms(await chat.request({ do: "rooms" }), joined)) say(line);
    },
  },
  {
    name: "topic",
    aliases: [],
    arguments: "[TEXT]",
    help: "show what this room is about, or change it",
    details: `One line of at most ${MAX_TOPIC_CHARS} characters; ${NONE} for none. ` +
      "Operators alone change it. The server can read it.",
    example: "/topic Exam on Friday, bring a pencil",
    run: showOrSetTopic,
  },
  {
    name: "room",
    aliases: [],
    arguments: "create NAME [TOPIC]",
    help: "make an open room (operators)",
    details: "A name has 1 to 32 of the characters a-z, 0-9, - and _.",
    example: "/room create physics Waves and particles",
    async run({ chat, say }, args): Promise<void> {
      if (args.word() !== "create") args.fail();
      const room = nameOf(args.word());
      await chat.request({ do: "create_room", room, topic: args.rest });
      say(`There is a room ${room} now: /join ${room} enters it`);
    },
  },
];

async function join({ chat, current, history }: CommandContext, args: Arguments): Promise<void> {
  const room = nameOf(args.word());
  if (!chat.rooms.some((one) => one.room === room)) await chat.join(room, { history });
  current.switchTo(room);
}

async function leave({ chat, current }: CommandContext, args: Arguments): Promise<void> {
  const here = current.name;
  const room = args.rest === "" ? current.need() : nameOf(args.word());
  await chat.leave(room);
  if (room === here) current.switchTo(chat.rooms[0]?.room);
}

async function showOrSetTopic(
  { chat, current, say }: CommandContext,
  args: Arguments,
): Promise<void> {
  const room = current.need();
  if (args.rest !== "") {
    const topic = args.rest === NONE ? "" : args.rest;
    await chat.request({ do: "topic", room, topic });
    return;
  }
  const view = chat.rooms.find((one) => one.room === room);
  if (view !== undefined) say(describeTopic({ room, topic: view.topic }));
}

function listRooms({ rooms, more }: ResultOf<"rooms">, joined: readonly string[]): string[] {
  const lines = rooms.map(({ room, kind, topic, members }) => {
    const line = `${joined.includes(room) ? "*" : " "} ${room} (${kind}), ${members} here`;
    return topic === "" ? line : `${line}: ${topic}`;
  });
  return more === 0 ? lines : [...lines, `and ${more} more than ${MAX_LISTED} rooms`];
}

/** People write `#physics` elsewhere; names have no capitals. */
function nameOf(word: string): string {
  return word.replace(/^#/, "").toLowerCase();
}
