/**
 * People under load: writers that say something as soon as the last thing is stored,
 * and readers that hear everything. They note what a reliable chat has to keep.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Credentials } from "../../lib/client/login.ts";
import { NearClient, type Talker } from "./near_client.ts";
import { type Event, JsonClient } from "./programs.ts";

/** Messages that a writer keeps on their way. */
const WINDOW = 8;

/** Everything that was acked, by all writers: ids with the `seq` that the ack gave. */
export class Acks {
  readonly seqs = new Map<string, number>();
  #changed = Promise.withResolvers<void>();

  note({ id, seq }: Event): void {
    const known = this.seqs.get(String(id));
    assert.ok(known === undefined || known === seq, `${id} was acked at ${known} and at ${seq}`);
    this.seqs.set(String(id), Number(seq));
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Resolves when so many more were acked. */
  async more(count: number): Promise<void> {
    const goal = this.seqs.size + count;
    while (this.seqs.size < goal) await this.#changed.promise;
  }
}

/** A client that sends without a pause until it is told to stop, or killed. */
export class Writer implements AsyncDisposable {
  readonly #client: NearClient | JsonClient;
  readonly #name: string;
  readonly #acks: Acks;
  readonly #unacked = new Set<string>();
  #sent = 0;
  #stopping = false;
  #reading: Promise<void>;
  readonly reconnects: Event[] = [];

  private constructor(
    client: NearClient | JsonClient,
    name: string,
    acks: Acks,
    again: Iterable<string>,
  ) {
    this.#client = client;
    this.#name = name;
    this.#acks = acks;
    this.#reading = this.#read([...again]);
  }

  /** `again` are the ids of messages whose fate an earlier client of the same user did not learn. */
  static async start(
    port: number,
    who: Credentials,
    acks: Acks,
    again: Iterable<string> = [],
  ): Promise<Writer> {
    return new Writer(await NearClient.start(port, who), nameOf(who), acks, again);
  }

  /** The same as a process. */
  static async startProgram(
    port: number,
    who: Credentials,
    acks: Acks,
    again: Iterable<string> = [],
  ): Promise<Writer> {
    const client = await JsonClient.start(port, who.username, who.password);
    return new Writer(client, nameOf(who), acks, again);
  }

  /** Ids that were sent and not acked. */
  get unacked(): ReadonlySet<string> {
    return this.#unacked;
  }

  /** Sends nothing more; resolves when all was acked and the client has left. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#client.endInput();
    await this.#reading;
    assert.equal(await this.#client.ended(), 0);
    assert.deepEqual([...this.#unacked], []);
  }

  /** Ends it as a power cut would; reads what it still said. */
  async kill(): Promise<void> {
    this.#client.kill("SIGKILL");
    await this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
    await this.#reading.catch(() => {});
  }

  async #read(again: readonly string[]): Promise<void> {
    for (const id of again) await this.#send(id);
    for (let at = 0; at < WINDOW; at++) await this.#next();
    for (;;) {
      const line = await this.#client.line();
      if (line === undefined) return;
      const event: Event = JSON.parse(line);
      if (event.type === "reconnecting") this.reconnects.push(event);
      assert.notEqual(event.type, "error", line);
      if (event.type !== "ack") continue;
      this.#unacked.delete(String(event["id"]));
      this.#acks.note(event);
      await this.#next();
    }
  }

  async #next(): Promise<void> {
    if (!this.#stopping) await this.#send(`${this.#name}-${++this.#sent}`);
  }

  async #send(id: string): Promise<void> {
    this.#unacked.add(id);
    await this.#client.send(`text of ${id}`, id).catch(() => {}); // it was killed meanwhile
  }
}

/** A client's name, for the ids of its messages. */
function nameOf({ username }: Credentials): string {
  return `${username}-${crypto.randomUUID()}`;
}

/** A client that hears everything and says nothing. */
export class Listener implements AsyncDisposable {
  readonly #client: Talker;
  readonly heard: Event[] = [];
  readonly #reading: Promise<void>;
  #changed = Promise.withResolvers<void>();

  private constructor(client: Talker) {
    this.#client = client;
    this.#reading = this.#read();
  }

  static async start(port: number, who: Credentials): Promise<Listener> {
    return new Listener(await NearClient.start(port, who));
  }

  /** Resolves when it has heard the entry `seq`. */
  async upTo(seq: number): Promise<void> {
    while (Number(this.heard.at(-1)?.["seq"] ?? 0) < seq) await this.#changed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
    await this.#reading.catch(() => {});
  }

  async #read(): Promise<void> {
    for (;;) {
      const line = await this.#client.line();
      if (line === undefined) return;
      const event: Event = JSON.parse(line);
      assert.notEqual(event.type, "error", line);
      if (event.type !== "message") continue;
      this.heard.push(event);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }
}

/** A row of the log. */
interface Row {
  seq: number;
  id: string;
}

/**
 * Every acked message is in the log exactly once, at the place that its ack gave; and each listener,
 * who was there from the start, has heard the whole log, once and in order.
 */
export function assertKept(db: string, acks: Acks, listeners: readonly Listener[]): void {
  const rows = readLog(db);
  assert.deepEqual(rows.map(({ seq }) => seq), rows.map((_, at) => at + 1));
  const places = new Map(rows.map(({ id, seq }) => [id, seq]));
  assert.equal(places.size, rows.length, "an id is in the log twice");
  for (const [id, seq] of acks.seqs) assert.equal(places.get(id), seq, `${id} was acked`);
  for (const { heard } of listeners) {
    const expected = rows.map(({ seq, id }) => ({ seq, id, text: `text of ${id}` }));
    assert.deepEqual(heard.map(({ seq, id, text }) => ({ seq, id, text })), expected);
  }
}

/** The log's last `seq`. */
export function lastSeq(db: string): number {
  return readLog(db).at(-1)?.seq ?? 0;
}

function readLog(db: string): Row[] {
  const database = new DatabaseSync(db, { readOnly: true });
  try {
    const rows = database.prepare("SELECT seq, message_id AS id FROM messages ORDER BY messages.id")
      .all();
    return rows as unknown as Row[];
  } finally {
    database.close();
  }
}
