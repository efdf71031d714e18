/**
 * The client without a terminal: line mode for pipes and people's scripts, JSON mode for programs.
 * Both read lines, send what they hold, and end with the input after the last ack.
 *
 * @module
 */

import * as v from "valibot";
import { CallerError, describeError, ExitCode } from "../errors.ts";
import type { ByteSink, ByteSource } from "../framing.ts";
import { formatJson } from "../json_line.ts";
import { interpret } from "./commands.ts";
import type { ChatConnection } from "./connection.ts";
import type { ClientEvent } from "./events.ts";
import { type InputLine, inputLines } from "./input_lines.ts";
import { formatMessage, LineWriter } from "./output.ts";

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
 * @returns the exit code: 1 if a line could not be sent, or the connection ended by itself.
 */
export function runLineMode(chat: ChatConnection, streams: Streams): Promise<number> {
  const writer = new LineWriter(streams.output);
  return run(chat, streams, {
    read: (line) => readTyped(line, chat, (text) => void writer.write(text)),
    async show(event): Promise<void> {
      if (event.type === "message") await writer.write(formatMessage(event));
      if (event.type === "ready") streams.complain(`Joined ${event.room} as ${event.user}`);
      // What is about an own message is shown with its line, below.
      const isAboutLine = event.type === "error" && event.id !== undefined;
      if (event.type === "error" && !isAboutLine) streams.complain(`Error: ${event.message}`);
      if (event.type === "closed" && event.reason !== "left") streams.complain(event.message);
    },
    refuse(error, lineNumber): Promise<void> {
      const fate = error instanceof CallerError ? "sent" : "acked";
      streams.complain(`Line ${lineNumber} was not ${fate}: ${describeError(error)}`);
      return Promise.resolve();
    },
  });
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
        (text) => void writer.write(formatJson({ type: "notice", message: text })),
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
      if (event.reason !== "left") return ExitCode.failure;
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
        chat.send(said.text, said.id).catch((error) => refuse(error, line)).catch(() => {});
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
