/**
 * A person at a terminal, in rooms: what is typed is done line by line, in order, and what happens
 * is shown meanwhile; on over outages.
 *
 * @module
 */

import { CallerError, describeError, ExitCode, exitCodeOf } from "../errors.ts";
import { Bell } from "./bell.ts";
import { ChatView } from "./chat_view.ts";
import type { CommandContext } from "./commands/command.ts";
import { interpret, type Meaning } from "./commands/interpret.ts";
import type { ChatConnection } from "./connection.ts";
import { CurrentRoom } from "./current_room.ts";
import type { SendOptions } from "./options.ts";
import { MAX_UNACKED } from "./outbox.ts";
import type { Input } from "./terminal/read.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** Until a person is told, in milliseconds, that a command is still being done. */
const QUIET_MS = 1_500;

/** A command under way that decides where the lines behind it go. */
interface Move {
  hasFailed: boolean;
  /** Whether the person knows what that means for those lines. */
  isTold: boolean;
}

/** See the module's description. */
export class Conversation {
  readonly #terminal: Terminal;
  readonly #chat: ChatConnection;
  readonly #current: CurrentRoom;
  readonly #view: ChatView;
  readonly #context: CommandContext;
  /** The line that is being done. What is typed behind a `/join` is meant for that room. */
  #last: Promise<void> = Promise.resolve();
  #move: Move | undefined;

  /** @param history older messages that a room begins with. */
  constructor(terminal: Terminal, chat: ChatConnection, history: number) {
    this.#terminal = terminal;
    this.#chat = chat;
    const current = new CurrentRoom(chat.room.room, () => this.#view.showRoom());
    this.#current = current;
    const bell = new Bell(chat.user);
    this.#view = new ChatView({ terminal, chat, current, bell });
    this.#context = {
      chat,
      current,
      history,
      bell,
      say: (line, isExact) => isExact ? terminal.notice(line) : this.#view.say(line),
      send: (text, options) => Promise.resolve(this.#send(text, options)),
      ask: (question) => this.#answer(terminal.readLine(question)),
      askSecret: (question) => this.#answer(terminal.readPassword(question)),
    };
  }

  /** Returns the exit code. */
  async run(): Promise<number> {
    const typing = this.#readInputs();
    const ended = this.#showEvents();
    const first = await Promise.race([typing, ended]);
    if (first !== ExitCode.done || this.#chat.failure !== undefined) {
      this.leaveAtOnce();
      return first;
    }
    if (!this.#chat.isOnline) return this.leaveAtOnce() ? ExitCode.failure : ExitCode.done;
    await this.#chat.close();
    return await ended;
  }

  /** Leaves without waiting for anything; whether something may be lost by that, which it says. */
  leaveAtOnce(): boolean {
    const { unstored } = this.#chat;
    this.#chat.abandon();
    if (unstored === 0) return false;
    const messages = unstored === 1 ? "1 message" : `${unstored} messages`;
    this.#view.complain(`Left before the server had stored ${messages} of yours`);
    this.#view.showUnstored();
    return true;
  }

  /** Shows events; resolves with an exit code when the connection has ended. */
  async #showEvents(): Promise<number> {
    for await (const event of this.#chat) this.#view.show(event);
    const { failure } = this.#chat;
    return failure === undefined ? ExitCode.done : exitCodeOf(failure);
  }

  /** Handles what is typed; resolves with an exit code when the person leaves. */
  async #readInputs(): Promise<number> {
    for (;;) {
      const input = await this.#terminal.nextInput();
      if (input.kind === "interrupt") return ExitCode.interrupted;
      if (input.kind === "end" || await this.#take(input.text) === "leave") {
        if (this.#chat.isOnline) await this.#last;
        return ExitCode.done;
      }
    }
  }

  /** Resolves when the next line may be read. */
  async #take(line: string): Promise<"stay" | "leave"> {
    try {
      const meaning = interpret(line);
      if (meaning.kind === "command" && meaning.command.leaves) return "leave";
      this.#queue(line, meaning);
      // Two cannot read from a terminal at once.
      if (meaning.kind === "command" && meaning.command.asks) await this.#last;
    } catch (error) {
      this.#refuse(error);
    }
    return "stay";
  }

  /** Does a line after those before it. */
  #queue(line: string, meaning: Meaning): void {
    const moves = meaning.kind === "command" && meaning.moves;
    const before = moves ? undefined : this.#move;
    const move = moves ? { hasFailed: false, isTold: false } : undefined;
    this.#move = move ?? this.#move;
    this.#last = this.#last
      .then(() => before?.hasFailed ? this.#withhold(line, before) : this.#do(meaning))
      .catch((error) => {
        if (move !== undefined) move.hasFailed = true;
        this.#refuse(error);
      })
      .finally(() => {
        if (move === this.#move) this.#move = undefined;
      });
  }

  /** A line that was typed before the person could see that they are not where it was meant for. */
  #withhold(line: string, move: Move): void {
    if (line.trim() === "") return;
    if (!move.isTold) this.#view.complainOfMove();
    move.isTold = true;
    this.#view.showUnsent(line);
  }

  async #do(meaning: Meaning): Promise<void> {
    if (meaning.kind === "text") this.#send(meaning.text);
    if (meaning.kind === "command") await this.#run(meaning);
  }

  /** What asks something has shown already that it is at work. */
  async #run({ command, run }: Meaning & { kind: "command" }): Promise<void> {
    const running = run(this.#context);
    if (command.asks) return await running;
    const say = (): void => this.#view.say(`/${command.name} is under way`);
    const waiting = setTimeout(say, QUIET_MS);
    await running.finally(() => clearTimeout(waiting));
  }

  #send(text: string, options: Pick<SendOptions, "action" | "room"> = {}): void {
    const id = crypto.randomUUID();
    const { room, ...manner } = options;
    const sending = this.#sendNow(text, { id, ...options });
    this.#view.addOwn(id, { text, ...manner }, room);
    sending.catch((error) => {
      this.#view.dropOwn(id);
      this.#view.showUnsent(text);
      this.#refuse(error);
    });
  }

  async #sendNow(text: string, options: SendOptions): Promise<void> {
    if (this.#view.sending >= MAX_UNACKED) throw tooMany();
    await this.#chat.send(text, { ...options, room: options.room ?? this.#current.need() });
  }

  async #answer(asking: Promise<Input>): Promise<string | undefined> {
    const input = await asking;
    return input.kind === "line" ? input.text : undefined;
  }

  #refuse(error: unknown): void {
    this.#view.complain(describeError(error));
  }
}

function tooMany(): CallerError {
  return new CallerError("too-many", `${MAX_UNACKED} messages wait already`, {
    hint: "wait until the server is there again",
  });
}
