/**
 * What a person has been shown of each room, and what waits there until they look.
 *
 * @module
 */

import type { RoomView } from "./member.ts";
import type { RoomNames } from "./room_names.ts";
import { describePlace } from "./sentences.ts";
import { type Said, Unread, type UnreadCount, type Waiting } from "./unread.ts";

/** Where rooms are looked up. */
export interface HasRooms {
  readonly rooms: readonly RoomView[];
}

/** See the module's description. */
export class RoomsSeen {
  readonly #chat: HasRooms;
  readonly #names: RoomNames;
  readonly #unread = new Unread();
  /** Rooms whose kind and topic were shown. */
  readonly #introduced = new Set<string>();
  /** Direct rooms of which the person knows that somebody writes there. */
  readonly #announced = new Set<string>();

  constructor(chat: HasRooms, names: RoomNames) {
    this.#chat = chat;
    this.#names = names;
  }

  /** Where something is unread, as rooms are called. */
  get unread(): UnreadCount[] {
    return this.#unread.counts.map((one) => ({ ...one, room: this.#names.of(one.room) }));
  }

  /** A room that this client is in. */
  find(room: string | undefined): RoomView | undefined {
    return this.#chat.rooms.find((one) => one.room === room);
  }

  /** What to tell of a room to who has not been told yet. */
  introduce(room: string): string[] {
    const view = this.find(room);
    if (view === undefined || this.#introduced.has(room)) return [];
    this.#introduced.add(room);
    return describePlace(view, "in");
  }

  /** The person has been told of a room. */
  noteIntroduced(room: string): void {
    this.#introduced.add(room);
  }

  /** Whether the person is to be told now that somebody writes in a direct room. */
  announce(room: string): boolean {
    const isNews = !this.#announced.has(room);
    this.#announced.add(room);
    return isNews;
  }

  /** Somebody says something in a room that the person does not look at. */
  hear(room: string, said: Said, isNews: boolean): void {
    this.#unread.add(room, said, isNews);
  }

  /** The same of what is of interest when one looks there. */
  keepRemark(room: string, remark: string): void {
    this.#unread.addRemark(room, this.#names.in(remark));
  }

  /** The person looks at a room: what waited there. */
  look(room: string): Waiting {
    this.#announced.delete(room);
    return this.#unread.take(room);
  }

  /** The room was left. */
  forget(room: string): void {
    this.look(room);
    this.#introduced.delete(room);
  }
}
