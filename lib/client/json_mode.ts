/**
 * JSON mode, for programs: one event a line on the output, one command a line on the input.
 *
 * @module
 */

import * as v from "valibot";
import { CallerError, describeError } from "../errors.ts";
import { formatJson } from "../json_line.ts";
import { Batch, type Mode, type Said, type Streams } from "./batch.ts";
import { interpret } from "./commands/interpret.ts";
import type { ChatConnection } from "./connection.ts";
import { type ClientEvent, codeOf } from "./events.ts";
import { LineWriter } from "./output.ts";

/**
 * Runs it; returns the exit code, as line mode does.
 *
 * @param history older messages that another room begins with.
 */
export function runJsonMode(
  chat: ChatConnection,
  streams: Streams,
  history: number,
): Promise<number> {
  const writer = new LineWriter(streams.output);
  const show = (event: ClientEvent): Promise<void> => writer.write(formatJson(event));
  const mode: Mode = {
    read: readJson,
    show,
    say: (message) => void show({ type: "notice", code: "command", message }),
    async refuse(error, fate, lineNumber): Promise<void> {
      // Of what was sent, the events tell already, by the message's id or its room.
      if (fate === "acked") return;
      const message = `Line ${lineNumber} was not ${fate}: ${describeError(error)}`;
      await show({ type: "error", code: codeOf(error), message });
    },
  };
  return new Batch(chat, streams, mode, history).run();
}

const jsonCommand = v.variant("type", [
  v.strictObject({
    type: v.literal("send"),
    room: v.string(),
    text: v.string(),
    id: v.optional(v.string()),
  }),
  v.strictObject({ type: v.literal("command"), line: v.string() }),
]);

function readJson(line: string): Said {
  if (line.trim() === "") return { kind: "nothing" };
  const command = parseJsonCommand(line);
  if (command.type === "command") return interpret(command.line);
  const { text, room, id } = command;
  return { kind: "text", text, options: { room, ...(id === undefined ? {} : { id }) } };
}

function parseJsonCommand(line: string): v.InferOutput<typeof jsonCommand> {
  try {
    return v.parse(jsonCommand, JSON.parse(line));
  } catch (cause) {
    throw new CallerError("input-invalid", "It is no command in JSON", {
      cause,
      hint: 'write {"type":"send","room":"lobby","text":"hi"}',
    });
  }
}
