/**
 * Commands about what protects a room, and who people are.
 *
 * @module
 */

import type { ClientCommand, CommandContext } from "./command.ts";
import { exportKeys } from "./export_keys.ts";
import { personNamed, roomHere } from "./meaning.ts";
import { describeConfirmed, describeIdentity } from "./identity_words.ts";
import { describeOpenRoom, describeSealedRoom } from "./security_words.ts";

/** See the module's description. */
export const SECURITY_COMMANDS: readonly ClientCommand[] = [
  {
    name: "security",
    aliases: [],
    arguments: "",
    help: "show who can read this room, and why",
    details: "Who makes the keys, who the members are, what the server sees, and how to check " +
      "that all see the same. Of a sealed room nothing of it is the server's word.",
    example: "/security",
    isBasic: true,
    run: showSecurity,
  },
  {
    name: "verify",
    aliases: [],
    arguments: "NAME",
    help: "show how to be sure who NAME is",
    details: "A number that both of you see, if nobody is in between: compare it in person or by " +
      "phone, not in this chat. Digits and words say the same. Then /verified NAME.",
    example: "/verify bob",
    isBasic: true,
    async run({ chat, say }, args): Promise<void> {
      const identity = await chat.sealed.identityOf(personNamed(args.word()));
      for (const line of describeIdentity(identity, chat.user)) say(line);
    },
  },
  {
    name: "verified",
    aliases: [],
    arguments: "NAME",
    help: "note that the number of /verify is right",
    details: "Only if you have compared it with NAME. A new identity key of NAME's is accepted " +
      "by it too, once /verify has shown you its number. It holds in all your sessions.",
    example: "/verified bob",
    async run({ chat, say }, args): Promise<void> {
      const user = personNamed(args.word());
      const isNewKey = await chat.sealed.confirm(user);
      for (const line of describeConfirmed(user, isNewKey)) say(line);
    },
  },
  {
    name: "keys",
    aliases: [],
    arguments: "export FILE",
    help: "write this sealed room's keys to a file",
    details: "The Fernet keys of all that you can read here, newest first, one a line, as " +
      "Python's MultiFernet takes them. The file must be a new one, and is for your eyes alone. " +
      "Without a terminal, /keys export FILE yes.",
    example: "/keys export study-group.keys",
    asks: true,
    run: exportKeys,
  },
];

async function showSecurity(context: CommandContext): Promise<void> {
  const { chat, say } = context;
  const view = roomHere(context);
  const lines = view.kind === "open"
    ? describeOpenRoom(view)
    : describeSealedRoom(view, await chat.sealed.security(view.room));
  for (const line of lines) say(line);
}
