/**
 * The hub: joining loses nothing and doubles nothing, whenever the log answers. The log is a double
 * here, since it is an interface and the order of events is what is tested.
 *
 * @module
 */

import assert from "node:assert/strict";
import { EnvironmentError, PeerError } from "../../lib/errors.ts";
import { FernetKey, KeyRing } from "../../lib/fernet.ts";
import { chainNext, chainStart } from "../../lib/log/chain.ts";
import type {
  Head,
  LogEntry,
  MessageLog,
  NewEntry,
  Subscriber,
} from "../../lib/log/message_log.ts";
import { decodeServerMessage } from "../../lib/protocol/messages.ts";
import { LOBBY, sealText } from "../../lib/rooms/open_room.ts";
import { type Farewell, Hub, type Member } from "../../lib/server/hub.ts";
import { assertFails } from "../attacks/server.ts";

/** A log in memory that tells its head when the test lets it. */
class SlowLog implements MessageLog {
  readonly entries: LogEntry[] = [];
  readonly subscribers = new Set<Subscriber>();
  #heads: PromiseWithResolvers<Head>[] = [];

  get end(): Head {
    return this.entries.at(-1) ?? { seq: 0, chain: chainStart(LOBBY) };
  }

  append(entry: NewEntry): Promise<LogEntry> {
    return Promise.resolve(this.publish([entry])[0] as LogEntry);
  }

  publish(news: readonly NewEntry[]): LogEntry[] {
    const stored = news.map((entry) => {
      const numbered = { ...entry, seq: this.end.seq + 1 };
      const one = { ...numbered, chain: chainNext(this.end.chain, numbered) };
      this.entries.push(one);
      return one;
    });
    for (const subscriber of this.subscribers) subscriber(stored);
    return stored;
  }

  read(_room: string, after: number, limit: number): Promise<LogEntry[]> {
    return Promise.resolve(this.entries.slice(after, after + limit));
  }

  head(): Promise<Head> {
    const head = Promise.withResolvers<Head>();
    this.#heads.push(head);
    return head.promise;
  }

  /** Answers the oldest call of `head()`. */
  answer(head: Head): void {
    this.#heads.shift()?.resolve(head);
  }

  fail(error: unknown): void {
    this.#heads.shift()?.reject(error);
  }

  subscribe(_room: string, subscriber: Subscriber): () => void {
    this.subscribers.add(subscriber);
    return () => this.subscribers.delete(subscriber);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A hub with the lobby. */
function openHub(log: MessageLog, keys: KeyRing, now?: () => number): Hub {
  const hub = new Hub(log, keys, now === undefined ? {} : { now });
  hub.open(LOBBY);
  return hub;
}

/** Notes what it is given, and takes more while it catches up when the test lets it. */
class Listener implements Member {
  readonly user: string;
  readonly heard: number[] = [];
  readonly encoded: Uint8Array[] = [];
  readonly keys: Uint8Array[] = [];
  failure: unknown;
  ready: Promise<boolean> = Promise.resolve(true);
  /** Entries that it has room for until it is asked again. */
  most = Infinity;
  farewell: Farewell | undefined;
  #places = Infinity;
  #changed = Promise.withResolvers<void>();

  constructor(user = "lisa") {
    this.user = user;
  }

  deliver(entry: LogEntry, encoded: Uint8Array): void {
    this.#places -= 1;
    this.heard.push(entry.seq);
    this.encoded.push(encoded);
    this.#notify();
  }

  calm(): Promise<boolean> {
    this.#places = this.most;
    return this.ready;
  }

  get isCalm(): boolean {
    return this.#places > 0;
  }

  tell(encoded: Uint8Array): void {
    this.keys.push(encoded);
  }

  putOut(farewell: Farewell): void {
    this.farewell = farewell;
    this.#notify();
  }

  fail(error: unknown): void {
    this.failure = error;
    this.#notify();
  }

  /** Resolves when it has heard so many entries. */
  async hears(count: number): Promise<void> {
    while (this.heard.length < count) await this.#changed.promise;
  }

  /** Resolves when it has failed. */
  async fails(): Promise<void> {
    while (this.failure === undefined) await this.#changed.promise;
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

const key = FernetKey.generate();
const older = FernetKey.generate();
const ring = new KeyRing([key, older]);

function entry(id: string, by = key): NewEntry {
  const envelope = { room: LOBBY, sender: "alice", id, sent_at: "2026-01-01T00:00:00.000Z" };
  const { keyId, token } = sealText(by, envelope, `text of ${id}`);
  const { sender, room, sent_at: sentAt } = envelope;
  return { room, sender, messageId: id, sentAt, keyId, token };
}

const news = (...ids: string[]): NewEntry[] => ids.map((id) => entry(id));

Deno.test("a member who joins gets each later entry once, wherever the head falls", async () => {
  // Entries 1 to 5 are there in turn; the head that the log answers was read after `known` of them.
  for (const known of [0, 1, 2, 3, 4, 5]) {
    const log = new SlowLog();
    const hub = openHub(log, ring);
    const listener = new Listener();
    const joining = hub.join(LOBBY, listener);
    const heads = [log.end];
    for (const id of ["a", "b", "c", "d", "e"]) {
      log.publish(news(id));
      heads.push(log.end);
    }
    log.answer(heads[known] as Head);
    const membership = await joining;
    assert.equal(membership.head.seq, known);
    assert.deepEqual(listener.heard, []); // not before it has been told that it is in
    log.publish(news("f"));
    membership.start();
    log.publish(news("g", "h"));
    const expected = [1, 2, 3, 4, 5, 6, 7, 8].filter((seq) => seq > known);
    await listener.hears(expected.length);
    assert.deepEqual(listener.heard, expected);
    hub.close();
  }
});

Deno.test("leave() ends the deliveries of that member alone", async () => {
  const log = new SlowLog();
  const hub = openHub(log, ring);
  const [stays, leaves] = [new Listener(), new Listener()];
  for (const member of [stays, leaves]) {
    const joining = hub.join(LOBBY, member);
    log.answer(log.end);
    const membership = await joining;
    membership.start();
    log.publish(news(`after-${log.end.seq}`));
    if (member === leaves) membership.leave();
  }
  log.publish(news("last"));
  assert.deepEqual(stays.heard, [1, 2, 3]);
  assert.deepEqual(leaves.heard, [2]);
});

Deno.test("leave() before start() gives nothing", async () => {
  const log = new SlowLog();
  const hub = openHub(log, ring);
  const listener = new Listener();
  const joining = hub.join(LOBBY, listener);
  log.answer(log.end);
  (await joining).leave();
  log.publish(news("a"));
  assert.deepEqual(listener.heard, []);
});

Deno.test("a join that fails leaves no seat behind", async () => {
  const log = new SlowLog();
  const hub = openHub(log, ring);
  const listener = new Listener();
  const joining = hub.join(LOBBY, listener);
  log.fail(new EnvironmentError("database-locked", "locked"));
  await assertFails(joining, EnvironmentError, "database-locked");
  log.publish(news("a"));
  assert.deepEqual(listener.heard, []);
});

Deno.test("a delivery is encoded once for all members, with every field of the entry", async () => {
  const log = new SlowLog();
  const hub = openHub(log, ring);
  const listeners = [new Listener(), new Listener()];
  for (const member of listeners) {
    const joining = hub.join(LOBBY, member);
    log.answer(log.end);
    (await joining).start();
  }
  const [stored] = log.publish(news("a"));
  const [encoded] = listeners[0]?.encoded ?? [];
  assert.equal(listeners[1]?.encoded[0], encoded);
  assert.deepEqual(decodeServerMessage(encoded as Uint8Array), {
    type: "message",
    seq: 1,
    sender: "alice",
    room: LOBBY,
    id: "a",
    sent_at: stored?.sentAt,
    key_id: key.id,
    token: stored?.token,
    chain: stored?.chain,
  });
});

Deno.test("post() stores what members can read, and refuses everything else", async () => {
  const log = new SlowLog();
  const hub = openHub(log, ring);
  assert.equal((await hub.post(entry("a"))).seq, 1);
  const other = FernetKey.generate();
  for (
    const bad of [
      { ...entry("other key under our id", other), keyId: key.id },
      { ...entry("b"), sender: "bob" },
      { ...entry("b"), messageId: "c" },
      { ...entry("b"), sentAt: "2026-01-01T00:00:00.001Z" },
      { ...entry("b"), token: `${entry("b").token.slice(0, -6)}AAAAA=` },
    ]
  ) {
    await assertFails(hub.post(bad), PeerError, "token-invalid");
  }
  for (const bad of [entry("older key", older), entry("other key", other)]) {
    await assertFails(hub.post(bad), PeerError, "key-outdated");
  }
  assert.equal(log.entries.length, 1);
});

Deno.test("who resumes gets what it missed from the log, then what comes, each once in order", async () => {
  for (const after of [0, 3, 40, 99, 100]) {
    const log = new SlowLog();
    log.publish(news(...Array.from({ length: 100 }, (_, at) => `${at}`)));
    const hub = openHub(log, ring);
    const listener = new Listener();
    const joining = hub.join(LOBBY, listener, { after });
    log.answer(log.end);
    (await joining).start();
    log.publish(news("meanwhile"));
    await listener.hears(101 - after);
    log.publish(news("live"));
    await listener.hears(102 - after);
    const expected = Array.from({ length: 102 - after }, (_, at) => after + 1 + at);
    assert.deepEqual(listener.heard, expected);
    hub.close();
  }
});

Deno.test("who resumes beyond the log's end is live at its end", async () => {
  const log = new SlowLog();
  log.publish(news("a"));
  const hub = openHub(log, ring);
  const listener = new Listener();
  const joining = hub.join(LOBBY, listener, { after: 7 });
  log.answer(log.end);
  (await joining).start();
  log.publish(news("b"));
  assert.deepEqual(listener.heard, [2]);
});

Deno.test("who catches up is given no more than it takes", async () => {
  const log = new SlowLog();
  log.publish(news(...Array.from({ length: 100 }, (_, at) => `${at}`)));
  const hub = openHub(log, ring);
  const listener = new Listener();
  const full = Promise.withResolvers<boolean>();
  listener.ready = full.promise;
  const joining = hub.join(LOBBY, listener, { after: 0 });
  log.answer(log.end);
  (await joining).start();
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(listener.heard, []);
  listener.ready = Promise.resolve(true);
  full.resolve(true);
  await listener.hears(100);
});

Deno.test("for a member that takes nothing any more, the log is not read on", async () => {
  const log = new SlowLog();
  log.publish(news(...Array.from({ length: 100 }, (_, at) => `${at}`)));
  const reads: number[] = [];
  const read = log.read.bind(log);
  log.read = (room, after, limit) => {
    reads.push(after);
    return read(room, after, limit);
  };
  const hub = openHub(log, ring);
  const listener = new Listener();
  listener.ready = Promise.resolve(false);
  const joining = hub.join(LOBBY, listener, { after: 0 });
  log.answer(log.end);
  (await joining).start();
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([reads, listener.heard], [[], []]);
});

Deno.test("what a member that catches up has no room for is not kept for it, but read again", async () => {
  const log = new SlowLog();
  log.publish(news(...Array.from({ length: 100 }, (_, at) => `${at}`)));
  const read = log.read.bind(log);
  let held = 0;
  log.read = async (room, after, limit) => {
    const entries = await read(room, after, limit);
    held = Math.max(held, after === 0 ? 0 : entries.length);
    return entries;
  };
  const hub = openHub(log, ring);
  const listener = new Listener();
  listener.most = 1;
  const joining = hub.join(LOBBY, listener, { after: 0 });
  log.answer(log.end);
  (await joining).start();
  await listener.hears(100);
  assert.deepEqual(listener.heard, Array.from({ length: 100 }, (_, at) => at + 1));
  assert.ok(held <= 2, `${held} entries were read for a member with room for one`);
});

Deno.test("a log that cannot be read while a member catches up fails that member alone", async () => {
  const log = new SlowLog();
  log.publish(news("a", "b"));
  const failure = new EnvironmentError("database-damaged", "damaged");
  log.read = () => Promise.reject(failure);
  const hub = openHub(log, ring);
  const [late, live] = [new Listener(), new Listener()];
  for (const [member, after] of [[late, 0], [live, 2]] as const) {
    const joining = hub.join(LOBBY, member, { after });
    log.answer(log.end);
    (await joining).start();
  }
  await late.fails();
  assert.equal(late.failure, failure);
  log.publish(news("c"));
  assert.deepEqual(live.heard, [3]);
  assert.equal(live.failure, undefined);
});

Deno.test("a new key is told to all members, and the key before is taken for a minute", async () => {
  let now = 0;
  const log = new SlowLog();
  const hub = openHub(log, new KeyRing([older]), () => now);
  const [member, late] = [new Listener(), new Listener()];
  const [joining, joiningLate] = [hub.join(LOBBY, member), hub.join(LOBBY, late)];
  for (let answers = 0; answers < 2; answers++) log.answer(log.end);
  (await joining).start();
  await joiningLate; // told the ring with the answer to its join, which is not sent yet
  hub.rotate(ring);
  const message = decodeServerMessage(member.keys[0] as Uint8Array);
  assert.deepEqual(message, { type: "keys", room: LOBBY, keys: ring.keys.map(String) });
  assert.deepEqual([member.keys.length, late.keys.length], [1, 0]);
  assert.equal((await hub.post(entry("by the newest"))).seq, 1);
  now = 59_999;
  assert.equal((await hub.post(entry("by the one before", older))).seq, 2);
  now = 60_000;
  await assertFails(hub.post(entry("too late", older)), PeerError, "key-outdated");
});

Deno.test("has() knows the rooms that were opened; close() ends the subscription", () => {
  const log = new SlowLog();
  const hub = openHub(log, ring);
  assert.deepEqual([hub.has(LOBBY), hub.has("physics"), hub.has("__proto__")], [
    true,
    false,
    false,
  ]);
  assert.equal(log.subscribers.size, 1);
  hub.close();
  assert.equal(log.subscribers.size, 0);
});
