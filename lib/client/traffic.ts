/**
 * All that a connection carries, as it outlives connections: the rooms, requests and their answers,
 * and that someone is away.
 *
 * @module
 */

import { PeerError } from "../errors.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../protocol/messages.ts";
import type { LoggedIn } from "./enter.ts";
import type { EventQueue } from "./event_queue.ts";
import type { Link } from "./link.ts";
import { Memberships } from "./memberships.ts";
import type { JoinOptions } from "./options.ts";
import { Requests } from "./requests.ts";
import { TIMING } from "./timing.ts";
import { type FirstRoom, SealedRooms } from "./sealed/sealed_rooms.ts";

/** See the module's description. */
export class Traffic {
  /** The account's name. */
  readonly user: string;
  readonly rooms: Memberships;
  readonly requests = new Requests();
  readonly sealed: SealedRooms;
  readonly #events: EventQueue;
  readonly #isSealed: boolean;
  #link: Link | undefined;
  /** Why this person is away, if so: the server forgets it with the connection. */
  #away: string | undefined;
  #progressed = false;
  #hadLink = false;

  /** Of an account, whose vault the export key opens; `room` is where it is to be first. */
  constructor(
    { user, exportKey }: Omit<LoggedIn, "channel">,
    events: EventQueue,
    { room, history = 0, sealed = true, timing }: JoinOptions & FirstRoom,
  ) {
    this.user = user;
    this.rooms = new Memberships(user, events, (room, code) => this.sealed.takeLeft(room, code));
    const { requests, rooms: memberships } = this;
    this.sealed = new SealedRooms({
      user,
      exportKey,
      requests,
      memberships,
      events,
      first: { room, history },
      timing: { ...TIMING, ...timing },
    });
    this.#isSealed = sealed;
    this.#events = events;
  }

  /** The connection that there is now. */
  get link(): Link | undefined {
    return this.#link;
  }

  /** Whether the last connection brought a room forward. */
  get progressed(): boolean {
    return this.#progressed;
  }

  /** Lives on a connection to its end; returns why it ended. */
  async run(link: Link): Promise<unknown> {
    this.#link = link;
    this.#progressed = false;
    this.#begin((message) => link.send(message));
    const why = await link.run((message) => this.#handle(message));
    this.#link = undefined;
    this.requests.close(why);
    await this.rooms.close(why);
    return why;
  }

  /**
   * Is away, also on the connections to come; back without a reason.
   *
   * @throws what {@linkcode Requests.ask} throws if the server refuses.
   */
  async setAway(text: string | undefined): Promise<void> {
    const before = this.#away;
    this.#away = text;
    if (this.#link === undefined) return;
    const request = text === undefined ? { do: "back" } as const : { do: "away", text } as const;
    try {
      await this.requests.ask(request);
    } catch (error) {
      if (this.#link !== undefined) this.#away = before;
      throw error;
    }
  }

  /** Said something: who speaks is not away, also for the server. */
  speak(): void {
    this.#away = undefined;
  }

  /** Resolves when what was sent is stored, over outages too; nothing more can be sent then. */
  async close(): Promise<void> {
    await Promise.all(this.rooms.all.map(({ outbox }) => outbox.settled()));
    for (const { outbox } of this.rooms.all) outbox.close();
    await this.sealed.close();
  }

  /** Gives up what waits. */
  abandon(reason: unknown): void {
    this.rooms.abandon(reason);
    this.requests.close(reason);
    this.sealed.stop();
  }

  #begin(send: (message: ClientMessage) => void): void {
    const isAgain = this.#hadLink;
    this.#hadLink = true;
    this.requests.open(send);
    this.rooms.open(send);
    if (this.#isSealed) this.sealed.begin();
    if (!isAgain) return;
    if (this.#away !== undefined) {
      // Not worth a word: whoever looks sees it.
      this.requests.ask({ do: "away", text: this.#away }).catch(() => {});
    }
    if (this.rooms.all.length > 0) return; // each room tells
    this.#events.push({ type: "notice", code: "reconnected", message: "Connected again" });
  }

  async #handle(message: ServerMessage): Promise<void> {
    switch (message.type) {
      case "part":
        return this.requests.takePart(message);
      case "reply":
        return this.requests.answer(message);
      case "added":
        return this.#isSealed ? this.sealed.takeAdded(message) : undefined;
      case "error":
        return await this.#takeError(message);
      case "message":
      case "ack":
        this.#progressed = true;
        return await this.rooms.handle(message);
      case "joined":
      case "left":
      case "past":
      case "history_end":
      case "keys":
      case "commit_part":
      case "settings":
      case "presence":
        return await this.rooms.handle(message);
      default:
        throw new PeerError("message-unexpected", `Not the time for a message ${message.type}`);
    }
  }

  async #takeError(error: MessageOf<ServerMessage, "error">): Promise<void> {
    const { ref, room, code, message } = error;
    if (ref !== undefined) return this.requests.refuse(ref, error);
    if (room !== undefined) return await this.rooms.handle({ ...error, room });
    await this.#events.push({ type: "error", code, message });
  }
}
