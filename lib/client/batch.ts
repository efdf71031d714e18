/**
 * The client without a terminal: reads lines, does what they say one after the other, and ends with
 * the input after the last ack. How lines are written and shown is a mode's own.
 *
 * @module
 */

import { CallerError, describeError, ExitCode, exitCodeOf } from "../errors.ts";
import type { ByteSink, ByteSource } from "../framing.ts";
import type { CommandContext } from "./commands/command.ts";
import type { ChatConnection } from "./connection.ts";
import { CurrentRoom } from "./current_room.ts";
import type { ClientEvent } from "./events.ts";
import { type InputLine, inputLines } from "./input_lines.ts";
import type { SendOptions } from "./options.ts";

/** The three standard streams. */
export interface Streams {
  input: ByteSource;
  output: ByteSink;
  /** Takes a line of diagnostics. */
  complain(line: string): void;
}

/** What a line says. */
export type Said =
  | { kind: "nothing" }
  | { kind: "text"; text: string; options?: SendOptions }
  | {
    kind: "command";
    command: { leaves?: true };
    /** Whether it decides where the next lines go. */
    moves: boolean;
    run(context: CommandContext): Promise<void>;
  };

/** What did not become of a line. */
export type Fate = "sent" | "acked" | "done";

/** How lines are read, and events shown. */
export interface Mode {
  /** Throws `CallerError`. */
  read(line: string): Said;
  show(event: ClientEvent): Promise<void>;
  /** Shows a line of a command's answer; see {@linkcode CommandContext.say}. */
  say(line: string, isExact?: true): void;
  /** Shows why a line was not sent, its message not acked, or its command not done. */
  refuse(error: unknown, fate: Fate, lineNumber: number): Promise<void>;
}

/** See the module's description. */
export class Batch {
  readonly #chat: ChatConnection;
  readonly #streams: Streams;
  readonly #mode: Mode;
  readonly #history: number;
  readonly #current: CurrentRoom;
  #allDone = true;

  /** @param history older messages that a room begins with. */
  constructor(chat: ChatConnection, streams: Streams, mode: Mode, history: number) {
    this.#chat = chat;
    this.#streams = streams;
    this.#mode = mode;
    this.#history = history;
    this.#current = new CurrentRoom(chat.room.room);
  }

  /** Returns the exit code: 1 if a line failed; that of the reason if the connection ended itself. */
  async run(): Promise<number> {
    const feeding = this.#feed()
      .catch((error) => {
        this.#streams.complain(`Error: cannot read the input: ${describeError(error)}`);
        this.#allDone = false;
      })
      .then(() => this.#chat.close());
    for await (const event of this.#chat) {
      if (event.type === "left") this.#current.lose(event.room);
      await this.#mode.show(event);
      if (event.type !== "closed") continue;
      if (event.reason !== "left") return exitCodeOf(this.#chat.failure);
      await feeding;
    }
    return this.#allDone ? ExitCode.done : ExitCode.failure;
  }

  async #feed(): Promise<void> {
    for await (const line of inputLines(this.#streams.input)) {
      if (await this.#take(line) === "leave") break;
    }
    await this.#chat.settled();
  }

  async #take(line: InputLine): Promise<"stay" | "leave"> {
    let fate: Fate = "sent";
    let moves = false;
    try {
      const said = this.#mode.read(textOf(line));
      if (said.kind === "text") await this.#send(said.text, said.options, line);
      if (said.kind !== "command") return "stay";
      if (said.command.leaves) return "leave";
      fate = "done";
      moves = said.moves;
      await said.run(this.#contextFor(line));
    } catch (error) {
      // What follows was meant for the room that it did not get into.
      if (moves) this.#current.switchTo(undefined);
      await this.#refuse(error, fate, line);
    }
    return "stay";
  }

  /** Resolves when it is on its way. */
  async #send(text: string, options: SendOptions | undefined, line: InputLine): Promise<void> {
    const room = options?.room ?? this.#current.need();
    await this.#chat.writable(room);
    this.#chat.send(text, { ...options, room })
      .catch((error) => this.#refuse(error, error instanceof CallerError ? "sent" : "acked", line))
      .catch(() => {}); // nobody reads what it shows any more
  }

  #contextFor(line: InputLine): CommandContext {
    return {
      chat: this.#chat,
      current: this.#current,
      history: this.#history,
      say: (text, isExact) => this.#mode.say(text, isExact),
      send: (text, options) => this.#send(text, options, line),
    };
  }

  async #refuse(error: unknown, fate: Fate, { number }: InputLine): Promise<void> {
    this.#allDone = false;
    await this.#mode.refuse(error, fate, number);
  }
}

function textOf(line: InputLine): string {
  if ("text" in line) return line.text;
  throw new CallerError("input-invalid", `It is ${line.fault}`);
}
