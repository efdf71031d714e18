/**
 * The client without a terminal: line mode for pipes and people's scripts, JSON mode for programs.
 * Both read lines, send what they hold, and end with the input after the last ack.
 *
 * @module
 */

import * as v from "valibot";
import { CallerError, describeError, ExitCode, exitCodeOf } from "../errors.ts";
import type { ByteSink, ByteSource } from "../framing.ts";
import { formatJson } from "../json_line.ts";
import { interpret } from "./commands.ts";
import type { ChatConnection } from "./connection.ts";
import type { ClientEvent, FoundEvent, MessageEvent } from "./events.ts";
import { type InputLine, inputLines } from "./input_lines.ts";
import { formatFound, formatMessage, LineWriter } from "./output.ts";
import { describeLeft, describePresence, describeSlow, describeTopic } from "./sentences.ts";

/** The three standard streams. */
export interface Streams {
  input: ByteSource;
  output: ByteSink;
  /** Takes a line of diagnostics. */
  complain(line: string): void;
}

/** How a mode reads and shows. */
interface Mode {
  /** What a line says: text to send, or a command that was run. Throws `CallerError`. */
  read(line: string): Said;
  show(event: ClientEvent): Promise<void>;
  /** Shows why a line was not sent, or its message not acked. */
  refuse(error: unknown, lineNumber: number): Promise<void>;
}

type Said =
  | { kind: "text"; text: string; id?: string }
  | { kind: "done"; then: "stay" | "leave" };

/**
 * Line mode: each input line is a message or a `/command`, each message from others one line.
 *
 * @returns the exit code: 1 if a line could not be sent; that of the reason if the connection ended
 * by itself.
 */
export function runLineMode(chat: ChatConnection, streams: Streams): Promise<number> {
  const writer = new LineWriter(streams.output);
  return run(chat, streams, {
    read: (line) => readTyped(line, chat, (text) => void writer.write(text)),
    async show(event): Promise<void> {
      if (event.type === "message") return await writer.write(formatMessage(event));
      if (event.type === "found") return await writer.write(formatFound(event));
      const remark = describeEvent(event, chat.user);
      if (remark !== undefined) streams.complain(remark);
    },
    refuse(error, lineNumber): Promise<void> {
      const fate = error instanceof CallerError ? "sent" : "acked";
      streams.complain(`Line ${lineNumber} was not ${fate}: ${describeError(error)}`);
      return Promise.resolve();
    },
  });
}

/** An event that is no message, as a line for people, if there is something to say. */
function describeEvent(
  event: Exclude<ClientEvent, MessageEvent | FoundEvent>,
  user: string,
): string | undefined {
  switch (event.type) {
    case "ready":
      return `Joined ${event.room} as ${event.user}`;
    case "error":
      // What is about an own message is said with its line.
      return event.id === undefined ? `Error: ${event.message}` : undefined;
    case "reconnecting":
      return `${event.message}: trying again in ${(event.delay_ms / 1_000).toFixed(1)} s`;
    case "reconnected":
      return `Connected again`;
    case "notice":
    case "search":
      return event.message;
    case "closed":
      return event.reason === "left" ? undefined : event.message;
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
    case "ack":
      return undefined;
  }
}

/** JSON mode: one event a line on the output, one command a line on the input. */
export function runJsonMode(chat: ChatConnection, streams: Streams): Promise<number> {
  const writer = new LineWriter(streams.output);
  const show = (event: ClientEvent): Promise<void> => writer.write(formatJson(event));
  return run(chat, streams, {
    read: (line) =>
      readJson(
        line,
        chat,
        (message) => void show({ type: "notice", code: "command", message }),
      ),
    show,
    async refuse(error, lineNumber): Promise<void> {
      // Of what was sent, the events tell already, by the message's id.
      if (!(error instanceof CallerError)) return;
      const message = `Line ${lineNumber} was not sent: ${describeError(error)}`;
      await show({ type: "error", code: error.code, message });
    },
  });
}

async function run(chat: ChatConnection, streams: Streams, mode: Mode): Promise<number> {
  let code: number = ExitCode.done;
  const feeding = feed(chat, streams.input, mode)
    .catch((error) => {
      streams.complain(`Error: cannot read the input: ${describeError(error)}`);
      return false;
    })
    .then((allSent) => {
      if (!allSent) code = ExitCode.failure;
      return chat.close();
    });
  for await (const event of chat) {
    await mode.show(event);
    if (event.type === "closed") {
      if (event.reason !== "left") return exitCodeOf(chat.failure);
      await feeding;
    }
  }
  return code;
}

/** Sends what the input holds; false if something could not be sent. */
async function feed(chat: ChatConnection, input: ByteSource, mode: Mode): Promise<boolean> {
  let allSent = true;
  const refuse = async (error: unknown, { number }: InputLine): Promise<void> => {
    allSent = false;
    await mode.refuse(error, number);
  };
  for await (const line of inputLines(input)) {
    try {
      const said = mode.read(textOf(line));
      if (said.kind === "text") {
        await chat.writable();
        chat.send(said.text, said).catch((error) => refuse(error, line)).catch(() => {});
      } else if (said.then === "leave") {
        break;
      }
    } catch (error) {
      await refuse(error, line);
    }
  }
  await chat.settled();
  return allSent;
}

function textOf(line: InputLine): string {
  if ("text" in line) return line.text;
  throw new CallerError("input-invalid", `It is ${line.fault}`);
}

function readTyped(line: string, chat: ChatConnection, say: (line: string) => void): Said {
  const meaning = interpret(line);
  if (meaning.kind === "text") return meaning;
  if (meaning.kind === "nothing") return { kind: "done", then: "stay" };
  return { kind: "done", then: meaning.run({ chat, say }) };
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

function readJson(line: string, chat: ChatConnection, say: (line: string) => void): Said {
  if (line.trim() === "") return { kind: "done", then: "stay" };
  const command = parseJsonCommand(line);
  if (command.type === "command") return readTyped(command.line, chat, say);
  if (command.room !== chat.room.room) {
    throw new CallerError("room-unknown", `Not in a room ${JSON.stringify(command.room)}`);
  }
  const { text, id } = command;
  return { kind: "text", text, ...(id === undefined ? {} : { id }) };
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
