/**
 * Commits of sealed rooms on a server: of those at one epoch one wins, what loses leaves no trace, and
 * everyone is given each commit once, before its entry, over whatever happens to the connection or to
 * the server.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openDatabase } from "../../lib/database.ts";
import { Delivery } from "../../lib/delivery/delivery.ts";
import { SqliteLog } from "../../lib/log/sqlite_log.ts";
import { PART_BYTES } from "../../lib/protocol/parts.ts";
import { ALICE, BOB, MALLORY, TestServer } from "../attacks/server.ts";
import { bytesOf, type CommitWish, epochKey, SealedMember } from "./sealed_member.ts";
import { onConsole } from "./speaker.ts";

const ROOM = "physics";

/** Alice's room, in which she is. */
class Scene implements AsyncDisposable {
  private constructor(readonly server: TestServer, readonly alice: SealedMember) {}

  static async set(): Promise<Scene> {
    const server = await TestServer.start([ALICE, BOB, MALLORY]);
    const alice = await SealedMember.withDevice(server, ALICE);
    assert.equal(await alice.create(ROOM), "done");
    await alice.join(ROOM);
    return new Scene(server, alice);
  }

  /** What the database has of the room, and of the vault of alice. */
  async stored(): Promise<unknown> {
    return await onConsole(this.server, ({ delivery }) => ({
      room: delivery.rooms.find(ROOM, "alice"),
      members: delivery.rooms.members(ROOM),
      blobs: delivery.vault.list("alice"),
      welcome: delivery.commits.findWelcome("bob", 1, ROOM),
      commits: Array.from({ length: 9 }, (_, seq) => delivery.commits.find(ROOM, seq)),
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.alice[Symbol.dispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

const INVITING: CommitWish = {
  adds: ["bob"],
  welcomes: [{ user: "bob", device: 1 }],
  welcome: bytesOf(20),
  state: bytesOf(30),
};

Deno.test("a commit and all that belongs to it are stored together: the entry, the epoch, members, the state", async () => {
  await using scene = await Scene.set();
  const { alice } = scene;
  assert.equal(await alice.commit(ROOM, 0, INVITING), "done");
  assert.deepEqual(await alice.heard(), ["commit_part physics 100", "message physics 1 alice"]);
  await onConsole(scene.server, ({ delivery }) => {
    const { rooms, vault, commits } = delivery;
    const { epoch, keyId } = rooms.get(ROOM, "alice");
    assert.deepEqual([epoch, keyId], [1, epochKey(ROOM, 1).id]);
    assert.deepEqual(rooms.members(ROOM), ["alice", "bob"]);
    assert.equal(rooms.get(ROOM, "bob").since, 1);
    const state = vault.find("alice", `device/1/${ROOM}`);
    assert.deepEqual([state?.version, state?.data.length], [2, 30]);
    assert.equal(commits.find(ROOM, 1)?.length, 100);
    assert.equal(commits.findWelcome("bob", 1, ROOM)?.seq, 1);
  });
});

Deno.test("of two commits at one epoch, sent at the same moment, one wins; of the other nothing is stored", async () => {
  await using scene = await Scene.set();
  const { server, alice } = scene;
  await alice.invite(ROOM, 0, "bob");
  using bob = await SealedMember.withDevice(server, BOB);
  await bob.join(ROOM, 1);
  const wish: CommitWish = {
    adds: ["mallory"],
    welcomes: [{ user: "mallory", device: 1 }],
    welcome: bytesOf(20),
    state: bytesOf(30),
  };
  const members = [alice, bob] as const;
  const refs = members.map((member) => member.putCommit(ROOM, 1, wish));
  const answers = await Promise.all(
    members.map((member, at) => member.answerTo(refs[at] as number)),
  );
  const codes = answers.map(({ code }) => code ?? "done");
  assert.deepEqual(codes.toSorted(), ["done", "epoch-outdated"]);
  const [winner, loser] = codes[0] === "done" ? ["alice", "bob"] : ["bob", "alice"];
  await onConsole(server, ({ delivery }) => {
    assert.equal(delivery.rooms.get(ROOM, "alice").epoch, 2);
    assert.equal(delivery.vault.find(winner, `device/1/${ROOM}`)?.data.length, 30);
    assert.notEqual(delivery.vault.find(loser, `device/1/${ROOM}`)?.data.length, 30);
    assert.equal(delivery.commits.find(ROOM, 3), undefined);
  });
  assert.equal(await alice.post(ROOM, 2), 3);
});

/** Commits that cannot be, and why. */
const REFUSED: { readonly [code: string]: CommitWish & { at?: number } } = {
  "epoch-outdated": { ...INVITING, at: 1 },
  "lease-lost": { ...INVITING, lease: 9 },
  "name-unknown": { ...INVITING, adds: ["bob", "nobody"] },
  "welcome-invalid": { ...INVITING, adds: [] },
  "last-member": { state: bytesOf(9), removes: ["alice"] },
  "parts-invalid": { ...INVITING, sizes: [1, 2, 3] },
  "token-invalid": { ...INVITING, token: "gAAAAABaaaa" },
  "blob-too-large": { ...INVITING, state: bytesOf(2 * 1024 * 1024 + 1) },
};

for (const [code, { at = 0, ...wish }] of Object.entries(REFUSED)) {
  Deno.test(`a commit that is ${code} stores nothing, and the next one is taken`, async () => {
    await using scene = await Scene.set();
    const { alice } = scene;
    const before = await scene.stored();
    assert.equal(await alice.commit(ROOM, at, wish), code);
    assert.deepEqual(await scene.stored(), before);
    assert.deepEqual(await alice.heard(), []);
    assert.equal(await alice.commit(ROOM, 0), "done");
    assert.deepEqual(await alice.heard(), ["commit_part physics 100", "message physics 1 alice"]);
  });
}

Deno.test("a commit without bytes, and a welcome to nobody or of no bytes, are none", async () => {
  await using scene = await Scene.set();
  const { alice } = scene;
  const before = await scene.stored();
  const none = new Uint8Array();
  for (const wish of [{ commit: none }, { ...INVITING, welcome: none }, { welcome: bytesOf(9) }]) {
    assert.equal(await alice.commit(ROOM, 0, wish), "parts-invalid");
  }
  assert.deepEqual(await scene.stored(), before);
});

Deno.test("a commit under the id of a message of one's own is refused, and stores nothing", async () => {
  await using scene = await Scene.set();
  const { alice } = scene;
  const id = alice.say(ROOM, 0);
  await alice.next("ack");
  const before = await scene.stored();
  assert.equal(await alice.commit(ROOM, 0, { ...INVITING, id }), "commit-known");
  assert.deepEqual(await scene.stored(), before);
  assert.equal(await alice.commit(ROOM, 0, INVITING), "done");
  assert.equal(await alice.commit(ROOM, 0, INVITING), "epoch-outdated", "the same once more");
});

Deno.test("a post right behind a commit, under the key that it ends, is refused and never stored", async () => {
  await using scene = await Scene.set();
  const { server, alice } = scene;
  await alice.invite(ROOM, 0, "bob");
  using bob = await SealedMember.withDevice(server, BOB);
  await bob.join(ROOM, 1);
  for (let epoch = 1; epoch <= 20; epoch++) {
    const commit = alice.putCommit(ROOM, epoch);
    const late = bob.say(ROOM, epoch); // wherever it meets the commit
    const [, answer] = await Promise.all([alice.answerTo(commit), bob.next("ack", "error")]);
    assert.ok((answer.type === "ack" || answer.type === "error") && answer.id === late);
    if (answer.type === "error") assert.equal(answer.code, "key-outdated");
  }
  const database = openDatabase(server.db);
  const entries = await new SqliteLog(database, server.db).read(ROOM, 0, 100);
  const { commits } = new Delivery(database, server.db);
  let epoch = 0;
  for (const { seq, keyId } of entries) {
    assert.equal(keyId, epochKey(ROOM, epoch).id, `entry ${seq} is of the epoch ${epoch}`);
    if (commits.find(ROOM, seq) !== undefined) epoch += 1;
  }
  assert.equal(epoch, 21);
  database.close();
});

Deno.test("posts under another epoch's key are refused, before and behind; there is no time of grace", async () => {
  await using scene = await Scene.set();
  const { alice } = scene;
  assert.equal(await alice.post(ROOM, 1), "key-outdated");
  assert.equal(await alice.commit(ROOM, 0), "done");
  assert.equal(await alice.post(ROOM, 0), "key-outdated");
  assert.equal(await alice.post(ROOM, 1), 2);
});

Deno.test("what is no Fernet token, by its shape, is not stored", async () => {
  await using scene = await Scene.set();
  const { alice } = scene;
  const { id: key_id } = epochKey(ROOM, 0);
  const sent_at = "2026-01-01T00:00:00.000Z";
  for (const token of ["gAAAAAB", `gAAAAA${"A".repeat(94)}`]) {
    alice.raw.say({ type: "send", room: ROOM, id: "x", sent_at, key_id, token });
    assert.deepEqual(await alice.heard(), ["error token-invalid"]);
  }
});

Deno.test("members get a commit's parts and its entry in order: live, joining late, and after an outage", async () => {
  await using scene = await Scene.set();
  const { server, alice } = scene;
  await alice.invite(ROOM, 0, "bob");
  const bob = await SealedMember.enter(server, BOB);
  await bob.join(ROOM, 1);
  await alice.heard();
  const large = { commit: bytesOf(3 * PART_BYTES + 1) };
  assert.equal(await alice.post(ROOM, 1), 2);
  assert.equal(await alice.commit(ROOM, 1, large), "done");
  assert.equal(await alice.post(ROOM, 2), 4);
  const parts = [...Array(3).fill(`commit_part physics ${PART_BYTES}`), "commit_part physics 1"];
  const expected = ["message physics 2 alice", ...parts, "message physics 3 alice"];
  await untilEntry(bob, 3);
  assert.deepEqual(bob.inbox.splice(0).length, expected.length - 1);
  bob[Symbol.dispose](); // with what follows unread
  using again = await SealedMember.enter(server, BOB);
  await again.join(ROOM, 1);
  await untilEntry(again, 4);
  assert.deepEqual(await again.heard(), expected);
  using halfway = await SealedMember.enter(server, BOB);
  await halfway.join(ROOM, 2);
  await untilEntry(halfway, 4);
  assert.deepEqual(await halfway.heard(), expected.slice(1));
});

/** Hears until an entry of the room came, which is taken out. */
async function untilEntry(member: SealedMember, seq: number): Promise<void> {
  for (;;) {
    const message = await member.raw.hear();
    if (message.type === "message" && message.seq === seq) return;
    member.inbox.push(message);
  }
}

Deno.test("an own commit comes as a message to all of one's sessions, never as an ack", async () => {
  await using scene = await Scene.set();
  const { server, alice } = scene;
  using other = await SealedMember.enter(server, ALICE);
  await other.join(ROOM);
  const wish = { token: epochKey(ROOM, 0).encrypt("c"), id: "commit-1" };
  assert.equal(await alice.commit(ROOM, 0, wish), "done");
  for (const member of [alice, other]) {
    assert.deepEqual(await member.heard(), ["commit_part physics 100", "message physics 1 alice"]);
  }
});

Deno.test("epoch, commits and log agree in whatever a killed server leaves, and members go on from there", async () => {
  await using scene = await Scene.set();
  const { server, alice } = scene;
  await alice.invite(ROOM, 0, "bob");
  const before = copyOf(server);
  const ref = alice.putCommit(ROOM, 1, {
    ...INVITING,
    adds: ["mallory"],
    welcomes: [],
    welcome: new Uint8Array(),
  });
  const during = copyOf(server); // the server has not read it yet, or has stored it
  await alice.answerTo(ref);
  for (const [path, epochs] of [[before, [1]], [during, [1, 2]], [copyOf(server), [2]]] as const) {
    const epoch = await agreedEpoch(path);
    assert.ok((epochs as readonly number[]).includes(epoch), `${epoch}`);
  }
  await server.restart();
  using bob = await SealedMember.enter(server, BOB);
  await bob.join(ROOM, 1);
  assert.equal(await bob.post(ROOM, 2), 3);
  using back = await SealedMember.enter(server, ALICE);
  assert.equal(await back.takeDevice({ device: 1, lease: alice.lease }), 1);
  assert.equal(await back.commit(ROOM, 2), "done");
});

/** The database's files as they are at this moment: what a kill -9 would leave. */
function copyOf(server: TestServer): string {
  const path = server.folder.file(`${crypto.randomUUID()}.db`);
  Deno.copyFileSync(server.db, path);
  Deno.copyFileSync(`${server.db}-wal`, `${path}-wal`);
  return path;
}

/** The room's epoch in a file, in which all tables have to agree on it. */
async function agreedEpoch(path: string): Promise<number> {
  const database = openDatabase(path);
  const { rooms, commits, vault } = new Delivery(database, path);
  const { epoch, keyId } = rooms.get(ROOM, "alice");
  const { seq } = await new SqliteLog(database, path).head(ROOM);
  assert.equal(keyId, epochKey(ROOM, epoch).id);
  assert.equal(seq, epoch); // there are commits alone
  const counted = Array.from({ length: 9 }, (_, at) => commits.find(ROOM, at)).filter(Boolean);
  assert.equal(counted.length, epoch);
  assert.equal(vault.version("alice", `device/1/${ROOM}`), epoch < 2 ? 1 : 2);
  assert.equal(rooms.members(ROOM).length, epoch + 1);
  database.close();
  return epoch;
}
