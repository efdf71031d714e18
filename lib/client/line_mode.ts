/**
 * Line mode, for pipes and people's scripts: each input line is a message or a `/command`, each
 * message from others is one line on the output, and whatever else there is to say is a diagnostic.
 *
 * @module
 */

import { describeError } from "../errors.ts";
import { Batch, type Mode, type Streams } from "./batch.ts";
import { interpret } from "./commands/interpret.ts";
import type { ChatConnection } from "./connection.ts";
import type { ClientEvent, FoundEvent, MessageEvent } from "./events.ts";
import { formatFound, formatMessage, LineWriter } from "./output.ts";
import { RoomNames } from "./room_names.ts";
import { describeLeft, describePresence, describeSlow, describeTopic } from "./sentences.ts";
import { sanitizeText } from "./terminal/sanitize.ts";

/**
 * Runs it. Messages of the room that it came for are shown as such, those of others with the room's
 * name.
 *
 * @param history older messages that another room begins with.
 * @returns the exit code: 1 if a line could not be sent or done; that of the reason if the
 * connection ended by itself.
 */
export async function runLineMode(
  chat: ChatConnection,
  streams: Streams,
  history: number,
): Promise<number> {
  const writer = new LineWriter(streams.output);
  const home = chat.room.room;
  const names = new RoomNames(chat);
  let isLost = false;
  const mode: Mode = {
    read: interpret,
    async show(event): Promise<void> {
      if (event.type === "message") return await writer.write(formatMessage(event, home));
      if (event.type === "found") return await writer.write(formatFound(event, home));
      if (event.type === "reconnected" && !isLost) return; // once, however many rooms there are
      if (event.type === "reconnecting") isLost = true;
      if (event.type === "reconnected") isLost = false;
      if (event.type === "ready" || event.type === "joined") names.learn(event);
      const remark = describeEvent(event, chat.user);
      if (remark === undefined) return;
      streams.complain(names.about(roomOf(event), remark, home));
    },
    say: (line, isExact) => void writer.write(sanitizeText(isExact ? line : names.in(line))),
    refuse(error, fate, lineNumber): Promise<void> {
      streams.complain(`Line ${lineNumber} was not ${fate}: ${names.in(describeError(error))}`);
      return Promise.resolve();
    },
  };
  const exitCode = await new Batch(chat, streams, mode, history).run();
  await writer.flush(); // the last answers of commands
  return exitCode;
}

/** The room that an event is about, if its line does not say so by itself. */
function roomOf(event: ClientEvent): string | undefined {
  switch (event.type) {
    case "presence":
    case "members":
    case "error":
      return event.room;
    case "notice":
      return event.code === "invited" ? undefined : event.room;
    default:
      return undefined;
  }
}

/** An event that is no message, as a line for people, if there is something to say. */
function describeEvent(
  event: Exclude<ClientEvent, MessageEvent | FoundEvent>,
  user: string,
): string | undefined {
  switch (event.type) {
    case "ready":
      return `Joined ${event.room} as ${event.user}`;
    case "joined":
      return `Joined ${event.room}`;
    case "left":
      return describeLeft(event);
    case "topic":
      return describeTopic(event);
    case "slow":
      return describeSlow(event);
    case "presence":
      return describePresence(event, user);
    case "error":
      // What is about an own message is said with its line.
      return event.id === undefined ? `Error: ${event.message}` : undefined;
    case "reconnecting":
      return `${event.message}: trying again in ${(event.delay_ms / 1_000).toFixed(1)} s`;
    case "reconnected":
      return "Connected again";
    case "notice":
    case "search":
    case "members":
    case "identity":
      return event.message;
    case "closed":
      return event.reason === "left" ? undefined : event.message;
    case "ack":
      return undefined;
  }
}
