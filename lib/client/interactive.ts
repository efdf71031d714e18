/**
 * The client for a person at a terminal: asks for the login, then shows what others say above the
 * line that is being typed.
 *
 * @module
 */

import { CallerError, ConnectError, describeError, ExitCode, LoginError } from "../errors.ts";
import { MAX_TEXT_BYTES } from "../protocol/limits.ts";
import type { SecureChannel } from "../protocol/channel.ts";
import { type Address, formatAddress } from "./address.ts";
import { interpret } from "./commands.ts";
import { ChatConnection } from "./connection.ts";
import { dial } from "./dial.ts";
import type { AckEvent, ClientEvent, MessageEvent } from "./events.ts";
import { type Credentials, login } from "./login.ts";
import { clockTime } from "./output.ts";
import { systemTerminal } from "./terminal/io.ts";
import { styleFor } from "./terminal/style.ts";
import { Terminal } from "./terminal/terminal.ts";

/** What the command line said. */
export interface InteractiveOptions {
  address: Address;
  room: string;
  /** Asked for if not given. */
  user?: string;
  /** Whether to use colours. */
  color: boolean;
}

/** Wrong passwords that are asked for again. */
const MAX_ATTEMPTS = 3;

/** The person pressed Ctrl-C, or ended the input, before the chat began. */
class Left extends Error {
  constructor(readonly exitCode: number) {
    super("left");
  }
}

/** Runs the interactive client to its end; returns the exit code. */
export async function runInteractive(options: InteractiveOptions): Promise<number> {
  const channel = await dial(options.address);
  const terminal = Terminal.open(systemTerminal(), {
    color: options.color,
    maxLineBytes: MAX_TEXT_BYTES,
    onInterrupt: () => end(ExitCode.interrupted),
  });
  const end = (code: number): never => {
    terminal.restore();
    Deno.exit(code);
  };
  const stopListening = onSignals(terminal, end);
  const channels = [channel];
  try {
    return await converse(terminal, channels, options);
  } catch (error) {
    if (error instanceof Left) return error.exitCode;
    throw error;
  } finally {
    for (const each of channels) each.abort(new Error("left")); // a server need not wait for us
    stopListening();
    terminal.restore();
  }
}

/** The terminal's own keys never become signals in raw mode; these come from elsewhere. */
function onSignals(terminal: Terminal, end: (code: number) => never): () => void {
  const redraw = (): void => terminal.redraw();
  const interrupt = (): void => end(ExitCode.interrupted);
  const interrupts: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of interrupts) Deno.addSignalListener(name, interrupt);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGWINCH", redraw);
  return () => {
    for (const name of interrupts) Deno.removeSignalListener(name, interrupt);
    if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGWINCH", redraw);
  };
}

async function converse(
  terminal: Terminal,
  channels: SecureChannel[],
  options: InteractiveOptions,
): Promise<number> {
  terminal.notice(`Connected to ${formatAddress(options.address)}`);
  const { user, channel: loggedIn } = await logIn(terminal, channels, options);
  const chat = await ChatConnection.join(loggedIn, options.address, user, options.room);
  return await new Conversation(terminal, chat).run();
}

/** Asks until the login succeeds. A server that lost patience meanwhile is dialled again. */
async function logIn(
  terminal: Terminal,
  channels: SecureChannel[],
  options: InteractiveOptions,
): Promise<{ user: string; channel: SecureChannel }> {
  for (let attempt = 1;; attempt += 1) {
    const credentials = await askCredentials(terminal, options.user);
    try {
      return await tryLogin(channels, credentials, options.address);
    } catch (error) {
      const again = error instanceof LoginError && error.code === "login-refused" ||
        error instanceof CallerError;
      if (attempt >= MAX_ATTEMPTS || !again) throw error;
      terminal.print({ text: describeError(error), style: "red" });
    }
  }
}

/** Logs in on the last channel, or on a new one where the server has lost patience meanwhile. */
async function tryLogin(
  channels: SecureChannel[],
  credentials: Credentials,
  address: Address,
): Promise<{ user: string; channel: SecureChannel }> {
  let channel = channels.at(-1) as SecureChannel;
  try {
    return { user: await login(channel, credentials), channel };
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    channel = await dial(address);
    channels.push(channel);
    return { user: await login(channel, credentials), channel };
  }
}

async function askCredentials(terminal: Terminal, user?: string): Promise<Credentials> {
  const username = user ?? await askUsername(terminal);
  const password = await answer(terminal.readPassword(`Password for ${username}: `));
  return { username, password };
}

async function askUsername(terminal: Terminal): Promise<string> {
  for (;;) {
    const username = (await answer(terminal.readLine("Username: "))).trim();
    if (username !== "") return username;
  }
}

async function answer(reading: ReturnType<Terminal["readLine"]>): Promise<string> {
  const input = await reading;
  if (input.kind === "line") return input.text;
  throw new Left(input.kind === "end" ? ExitCode.done : ExitCode.interrupted);
}

/** A person and a connection, until one of them ends. */
class Conversation {
  readonly #terminal: Terminal;
  readonly #chat: ChatConnection;
  /** Own texts by their ids, until they are stored: shown in the log's order, like all others. */
  readonly #sending = new Map<string, { text: string; sentAt: string }>();

  constructor(terminal: Terminal, chat: ChatConnection) {
    this.#terminal = terminal;
    this.#chat = chat;
  }

  /** Returns the exit code. */
  async run(): Promise<number> {
    const { room, kind } = this.#chat.room;
    this.#terminal.setPrompt({ text: `${room} (${kind})> `, style: "bold" });
    const typing = this.#readInputs();
    const ended = this.#showEvents();
    const first = await Promise.race([typing, ended]);
    if (first === ExitCode.done) {
      await this.#chat.close();
      await ended;
    }
    return first;
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
    this.#sending.set(id, { text, sentAt: new Date().toISOString() });
    this.#chat.send(text, id).catch((error) => {
      this.#sending.delete(id);
      this.#complain(`Not sent: ${text}`);
      this.#complain(describeError(error));
    });
  }

  /** Shows events; resolves with an exit code when the connection has ended. */
  async #showEvents(): Promise<number> {
    for await (const event of this.#chat) {
      this.#show(event);
      if (event.type === "closed") {
        return event.reason === "left" ? ExitCode.done : ExitCode.failure;
      }
    }
    return ExitCode.failure;
  }

  #show(event: ClientEvent): void {
    switch (event.type) {
      case "ready":
        return this.#welcome(event.user, event.room);
      case "message":
        return this.#showMessage(event, false);
      case "ack":
        return this.#showOwn(event);
      case "error":
        return event.id === undefined ? this.#complain(event.message) : undefined;
      case "closed":
        return event.reason === "left" ? undefined : this.#complain(event.message);
    }
  }

  #welcome(user: string, room: string): void {
    this.#terminal.notice(`You are ${user} in ${room}, an open room: the server can read it.`);
    this.#terminal.notice("/help shows the commands; exit or Ctrl-D leaves.");
  }

  #showOwn({ id }: AckEvent): void {
    const own = this.#sending.get(id);
    this.#sending.delete(id);
    const sender = this.#chat.user;
    if (own !== undefined) this.#showMessage({ sender, text: own.text, sent_at: own.sentAt }, true);
  }

  #showMessage(message: Pick<MessageEvent, "sender" | "text" | "sent_at">, own: boolean): void {
    const { sender, text, sent_at } = message;
    this.#terminal.print([
      { text: `[${clockTime(sent_at)}] `, style: "dim" },
      { text: sender, style: own ? "bold" : styleFor(sender) },
      { text: `: ${text}` },
    ]);
  }

  #complain(text: string): void {
    this.#terminal.print({ text, style: "red" });
  }
}
