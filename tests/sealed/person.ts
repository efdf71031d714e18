/**
 * People in sealed rooms, as SDK clients of a real server: each notes all that its client tells, and
 * a test waits for what it expects.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ChatConnection } from "../../lib/client/connection.ts";
import type { ClientEvent, MembersEvent, MessageEvent } from "../../lib/client/events.ts";
import type { ConnectOptions } from "../../lib/client/options.ts";
import { connectAs, type TestServer } from "../attacks/server.ts";

/** Milliseconds after which a test is told what came in the place of what it waits for. */
const DEADLINE_MS = 30_000;

/** Where a test's rooms are, if they have no name of their own. */
export const ROOM = "physics";

/** Accounts of these names, which log in at once. */
export function accounts(...names: readonly string[]): { username: string; password: string }[] {
  return names.map((username) => ({ username, password: `${username}'s password` }));
}

type Options = Partial<ConnectOptions>;

/** See the module's description. */
export class Person implements AsyncDisposable {
  readonly chat: ChatConnection;
  /** All that the client has told. */
  readonly events: ClientEvent[] = [];
  readonly #reading: Promise<void>;
  #changed = Promise.withResolvers<void>();

  constructor(chat: ChatConnection) {
    this.chat = chat;
    this.#reading = this.#read();
  }

  /** Logs in; resolves when its device is there, and its sealed rooms have been entered. */
  static async come(server: TestServer, name: string, options: Options = {}): Promise<Person> {
    const [who] = accounts(name);
    const person = new Person(
      await connectAs({
        ...who as { username: string; password: string },
        port: server.port,
        sealed: true,
        reconnectForMs: 0,
        ...options,
        timing: { settleMs: 0, leastDelayMs: 1, mostDelayMs: 20, ...options.timing },
      }),
    );
    await person.settled();
    return person;
  }

  /** Several who come at once. */
  static async comeAll<const N extends readonly string[]>(
    server: TestServer,
    ...names: N
  ): Promise<People<N>> {
    const people = await Promise.all(names.map((name) => Person.come(server, name)));
    return new People(people as EachOf<N>);
  }

  get name(): string {
    return this.chat.user;
  }

  /** Resolves when its vault is open, and it is in all sealed rooms of its account. */
  async settled(): Promise<void> {
    await this.chat.sealed.ready();
  }

  /** Says something in a sealed room; resolves when it is stored. */
  async say(text: string, room: string = ROOM): Promise<void> {
    await this.chat.send(text, { room });
  }

  /** The first event that matches, of those with a number from `since` on. */
  async sees<E extends ClientEvent>(
    matches: (event: ClientEvent) => event is E,
    since?: number,
  ): Promise<E>;
  async sees(matches: (event: ClientEvent) => boolean, since?: number): Promise<ClientEvent>;
  async sees(matches: (event: ClientEvent) => boolean, since = 0): Promise<ClientEvent> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error("late")), DEADLINE_MS);
    try {
      for (;;) {
        const found = this.events.slice(since).find(matches);
        if (found !== undefined) return found;
        await Promise.race([this.#changed.promise, late.promise]);
      }
    } catch {
      const told = this.events.map((event) => JSON.stringify(event)).join("\n");
      assert.fail(`${this.name} waits for ${matches}, and was told\n${told}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until the text is there, said by somebody else. */
  async hears(text: string): Promise<MessageEvent> {
    return await this.sees((event): event is MessageEvent =>
      event.type === "message" && event.text === text
    );
  }

  /** Waits for a change of members, such as `alice added bob`. */
  async learns(message: string): Promise<MembersEvent> {
    return await this.sees((event): event is MembersEvent =>
      event.type === "members" && event.message === message
    );
  }

  /** Waits for an event of a type in a room. */
  async told<T extends ClientEvent["type"]>(
    type: T,
    room: string = ROOM,
    since?: number,
  ): Promise<Extract<ClientEvent, { type: T }>> {
    return await this.sees(
      (event): event is Extract<ClientEvent, { type: T }> =>
        event.type === type && "room" in event && event.room === room,
      since,
    );
  }

  /** What was said in a room while this person was there, in order. */
  heard(room: string = ROOM): string[] {
    return this.events
      .filter((event) => event.type === "message")
      .filter((event) => event.room === room && !event.history)
      .map(({ text }) => text);
  }

  /** Looks back to the beginning of a room's past; what was said there, in order. */
  async recalls(room: string = ROOM): Promise<string[]> {
    await this.chat.showHistory(100, room);
    await this.chat.showHistory(1, room); // there is no more, which is told behind all of it
    await this.sees(({ type, message }: { type: string; message?: unknown }) =>
      type === "notice" && message === `There are no older messages in ${room}`
    );
    return this.events
      .filter((event) => event.type === "message")
      .filter((event) => event.room === room && event.history)
      .map(({ text }) => text);
  }

  /** All that went wrong, as code and sentence. */
  get errors(): string[] {
    return this.events
      .filter((event) => event.type === "error")
      .map(({ code, message }) => `${code}: ${message}`);
  }

  /** The accounts in a room, as its group has them, and how many devices each has. */
  async members(room: string = ROOM): Promise<{ [user: string]: number }> {
    const { members } = await this.chat.sealed.security(room);
    return Object.fromEntries(members.map(({ user, devices }) => [user, devices]));
  }

  /** The epoch of a room's group. */
  async epoch(room: string = ROOM): Promise<number> {
    return (await this.chat.sealed.security(room)).epoch;
  }

  /** Resolves when a room's group is in an epoch. */
  async reaches(epoch: number, room: string = ROOM): Promise<void> {
    await this.sees((event) =>
      event.type === "members" && event.room === room && event.epoch >= epoch
    );
  }

  /** Is killed: nothing is saved, nobody is told. */
  async kill(): Promise<void> {
    this.chat.abandon();
    await this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.chat.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const event of this.chat) {
      this.events.push(event);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }
}

/** One person of each of these names. */
type EachOf<N extends readonly string[]> = { readonly [At in keyof N]: Person };

/** Several people, who go together. */
export class People<N extends readonly string[]> implements AsyncDisposable, Iterable<Person> {
  /** In the order of their names. */
  readonly all: EachOf<N>;

  constructor(all: EachOf<N>) {
    this.all = all;
  }

  [Symbol.iterator](): Iterator<Person> {
    return this.all[Symbol.iterator]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this].map((person) => person[Symbol.asyncDispose]()));
  }
}

/** The first one makes a room and lets the others in; resolves when all are there. */
export async function gather(people: Iterable<Person>, room: string = ROOM): Promise<void> {
  const [maker, ...others] = people;
  assert.ok(maker !== undefined);
  await maker.chat.sealed.create(room);
  if (others.length === 0) return;
  const accounts = new Set(others.map(({ name }) => name)); // of which some may have more devices
  await maker.chat.sealed.invite(room, [...accounts]);
  await Promise.all(others.map((person) => person.told("joined", room)));
}
