/**
 * What a command is, and what it works with.
 *
 * @module
 */

import { CallerError } from "../../errors.ts";
import type { Bell } from "../bell.ts";
import type { ChatConnection } from "../connection.ts";
import type { CurrentRoom } from "../current_room.ts";
import type { SendOptions } from "../options.ts";

/** What a command can do. */
export interface CommandContext {
  readonly chat: ChatConnection;
  /** The room that it is about, unless it names another. */
  readonly current: CurrentRoom;
  /** Older messages that a room begins with. */
  readonly history: number;
  /** The terminal's bell; without a terminal there is none. */
  readonly bell?: Bell;
  /**
   * Shows a line to the person, after the sanitizer: it may hold what others wrote.
   *
   * @param isExact whether direct rooms keep their own names in it, for other programs.
   */
  say(line: string, isExact?: true): void;
  /** Sends a text, to the current room unless it says which; resolves when it is on its way. */
  send(text: string, options?: Pick<SendOptions, "action" | "room">): Promise<void>;
  /** Asks, at a terminal alone; undefined if the person gave up. */
  ask?(question: string): Promise<string | undefined>;
  /** Asks without showing the answer, at a terminal alone; as {@linkcode ask}. */
  askSecret?(question: string): Promise<string | undefined>;
}

/** A command: a row of the table. */
export interface ClientCommand {
  name: string;
  aliases: readonly string[];
  /** As in the help: `NAME [REASON]`. */
  arguments: string;
  /** What it does, in a few words. */
  help: string;
  /** What else there is to know. */
  details?: string;
  /** As someone may type it. */
  example: string;
  /** Whether it is among those that one needs first. */
  isBasic?: true;
  /** Whether it asks for something at a terminal. */
  asks?: true;
  /** Whether it is the last one. */
  leaves?: true;
  /**
   * Whether it decides where the next lines go: a script that fails in it is in no room.
   *
   * @param args what stands behind the name.
   */
  moves?(args: string): boolean;
  /** What it throws is shown to the person. */
  run(context: CommandContext, args: Arguments): void | Promise<void>;
}

/** `/kick NAME [REASON]`. */
export function usageOf({ name, arguments: args }: ClientCommand): string {
  return args === "" ? `/${name}` : `/${name} ${args}`;
}

/** What stands behind a command's name, taken word by word. */
export class Arguments {
  readonly #command: ClientCommand;
  #rest: string;

  constructor(command: ClientCommand, text: string) {
    this.#command = command;
    this.#rest = text.trim();
  }

  /** What was not taken yet. */
  get rest(): string {
    return this.#rest;
  }

  /**
   * Takes the next word.
   *
   * @throws {CallerError} `command-usage` if there is none.
   */
  word(): string {
    return this.wordIf(() => true) ?? this.fail();
  }

  /** Takes the next word if there is one that fits. */
  wordIf(fits: (word: string) => boolean): string | undefined {
    const [word = ""] = /^\S*/.exec(this.#rest) ?? [];
    if (word === "" || !fits(word)) return undefined;
    this.#rest = this.#rest.slice(word.length).trimStart();
    return word;
  }

  /**
   * Takes all that is left.
   *
   * @throws {CallerError} `command-usage` if that is nothing.
   */
  text(): string {
    return this.#rest === "" ? this.fail() : this.#rest;
  }

  /** Says how the command is used. */
  fail(): never {
    const { name } = this.#command;
    throw new CallerError("command-usage", `Use it so: ${usageOf(this.#command)}`, {
      hint: `/help ${name} tells more`,
    });
  }
}
