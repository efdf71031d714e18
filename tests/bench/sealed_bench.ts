/**
 * What sealed rooms cost, at 2, 30 and 200 members: the time of each step as a member waits for it,
 * and the bytes on the wire. The server is its own process; all clients share this one, so that a
 * step which many clients take part in costs the CPU time of all of them. Of 200 members 3 are there.
 *
 *     deno run -A tests/bench/sealed_bench.ts
 *
 * @module
 */

import type { ChatConnection } from "../../lib/client/connection.ts";
import type { ClientEvent } from "../../lib/client/events.ts";
import { Proxy } from "../attacks/proxy.ts";
import { addAccounts, connectAs, TempFolder } from "../attacks/server.ts";
import { ServerProgram } from "../scenario/programs.ts";
import { median, printRow } from "./table.ts";

const SIZES = [2, 30, 200];
/** Members that are there; of more, the others have only logged in before. */
const MOST_PRESENT = 30;
const PRESENT_OF_MANY = 3;
const MESSAGES = 50;
const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(2); // 90 bytes

/** Milliseconds, or bytes on the wire. */
interface Cost {
  ms: number;
  bytes: number;
}

/** Somebody who is there, and the bytes of the connection. */
class Person implements AsyncDisposable {
  readonly chat: ChatConnection;
  readonly proxy: Proxy;
  #waiting: { fits(event: ClientEvent): boolean; done(): void } | undefined;

  private constructor(chat: ChatConnection, proxy: Proxy) {
    this.chat = chat;
    this.proxy = proxy;
    void this.#follow();
  }

  static async enter(port: number, username: string): Promise<Person> {
    const proxy = new Proxy(port);
    const chat = await connectAs({ port: proxy.port, ...credentials(username), sealed: true });
    const person = new Person(chat, proxy);
    await person.hears(({ type, ...event }) =>
      type === "notice" && "code" in event && event.code === "identity-made"
    );
    return person;
  }

  /** Resolves at the next event that fits. */
  hears(fits: (event: ClientEvent) => boolean): Promise<void> {
    return new Promise((done) => this.#waiting = { fits, done });
  }

  /** Bytes that it has sent by now. */
  get sent(): number {
    return this.proxy.link.recorded.toServer.reduce((sum, { length }) => sum + length, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.chat.close();
    await this.proxy[Symbol.asyncDispose]();
  }

  async #follow(): Promise<void> {
    for await (const event of this.chat) {
      if (!this.#waiting?.fits(event)) continue;
      this.#waiting.done();
      this.#waiting = undefined;
    }
  }
}

/** A room, and who is there: its maker, a member, others, and somebody who is added later. */
class Room implements AsyncDisposable {
  readonly costs = new Map<string, Cost>();
  readonly #name: string;
  readonly #names: readonly string[];
  readonly #people: readonly Person[];

  private constructor(name: string, names: readonly string[], people: readonly Person[]) {
    this.#name = name;
    this.#names = names;
    this.#people = people;
  }

  static async prepare(port: number, size: number): Promise<Room> {
    const names = Array.from({ length: size + 1 }, (_, at) => nameOf(size, at));
    const present = size > MOST_PRESENT ? PRESENT_OF_MANY : size;
    const people: Person[] = [];
    for (const [at, name] of names.entries()) {
      const person = await Person.enter(port, name);
      if (at < present || at === size) people.push(person);
      else await person[Symbol.asyncDispose]();
    }
    return new Room(`room${size}`, names, people);
  }

  async run(): Promise<void> {
    const [maker, member] = this.#people as [Person, Person];
    const [name, newcomer] = [this.#name, this.#names.at(-1) as string];
    await this.#step("create", maker, () => maker.chat.sealed.create(name));
    await this.#step("add all, until those there are in", maker, () => this.#inviteAll());
    await this.#step("add one", maker, () => maker.chat.sealed.invite(name, [newcomer]));
    await this.#step("renew the keys", maker, () => maker.chat.sealed.rekey(name));
    await this.#step("  another, behind it", member, () => member.chat.sealed.rekey(name));
    await this.#step("remove one", maker, () => maker.chat.sealed.remove(name, [newcomer]));
    await this.#measureSending(maker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const person of this.#people) await person[Symbol.asyncDispose]();
  }

  async #inviteAll(): Promise<void> {
    const [maker, ...others] = this.#people.slice(0, -1) as [Person, ...Person[]];
    const joined = others.map((one) => one.hears(({ type }) => type === "joined"));
    await maker.chat.sealed.invite(this.#name, this.#names.slice(1, -1));
    await Promise.all(joined);
  }

  async #step(name: string, whose: Person, work: () => Promise<unknown>): Promise<void> {
    const sent = whose.sent;
    const start = performance.now();
    await work();
    this.costs.set(name, { ms: performance.now() - start, bytes: whose.sent - sent });
  }

  async #measureSending(person: Person): Promise<void> {
    const sent = person.sent;
    const times: number[] = [];
    for (let count = 0; count < MESSAGES; count++) {
      const start = performance.now();
      await person.chat.send(TEXT, { room: this.#name });
      times.push(performance.now() - start);
    }
    const bytes = (person.sent - sent) / MESSAGES;
    this.costs.set("send 90 bytes, to the ack", { ms: median(times), bytes });
  }
}

function nameOf(size: number, at: number): string {
  return `of${size}.${at}`;
}

function credentials(username: string): { username: string; password: string } {
  return { username, password: "a password" };
}

function print(name: string, costs: readonly Cost[], show: (cost: Cost) => string): void {
  printRow(name, costs.map(show), 11);
}

using folder = new TempFolder();
const db = folder.file("chat_logs.db");
const everyone = SIZES.flatMap((size) =>
  Array.from({ length: size + 1 }, (_, at) => nameOf(size, at))
);
await addAccounts(db, everyone.map(credentials), "random");
await using server = await ServerProgram.start(["--db", db]);
const all: Map<string, Cost>[] = [];
for (const size of SIZES) {
  await using room = await Room.prepare(server.port, size);
  await room.run();
  all.push(room.costs);
}
console.log("Sealed rooms: milliseconds, and what the one who acts sends on the wire");
printRow("members", SIZES.map(String), 11);
for (const name of all[0]?.keys() ?? []) {
  const costs = all.map((one) => one.get(name) as Cost);
  print(name, costs, ({ ms }) => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`);
  print("", costs, ({ bytes }) => `${(bytes / 1024).toFixed(1)} KiB`);
}
