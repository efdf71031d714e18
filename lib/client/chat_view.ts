/**
 * What a person at a terminal sees of a connection: one room at a time, above the line that is being
 * typed; of the others, in the prompt, how much is unread.
 *
 * @module
 */

import type { Bell } from "./bell.ts";
import type { ChatConnection } from "./connection.ts";
import type { CurrentRoom } from "./current_room.ts";
import type { RoomKind } from "../rooms/open_room.ts";
import type {
  AckEvent,
  ClientEvent,
  LeftEvent,
  MessageEvent,
  PresenceEvent,
  ReadyEvent,
} from "./events.ts";
import { clockTime } from "./output.ts";
import { promptFor } from "./prompt.ts";
import { foundSegments, saidSegments, type SaidStyles } from "./said.ts";
import { describeLeft, describePresence, describeSlow, describeTopic } from "./sentences.ts";
import { styleFor } from "./terminal/style.ts";
import type { Terminal } from "./terminal/terminal.ts";
import { type Said, Unread } from "./unread.ts";

/** What a view works with. */
export interface ChatViewOptions {
  terminal: Terminal;
  chat: ChatConnection;
  current: CurrentRoom;
  bell: Bell;
}

/** See the module's description. */
export class ChatView {
  readonly #terminal: Terminal;
  readonly #chat: ChatConnection;
  readonly #current: CurrentRoom;
  readonly #bell: Bell;
  readonly #unread = new Unread();
  /** Own messages by their ids, until they are stored: shown in the log's order, like all others. */
  readonly #sending = new Map<string, Said>();
  #isLost = false;

  constructor({ terminal, chat, current, bell }: ChatViewOptions) {
    this.#terminal = terminal;
    this.#chat = chat;
    this.#current = current;
    this.#bell = bell;
  }

  /** Own messages that are on their way. */
  get sending(): number {
    return this.#sending.size;
  }

  /** An own message is on its way: it is shown when it is stored. */
  addOwn(id: string, { text, action }: Pick<Said, "text" | "action">): void {
    const sent_at = new Date().toISOString();
    const said = { sender: this.#chat.user, text, sent_at, history: false };
    this.#sending.set(id, action === undefined ? said : { ...said, action });
  }

  /** It will not be stored. */
  dropOwn(id: string): void {
    this.#sending.delete(id);
  }

  /** Shows what is to be typed at. */
  showPrompt(): void {
    const name = this.#current.name;
    const room = this.#chat.rooms.find((one) => one.room === name);
    const text = promptFor({ room, isLost: this.#isLost, unread: this.#unread.counts });
    this.#terminal.setPrompt({ text, style: "bold" });
  }

  /** The person looks at another room: shows what was unread there. */
  showRoom(): void {
    const room = this.#current.name;
    if (room !== undefined) {
      const { said, count, dropped } = this.#unread.take(room);
      if (count > 0) this.#terminal.notice(`Unread in ${room}: ${count}`);
      if (dropped > 0) {
        this.#terminal.notice(`${dropped} older ones are not kept: ${howToSee(room)}`);
      }
      const { ignored } = this.#chat; // since it was said, perhaps
      for (const one of said) if (!ignored.has(one.sender)) this.#print(one);
    }
    this.showPrompt();
  }

  /** Shows what went wrong. */
  complain(text: string): void {
    this.#terminal.complain(text);
  }

  /** Shows what was typed and is not sent, in one piece: to be copied from the screen. */
  showUnsent(text: string): void {
    this.#terminal.print({ text: `Not sent: ${text}`, style: "red" });
  }

  /** Shows an event. */
  show(event: ClientEvent): void {
    switch (event.type) {
      case "ready":
        return this.#welcome(event);
      case "joined":
        return this.#introduce(`You are in ${event.room}`, event.kind, event.topic);
      case "left":
        return this.#showLeft(event);
      case "message":
        return this.#showMessage(event);
      case "ack":
        return this.#showOwn(event);
      case "reconnecting":
        return this.#showLost(event.message);
      case "reconnected":
        return this.#showFound();
      case "topic":
        return this.#remark(event.room, describeTopic(event));
      case "slow":
        return this.#remark(event.room, describeSlow(event));
      case "presence":
        return this.#showPresence(event);
      case "notice":
        return event.code === "reconnected"
          ? this.#showFound()
          : this.#terminal.notice(event.message);
      case "members":
        return this.#remark(event.room, event.message);
      case "identity":
        return this.complain(event.message);
      case "found":
        return this.#terminal.print(foundSegments(event, this.#current.name));
      case "search":
        return this.#terminal.notice(event.message);
      case "error":
        return event.id === undefined ? this.complain(event.message) : undefined;
      case "closed":
        return event.reason === "left" ? undefined : this.#showEnd(event.message);
    }
  }

  #welcome({ user, room, kind }: ReadyEvent): void {
    const topic = this.#chat.rooms.find((one) => one.room === room)?.topic ?? "";
    this.#introduce(`You are ${user} in ${room}`, kind, topic);
    this.#terminal.notice("/help shows the commands; exit or Ctrl-D leaves.");
  }

  #introduce(where: string, kind: RoomKind, topic: string): void {
    this.#terminal.notice(`${where}, ${describeKind(kind)}.`);
    if (topic !== "") this.#terminal.notice(`Topic: ${topic}`);
  }

  #showLeft(event: LeftEvent): void {
    this.#unread.take(event.room);
    if (this.#chat.isOnline) this.#showFound(); // of a refused room, there is nothing else to tell
    if (event.reason === "left") this.#terminal.notice(describeLeft(event));
    else this.complain(describeLeft(event));
    this.#current.lose(event.room);
    this.showPrompt();
  }

  /** Once for an outage, however many attempts it takes. */
  #showLost(why: string): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#terminal.notice(`${why}: reconnecting; what you type is sent afterwards`);
    this.showPrompt();
  }

  /** Once, however many rooms there are. */
  #showFound(): void {
    if (!this.#isLost) return;
    this.#isLost = false;
    this.#terminal.notice("Connected again");
    this.showPrompt();
  }

  /** What was being typed stays on the screen, to be copied from there. */
  #showEnd(message: string): void {
    const { typed } = this.#terminal;
    if (typed !== "") this.showUnsent(typed);
    this.complain(message);
  }

  #showMessage(message: MessageEvent): void {
    if (this.#bell.ringsFor(message)) this.#terminal.bell();
    // Also what this account said elsewhere: several people may share it, as in the demo.
    this.#hear(message.room, message, !message.history);
  }

  #showOwn({ id, room }: AckEvent): void {
    const own = this.#sending.get(id);
    this.#sending.delete(id);
    if (own !== undefined) this.#hear(room, own, false);
  }

  #showPresence(event: PresenceEvent): void {
    const line = describePresence(event, this.#chat.user);
    if (line !== undefined) this.#remark(event.room, line);
  }

  /** What is of interest in the room alone. */
  #remark(room: string, text: string): void {
    if (room === this.#current.name) this.#terminal.notice(text);
  }

  #hear(room: string, said: Said, isNews: boolean): void {
    if (room === this.#current.name) return this.#print(said);
    this.#unread.add(room, said, isNews);
    this.showPrompt();
  }

  #print(said: Said): void {
    const time = { text: `[${clockTime(said.sent_at)}] `, style: "dim" } as const;
    this.#terminal.print([time, ...saidSegments(said, this.#stylesFor(said))]);
  }

  /** What was said before is dim, so that it is not taken for what is said now. */
  #stylesFor({ sender, history, mention }: Said): SaidStyles {
    if (history) return { name: "dim", words: mention ? "yellow" : "dim" };
    const name = sender === this.#chat.user ? "bold" : styleFor(sender);
    return mention ? { name, words: "brightYellow" } : { name };
  }
}

/** Who can read a room of that kind. */
function describeKind(kind: RoomKind): string {
  return kind === "open"
    ? "an open room: the server can read it"
    : "a sealed room: only its members can read it";
}

/** A room's history goes back from where it was joined. */
function howToSee(room: string): string {
  return `/leave and /join ${room}, then /history shows them`;
}
