/**
 * Commands to talk to one person, where nobody else can read it.
 *
 * @module
 */

import type { ClientCommand } from "./command.ts";
import { personNamed } from "./meaning.ts";

/** See the module's description. */
export const DIRECT_COMMANDS: readonly ClientCommand[] = [
  {
    name: "dm",
    aliases: ["query"],
    arguments: "NAME",
    help: "go to the room that is yours and NAME's",
    details: "It is sealed: only the two of you can read it. It is made if there is none yet; " +
      "NAME need not be here. /verify NAME shows how to be sure who that is.",
    example: "/dm bob",
    isBasic: true,
    moves: () => true,
    async run({ chat, current, history }, args): Promise<void> {
      current.switchTo(await chat.sealed.direct(personNamed(args.word()), { history }));
    },
  },
  {
    name: "msg",
    aliases: ["w"],
    arguments: "NAME TEXT",
    help: "write to NAME, and stay in this room",
    details: "In the sealed room that is yours and NAME's, as by /dm.",
    example: "/msg bob are you there?",
    isBasic: true,
    async run({ chat, history, send }, args): Promise<void> {
      const user = personNamed(args.word());
      const text = args.text();
      await send(text, { room: await chat.sealed.direct(user, { history }) });
    },
  },
];
