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
import { Hub, type Member } from "../../lib/server/hub.ts";
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

  read(): Promise<LogEntry[]> {
    return Promise.resolve([]);
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

/** Notes what it is given. */
class Listener implements Member {
  readonly heard: number[] = [];
  readonly encoded: Uint8Array[] = [];

  deliver(entry: LogEntry, encoded: Uint8Array): void {
    this.heard.push(entry.seq);
    this.encoded.push(encoded);
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
    const hub = new Hub(log, ring);
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
    assert.deepEqual(listener.heard, expected);
    hub.close();
  }
});

Deno.test("leave() ends the deliveries of that member alone", async () => {
  const log = new SlowLog();
  const hub = new Hub(log, ring);
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
  const hub = new Hub(log, ring);
  const listener = new Listener();
  const joining = hub.join(LOBBY, listener);
  log.answer(log.end);
  (await joining).leave();
  log.publish(news("a"));
  assert.deepEqual(listener.heard, []);
});

Deno.test("a join that fails leaves no seat behind", async () => {
  const log = new SlowLog();
  const hub = new Hub(log, ring);
  const listener = new Listener();
  const joining = hub.join(LOBBY, listener);
  log.fail(new EnvironmentError("database-locked", "locked"));
  await assertFails(joining, EnvironmentError, "database-locked");
  log.publish(news("a"));
  assert.deepEqual(listener.heard, []);
});

Deno.test("a delivery is encoded once for all members, with every field of the entry", async () => {
  const log = new SlowLog();
  const hub = new Hub(log, ring);
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
  const hub = new Hub(log, ring);
  assert.equal((await hub.post(entry("a"))).seq, 1);
  const other = FernetKey.generate();
  for (
    const bad of [
      entry("old key", older), // in the ring, but not the newest
      entry("other key", other),
      { ...entry("other key under our id", other), keyId: key.id },
      { ...entry("b"), sender: "bob" },
      { ...entry("b"), messageId: "c" },
      { ...entry("b"), sentAt: "2026-01-01T00:00:00.001Z" },
      { ...entry("b"), token: `${entry("b").token.slice(0, -6)}AAAAA=` },
    ]
  ) {
    await assertFails(hub.post(bad), PeerError, "token-invalid");
  }
  assert.equal(log.entries.length, 1);
});

Deno.test("has() knows the lobby alone; close() ends the subscription", () => {
  const log = new SlowLog();
  const hub = new Hub(log, ring);
  assert.deepEqual([hub.has(LOBBY), hub.has("physics"), hub.has("__proto__")], [
    true,
    false,
    false,
  ]);
  assert.equal(log.subscribers.size, 1);
  hub.close();
  assert.equal(log.subscribers.size, 0);
});
