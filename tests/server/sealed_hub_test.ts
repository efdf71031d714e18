/**
 * The hub in sealed rooms: no message is stored behind a commit that it did not know of, and everyone
 * is given a commit's bytes right before its entry, whenever they come. The log is a double: the test
 * says when something is stored.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CallerError, PeerError } from "../../lib/errors.ts";
import { FernetKey, KeyRing } from "../../lib/fernet.ts";
import { chainNext, chainStart } from "../../lib/log/chain.ts";
import type {
  Along,
  Head,
  LogEntry,
  MessageLog,
  NewEntry,
  Subscriber,
} from "../../lib/log/message_log.ts";
import { decodeServerMessage } from "../../lib/protocol/messages.ts";
import { PART_BYTES } from "../../lib/protocol/parts.ts";
import { type Farewell, Hub, type Member } from "../../lib/server/hub.ts";
import { assertFails } from "../attacks/server.ts";
import { bytesOf, epochKey } from "./sealed_member.ts";

const ROOM = "physics";

/** A log in memory that stores the next entry when the test says so. */
class SteppedLog implements MessageLog {
  readonly entries: LogEntry[] = [];
  readonly subscribers = new Set<Subscriber>();
  readonly #waiting: { entry: NewEntry; along: Along | undefined; stored: Stored }[] = [];

  get waiting(): string[] {
    return this.#waiting.map(({ entry }) => entry.messageId);
  }

  append(entry: NewEntry, along?: Along): Promise<LogEntry> {
    const stored = Promise.withResolvers<LogEntry>();
    this.#waiting.push({ entry, along, stored });
    return stored.promise;
  }

  /** Stores what has waited longest, and lets everyone act on it. */
  async store(): Promise<void> {
    const next = this.#waiting.shift();
    assert.ok(next !== undefined, "nothing waits");
    const last = this.entries.at(-1);
    const numbered = { ...next.entry, seq: (last?.seq ?? 0) + 1 };
    const entry = { ...numbered, chain: chainNext(last?.chain ?? chainStart(ROOM), numbered) };
    try {
      next.along?.(entry);
      this.entries.push(entry);
      for (const subscriber of this.subscribers) subscriber([entry]);
      next.stored.resolve(entry);
    } catch (error) {
      next.stored.reject(error);
    }
    await settled();
  }

  read(_: string, after: number, limit: number): Promise<LogEntry[]> {
    return Promise.resolve(this.entries.slice(after, after + limit));
  }

  head(): Promise<Head> {
    return Promise.resolve(this.entries.at(-1) ?? { seq: 0, chain: chainStart(ROOM) });
  }

  subscribe(_: string, subscriber: Subscriber): () => void {
    this.subscribers.add(subscriber);
    return () => this.subscribers.delete(subscriber);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

type Stored = PromiseWithResolvers<LogEntry>;

/** A room with its epoch, and members. */
class Scene {
  readonly log = new SteppedLog();
  readonly commits = new Map<number, Uint8Array>();
  epoch = 0;
  readonly hub = new Hub(this.log, new KeyRing([FernetKey.generate()]), {
    sealed: {
      keyOf: (_, user) => user === "eve" ? undefined : epochKey(ROOM, this.epoch).id,
      commitOf: (_, seq) => this.commits.get(seq),
    },
  });

  /** Somebody in the room. */
  async enter(user: string, after = 0, since = 0): Promise<Ear> {
    const ear = new Ear(user);
    const membership = await this.hub.joinSealed(ROOM, ear, { after, since });
    membership.start();
    await settled();
    return ear;
  }

  post(id: string, epoch: number, sender = "alice"): Promise<LogEntry> {
    return this.hub.post(entry(id, epoch, sender));
  }

  /** Ends an epoch; fails as the server's transaction does if it is another one. */
  commit(id: string, epoch: number, bytes = bytesOf(10)): Promise<LogEntry> {
    return this.hub.commit(entry(id, epoch, "alice"), ({ seq }) => {
      if (this.epoch !== epoch) throw new CallerError("epoch-outdated", "too late");
      this.epoch = epoch + 1;
      this.commits.set(seq, bytes);
    });
  }
}

function entry(messageId: string, epoch: number, sender: string): NewEntry {
  const key = epochKey(ROOM, epoch);
  const sentAt = "2026-01-01T00:00:00.000Z";
  return { room: ROOM, sender, messageId, sentAt, keyId: key.id, token: key.encrypt(messageId) };
}

/** Notes what it is given. */
class Ear implements Member {
  readonly heard: string[] = [];
  readonly told: Uint8Array[] = [];
  failure: unknown;
  isCalm = true;
  ready: Promise<boolean> = Promise.resolve(true);

  constructor(readonly user: string) {}

  deliver({ seq }: LogEntry): void {
    this.heard.push(`${seq}`);
  }

  calm(): Promise<boolean> {
    return this.ready;
  }

  tell(encoded: Uint8Array): void {
    this.told.push(encoded);
    this.heard.push(decodeServerMessage(encoded).type);
  }

  putOut({ code }: Farewell): void {
    this.heard.push(code);
  }

  fail(error: unknown): void {
    this.failure = error;
  }
}

/** Lets all that can happen now happen. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve));
}

Deno.test("a post while a commit is on its way waits, and is refused for its key then", async () => {
  const scene = new Scene();
  await scene.enter("alice");
  const commit = scene.commit("c", 0);
  const old = assertFails(scene.post("old", 0), PeerError, "key-outdated");
  const next = scene.post("next", 1);
  await settled();
  assert.deepEqual(scene.log.waiting, ["c"]);
  await scene.log.store();
  assert.equal((await commit).seq, 1);
  await old;
  assert.deepEqual(scene.log.waiting, ["next"]);
  await scene.log.store();
  assert.equal((await next).seq, 2);
});

Deno.test("a post that was there before a commit is stored before it", async () => {
  const scene = new Scene();
  await scene.enter("alice");
  const [post, commit] = [scene.post("p", 0), scene.commit("c", 0)];
  await settled();
  assert.deepEqual(scene.log.waiting, ["p", "c"]);
  await scene.log.store();
  await scene.log.store();
  assert.deepEqual([(await post).seq, (await commit).seq], [1, 2]);
});

Deno.test("posts and commits that wait for a commit go on one after another: no post slips behind a commit", async () => {
  const scene = new Scene();
  await scene.enter("alice");
  const first = scene.commit("c1", 0);
  const before = scene.post("p1", 1);
  const second = scene.commit("c2", 1);
  const behind = assertFails(scene.post("p2", 1), PeerError, "key-outdated");
  await settled();
  await scene.log.store();
  assert.deepEqual(scene.log.waiting, ["p1", "c2"]);
  await scene.log.store();
  await scene.log.store();
  await behind;
  const seqs = (await Promise.all([first, before, second])).map(({ seq }) => seq);
  assert.deepEqual(seqs, [1, 2, 3]);
});

Deno.test("of two commits of one epoch the first is stored; the other fails, and posts go on", async () => {
  const scene = new Scene();
  await scene.enter("alice");
  const winner = scene.commit("c1", 0);
  const loser = assertFails(scene.commit("c2", 0), CallerError, "epoch-outdated");
  const post = scene.post("p", 1);
  await settled();
  await scene.log.store();
  await scene.log.store();
  await loser;
  await scene.log.store();
  assert.equal((await winner).seq, 1);
  assert.equal((await post).seq, 2);
});

Deno.test("who is no member, and what is no token, is not stored", async () => {
  const scene = new Scene();
  await scene.enter("alice");
  await assertFails(scene.post("p", 0, "eve"), PeerError, "key-outdated");
  for (const token of ["gAAAAAB", `${entry("p", 0, "alice").token.slice(0, -4)}A===`]) {
    const bad = { ...entry("p", 0, "alice"), token };
    await assertFails(scene.hub.post(bad), PeerError, "token-invalid");
    await assertFails(scene.hub.commit(bad, () => {}), PeerError, "token-invalid");
  }
  assert.deepEqual(scene.log.waiting, []);
});

for (const parts of [1, 2, 3]) {
  Deno.test(`a commit of ${parts} parts comes right before its entry, live and late, encoded once for all`, async () => {
    const scene = new Scene();
    const [one, two] = [await scene.enter("alice"), await scene.enter("bob")];
    void scene.post("p", 0);
    await scene.log.store();
    void scene.commit("c", 0, bytesOf(PART_BYTES * (parts - 1) + 1));
    await scene.log.store();
    void scene.post("q", 1);
    await scene.log.store();
    const late = await scene.enter("carol");
    const expected = ["1", ...Array(parts).fill("commit_part"), "2", "3"];
    for (const ear of [one, two, late]) {
      assert.deepEqual(ear.heard, expected, ear.user);
      ear.told.forEach((encoded, at) => assert.equal(encoded, one.told[at]));
    }
  });
}

Deno.test("a large commit goes at the pace of each member: who does not read has nothing waiting", async () => {
  const scene = new Scene();
  const [quick, slow] = [await scene.enter("alice"), await scene.enter("bob")];
  const ready = Promise.withResolvers<boolean>();
  slow.ready = ready.promise;
  void scene.commit("c", 0, bytesOf(PART_BYTES * 2));
  await scene.log.store();
  void scene.post("p", 1);
  await scene.log.store();
  assert.deepEqual(quick.heard, ["commit_part", "commit_part", "1", "2"]);
  assert.deepEqual(slow.heard, []);
  ready.resolve(true);
  await settled();
  assert.deepEqual(slow.heard, quick.heard);
});

Deno.test("a commit that cannot be read now is tried again for each member, and fails those for whom it fails", async () => {
  const scene = new Scene();
  const ear = await scene.enter("alice");
  let tries = 0;
  const read = scene.commits.get.bind(scene.commits);
  scene.commits.get = (seq) => {
    tries += 1;
    if (tries === 1) throw new Error("busy");
    return read(seq);
  };
  void scene.commit("c", 0);
  await scene.log.store();
  assert.deepEqual([ear.heard, ear.failure], [["commit_part", "1"], undefined]);
});

Deno.test("who is removed is given everything up to the commit, then put out, then nothing", async () => {
  const scene = new Scene();
  const [live, stalled] = [await scene.enter("bob"), await scene.enter("bob")];
  const ready = Promise.withResolvers<boolean>();
  stalled.ready = ready.promise;
  const alice = await scene.enter("alice");
  void scene.commit("c", 0, bytesOf(PART_BYTES * 2)); // too large to be given live
  await scene.log.store();
  scene.hub.expel(ROOM, "bob", { code: "removed", message: "" }, 1);
  void scene.post("p", 1);
  await scene.log.store();
  ready.resolve(true);
  await settled();
  const expected = ["commit_part", "commit_part", "1", "removed"];
  assert.deepEqual([live.heard, stalled.heard], [expected, expected]);
  assert.equal(alice.heard.at(-1), "2");
});

Deno.test("who is put out while it joins is told when it has begun", async () => {
  const scene = new Scene();
  await scene.enter("alice");
  const ear = new Ear("bob");
  const joining = scene.hub.joinSealed(ROOM, ear, { after: 0, since: 0 });
  scene.hub.expel(ROOM, "bob", { code: "left", message: "" });
  const membership = await joining;
  assert.deepEqual(ear.heard, []);
  membership.start();
  await settled();
  assert.deepEqual(ear.heard, ["left"]);
});

Deno.test("nobody is given what is before their time, whatever they ask for", async () => {
  const scene = new Scene();
  await scene.enter("alice");
  for (const id of ["a", "b", "c"]) {
    void scene.post(id, 0);
    await scene.log.store();
  }
  assert.deepEqual((await scene.enter("bob", 0, 2)).heard, ["3"]);
  const page = await scene.hub.history(ROOM, 4, 10, 2);
  assert.deepEqual(page.entries.map(({ seq }) => seq), [3]);
  assert.equal(page.previous, scene.log.entries[1]?.chain);
  for (const before of [1, 2, 3]) {
    const { entries, before: end, previous } = await scene.hub.history(ROOM, before, 10, 2);
    assert.deepEqual([entries, end, previous], [[], 3, page.previous]);
  }
});

Deno.test("a sealed room is listened to while somebody is in it; new keys of open rooms are not told there", async () => {
  const scene = new Scene();
  const ear = new Ear("alice");
  const membership = await scene.hub.joinSealed(ROOM, ear, { after: 0, since: 0 });
  membership.start();
  await settled();
  assert.equal(scene.log.subscribers.size, 1);
  scene.hub.rotate(new KeyRing([FernetKey.generate()]));
  assert.deepEqual(ear.heard, []);
  membership.leave();
  assert.deepEqual([scene.log.subscribers.size, scene.hub.has(ROOM)], [0, false]);
});
