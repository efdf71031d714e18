/**
 * A person at a terminal, in a room: shows what others say above the line that is being typed, and
 * goes on over outages.
 *
 * @module
 */

import { CallerError, describeError, ExitCode, exitCodeOf } from "../errors.ts";
import { interpret } from "./commands.ts";
import type { ChatConnection } from "./connection.ts";
import type { AckEvent, ClientEvent, MessageEvent, ReconnectingEvent } from "./events.ts";
import { MAX_UNACKED } from "./outbox.ts";
import { clockTime } from "./output.ts";
import { type Style, styleFor } from "./terminal/style.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** See the module's description. */
export class Conversation {
  readonly #terminal: Terminal;
  readonly #chat: ChatConnection;
  /** Own texts by their ids, until they are stored: shown in the log's order, like all others. */
  readonly #sending = new Map<string, { text: string; sentAt: string }>();
  #isLost = false;

  constructor(terminal: Terminal, chat: ChatConnection) {
    this.#terminal = terminal;
    this.#chat = chat;
  }

  /** Returns the exit code. */
  async run(): Promise<number> {
    this.#showPrompt();
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
    this.#complain(`Left before the server had stored ${messages} of yours`);
    return true;
  }

  #showPrompt(): void {
    const { room, kind } = this.#chat.room;
    const state = this.#isLost ? `${kind}, reconnecting` : kind;
    this.#terminal.setPrompt({ text: `${room} (${state})> `, style: "bold" });
  }

  /** Handles what is typed; resolves with an exit code when the person leaves. */
  async #readInputs(): Promise<number> {
    for (;;) {
      const input = await this.#terminal.nextInput();
      if (input.kind === "interrupt") return ExitCode.interrupted;
      if (input.kind === "end" || this.#handle(input.text) === "leave") return ExitCode.done;
    }
  }

  #handle(line: string): "stay" | "leave" {
    try {
      const meaning = interpret(line);
      if (meaning.kind === "text") this.#send(meaning.text);
      if (meaning.kind !== "command") return "stay";
      return meaning.run({ chat: this.#chat, say: (text) => this.#terminal.notice(text) });
    } catch (error) {
      this.#complain(describeError(error));
      return "stay";
    }
  }

  #send(text: string): void {
    const id = crypto.randomUUID();
    const sending = this.#sending.size < MAX_UNACKED
      ? this.#chat.send(text, { id })
      : Promise.reject(tooMany());
    this.#sending.set(id, { text, sentAt: new Date().toISOString() });
    sending.catch((error) => {
      this.#sending.delete(id);
      this.#complain(`Not sent: ${text}`);
      this.#complain(describeError(error));
    });
  }

  /** Shows events; resolves with an exit code when the connection has ended. */
  async #showEvents(): Promise<number> {
    for await (const event of this.#chat) this.#show(event);
    const { failure } = this.#chat;
    return failure === undefined ? ExitCode.done : exitCodeOf(failure);
  }

  #show(event: ClientEvent): void {
    switch (event.type) {
      case "ready":
        return this.#welcome(event.user, event.room);
      case "message":
        return this.#showMessage(event);
      case "ack":
        return this.#showOwn(event);
      case "reconnecting":
        return this.#showLost(event);
      case "reconnected":
        return this.#showFound();
      case "notice":
        return this.#terminal.notice(event.message);
      case "error":
        return event.id === undefined ? this.#complain(event.message) : undefined;
      case "closed":
        return event.reason === "left" ? undefined : this.#showEnd(event.message);
    }
  }

  #welcome(user: string, room: string): void {
    this.#terminal.notice(`You are ${user} in ${room}, an open room: the server can read it.`);
    this.#terminal.notice("/help shows the commands; exit or Ctrl-D leaves.");
  }

  /** Once for an outage, however many attempts it takes. */
  #showLost({ message }: ReconnectingEvent): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#terminal.notice(`${message}: reconnecting; what you type is sent afterwards`);
    this.#showPrompt();
  }

  #showFound(): void {
    this.#isLost = false;
    this.#terminal.notice("Connected again");
    this.#showPrompt();
  }

  /** What was being typed stays on the screen, to be copied from there. */
  #showEnd(message: string): void {
    const { typed } = this.#terminal;
    if (typed !== "") this.#complain(`Not sent: ${typed}`);
    this.#complain(message);
  }

  #showOwn({ id }: AckEvent): void {
    const own = this.#sending.get(id);
    this.#sending.delete(id);
    if (own === undefined) return;
    const sender = this.#chat.user;
    this.#print({ sender, text: own.text, sent_at: own.sentAt }, ["dim", "bold"]);
  }

  /** What was said before is dim, so that it is not taken for what is said now. */
  #showMessage(message: MessageEvent): void {
    const { history, sender } = message;
    this.#print(message, history ? ["dim", "dim", "dim"] : ["dim", styleFor(sender)]);
  }

  #print(
    { sender, text, sent_at }: Pick<MessageEvent, "sender" | "text" | "sent_at">,
    [time, name, rest]: [Style, Style, Style?],
  ): void {
    this.#terminal.print([
      { text: `[${clockTime(sent_at)}] `, style: time },
      { text: sender, style: name },
      { text: `: ${text}`, ...(rest === undefined ? {} : { style: rest }) },
    ]);
  }

  #complain(text: string): void {
    this.#terminal.print({ text, style: "red" });
  }
}

function tooMany(): CallerError {
  return new CallerError("too-many", `${MAX_UNACKED} messages wait already`, {
    hint: "wait until the server is there again",
  });
}
