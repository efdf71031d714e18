/**
 * What a person at a terminal sees of a connection: one room at a time, above the line that is being
 * typed; of the others, in the prompt, how much is unread.
 *
 * @module
 */

import type { Bell } from "./bell.ts";
import type { ChatConnection } from "./connection.ts";
import type { CurrentRoom } from "./current_room.ts";
import type {
  AckEvent,
  ClientEvent,
  LeftEvent,
  MessageEvent,
  NoticeEvent,
  PresenceEvent,
  ReadyEvent,
} from "./events.ts";
import { OwnWordsSent } from "./own_words.ts";
import { promptFor } from "./prompt.ts";
import { RoomNames } from "./room_names.ts";
import { RoomsSeen } from "./rooms_seen.ts";
import {
  describeLeft,
  describePlace,
  describePresence,
  describeSlow,
  describeTopic,
} from "./sentences.ts";
import type { Terminal } from "./terminal/terminal.ts";
import { Transcript } from "./transcript.ts";
import type { Said } from "./unread.ts";

/** What a view works with. */
export interface ChatViewOptions {
  terminal: Terminal;
  chat: ChatConnection;
  current: CurrentRoom;
  bell: Bell;
}

/** Notices that are of interest where they belong, when one looks there. */
const OF_ONE_ROOM: ReadonlySet<string> = new Set(["contacts-new", "leaving"]);

/** See the module's description. */
export class ChatView {
  readonly #terminal: Terminal;
  readonly #transcript: Transcript;
  readonly #chat: ChatConnection;
  readonly #current: CurrentRoom;
  readonly #bell: Bell;
  readonly #names: RoomNames;
  readonly #rooms: RoomsSeen;
  readonly #sending: OwnWordsSent;
  #isLost = false;

  constructor({ terminal, chat, current, bell }: ChatViewOptions) {
    this.#terminal = terminal;
    this.#transcript = new Transcript(terminal, chat.user);
    this.#chat = chat;
    this.#current = current;
    this.#bell = bell;
    this.#names = new RoomNames(chat);
    this.#rooms = new RoomsSeen(chat, this.#names);
    this.#sending = new OwnWordsSent(chat.user);
  }

  /** Own messages that are on their way. */
  get sending(): number {
    return this.#sending.size;
  }

  /** An own message is on its way: it is shown when it is stored. */
  addOwn(id: string, said: Pick<Said, "text" | "action">, room?: string): void {
    this.#sending.add(id, said, room !== undefined && room !== this.#current.name);
  }

  /** It will not be stored. */
  dropOwn(id: string): void {
    this.#sending.take(id);
  }

  #showPrompt(): void {
    const room = this.#rooms.find(this.#current.name);
    const text = promptFor({ room, isLost: this.#isLost, unread: this.#rooms.unread });
    this.#terminal.setPrompt({ text, style: "bold" });
  }

  /** The person looks at another room: shows what was unread there. */
  showRoom(): void {
    const room = this.#current.name;
    if (room !== undefined) {
      this.#introduce(room);
      const { ignored } = this.#chat; // since it was said, perhaps
      const isShown = ({ sender }: Said): boolean => !ignored.has(sender);
      this.#transcript.printWaiting(this.#names.of(room), this.#rooms.look(room), isShown);
    }
    this.#showPrompt();
  }

  /** Shows a line of a command's answer. */
  say(line: string): void {
    this.#terminal.notice(this.#names.in(line));
  }

  /** Shows what went wrong. */
  complain(text: string): void {
    this.#terminal.complain(this.#names.in(text));
  }

  /** Says that one is still where one was, although lines were typed that were meant for elsewhere. */
  complainOfMove(): void {
    const { name } = this.#current;
    const place = name === undefined ? "in no room" : `still in ${this.#names.of(name)}`;
    this.complain(`You are ${place}: what you typed behind that goes nowhere`);
  }

  /** Shows what was typed and is not sent, in one piece: to be copied from the screen. */
  showUnsent(text: string): void {
    this.#terminal.print({ text: `Not sent: ${text}`, style: "red" });
  }

  /** Shows what is on its way still, and may be lost: to be copied from the screen. */
  showUnstored(): void {
    for (const text of this.#sending.texts) {
      this.#terminal.print({ text: `Perhaps not stored: ${text}`, style: "red" });
    }
  }

  /** Shows an event. */
  show(event: ClientEvent): void {
    switch (event.type) {
      case "ready":
        return this.#welcome(event);
      case "joined":
        this.#names.learn(event);
        return event.room === this.#current.name ? this.#introduce(event.room) : undefined;
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
        return this.#showNotice(event);
      case "members":
        return this.#remarkOrKeep(event.room, event.message);
      case "identity":
        return this.#terminal.alarm(this.#names.in(event.message));
      case "found":
        return this.#transcript.printFound(event, this.#current.name);
      case "search":
        return this.say(event.message);
      case "error":
        return event.id === undefined
          ? this.#terminal.complain(this.#about(event.room, event.message))
          : undefined;
      case "closed":
        return event.reason === "left" ? undefined : this.#showEnd(event.message);
    }
  }

  #welcome({ user, room, kind, peer }: ReadyEvent): void {
    this.#rooms.noteIntroduced(room);
    this.#names.learn({ room, peer });
    const topic = this.#rooms.find(room)?.topic ?? "";
    for (const line of describePlace({ room, kind, peer, topic }, `${user} in`)) this.say(line);
    this.#terminal.notice("/help shows the commands; exit or Ctrl-D leaves.");
    this.#showPrompt(); // not before: what is typed at it goes to where it says
  }

  #introduce(room: string): void {
    for (const line of this.#rooms.introduce(room)) this.say(line);
  }

  #showLeft(event: LeftEvent): void {
    const { room, reason } = event;
    this.#rooms.forget(room);
    if (this.#chat.isOnline) this.#showFound(); // of a refused room, there is nothing else to tell
    if (reason === "left") this.say(describeLeft(event));
    else this.complain(describeLeft(event));
    this.#current.lose(room);
    this.#showPrompt();
  }

  #showNotice({ code, message, room }: NoticeEvent): void {
    if (code === "reconnected") return this.#showFound();
    if (room !== undefined && OF_ONE_ROOM.has(code)) return this.#remarkOrKeep(room, message);
    if (room !== undefined && code === "invited") {
      this.#rooms.announce(room);
      return this.say(message); // it says where, and the room has no other name yet
    }
    this.#terminal.notice(this.#about(room, message));
  }

  /** Once for an outage, however many attempts it takes. */
  #showLost(why: string): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#terminal.notice(`${why}: reconnecting; what you type is sent afterwards`);
    this.#showPrompt();
  }

  /** Once, however many rooms there are. */
  #showFound(): void {
    if (!this.#isLost) return;
    this.#isLost = false;
    this.#terminal.notice("Connected again");
    this.#showPrompt();
  }

  /** What was being typed stays on the screen, to be copied from there. */
  #showEnd(message: string): void {
    const { typed } = this.#terminal;
    if (typed !== "") this.showUnsent(typed);
    this.complain(message);
  }

  #showMessage(message: MessageEvent): void {
    const { room, sender, history, peer } = message;
    if (this.#bell.ringsFor(message)) this.#terminal.bell();
    if (peer !== undefined && sender !== this.#chat.user && !history) this.#announce(room, peer);
    // Also what this account said elsewhere: several people may share it, as in the demo.
    this.#hear(room, message, !history);
  }

  /** Tells once that somebody writes, until the person has looked. */
  #announce(room: string, peer: string): void {
    if (room === this.#current.name || !this.#rooms.announce(room)) return;
    this.#terminal.notice(`${peer} writes to you: /dm ${peer} shows it`);
  }

  #showOwn({ id, room }: AckEvent): void {
    const own = this.#sending.take(id);
    if (own === undefined) return;
    const { said, isElsewhere } = own;
    if (isElsewhere) this.#terminal.notice(`To ${this.#names.of(room)}: ${said.text}`);
    this.#hear(room, said, false);
  }

  #showPresence(event: PresenceEvent): void {
    const line = describePresence(event, this.#chat.user);
    if (line !== undefined) this.#remark(event.room, line);
  }

  /** What is of interest in the room alone. */
  #remark(room: string, text: string): void {
    if (room === this.#current.name) this.say(text);
  }

  /** What is of interest also to who looks there later. */
  #remarkOrKeep(room: string, text: string): void {
    if (room === this.#current.name) this.say(text);
    else this.#rooms.keepRemark(room, text);
  }

  #about(room: string | undefined, message: string): string {
    return this.#names.about(room, message, this.#current.name);
  }

  #hear(room: string, said: Said, isNews: boolean): void {
    if (room === this.#current.name) return this.#transcript.print(said);
    this.#rooms.hear(room, said, isNews);
    this.#showPrompt();
  }
}
