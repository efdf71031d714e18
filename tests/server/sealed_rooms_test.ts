/**
 * Sealed rooms on a server: who is in one, who learns of it, and what a member is given. Everything
 * that a group would encrypt is bytes without a meaning here: the server looks into none of it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { EnvironmentError } from "../../lib/errors.ts";
import { chainStart } from "../../lib/log/chain.ts";
import { CONSOLE } from "../../lib/server/operations.ts";
import { ALICE, assertThrows, BOB, MALLORY, TestServer } from "../attacks/server.ts";
import { bytesOf, SealedMember } from "./sealed_member.ts";
import { OLGA, onConsole, startWithOperator } from "./speaker.ts";

const ROOM = "physics";
const DIRECT = "dm-0123456789abcdef";

/** Alice's room, in which she and Bob are. */
class Scene implements AsyncDisposable {
  private constructor(
    readonly server: TestServer,
    readonly alice: SealedMember,
    readonly bob: SealedMember,
  ) {}

  /** Bob is in it from the entry 1 on, which added him. */
  static async set(...options: Parameters<typeof TestServer.start>): Promise<Scene> {
    const server = await TestServer.start(...options);
    const alice = await SealedMember.withDevice(server, ALICE);
    const bob = await SealedMember.withDevice(server, BOB);
    assert.equal(await alice.create(ROOM), "done");
    await alice.join(ROOM);
    await alice.invite(ROOM, 0, "bob");
    await bob.join(ROOM, 1);
    for (const member of [alice, bob]) await member.heard();
    return new Scene(server, alice, bob);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of [this.alice, this.bob]) member[Symbol.dispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

const set = (): Promise<Scene> => Scene.set([ALICE, BOB, MALLORY]);

Deno.test("whoever makes a sealed room is in it, and invites others, who are told and hear what follows", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  using alice = await SealedMember.withDevice(server, ALICE);
  using bob = await SealedMember.withDevice(server, BOB);
  assert.equal(await alice.create(ROOM), "done");
  const joined = await alice.join(ROOM);
  assert.deepEqual([joined.kind, joined.keys, joined.last_seq], ["sealed", [], 0]);
  assert.equal(await alice.post(ROOM, 0), 1);
  await alice.invite(ROOM, 0, "bob");
  assert.deepEqual(await bob.heard(), ["added physics alice"]);
  const welcome = await bob.ask({ do: "welcome", room: ROOM, device: 1 });
  assert.ok(welcome.result?.is === "welcome");
  assert.equal(welcome.result.seq, 2);
  assert.deepEqual(Array.from(welcome.bytes), Array.from(bytesOf(50, 0)));
  const bobs = await bob.join(ROOM, welcome.result.seq);
  assert.deepEqual([bobs.last_seq, bobs.head], [2, welcome.result.head]);
  assert.deepEqual(await alice.heard(), ["commit_part physics 100", "message physics 2 alice"]);
  assert.equal(await bob.post(ROOM, 1), 3);
  assert.deepEqual(await alice.heard(), ["message physics 3 bob"]);
  assert.deepEqual(await bob.heard(), []);
});

Deno.test("who is no member learns nothing: there is no such room", async () => {
  await using scene = await set();
  using mallory = await SealedMember.withDevice(scene.server, MALLORY);
  const { alice } = scene;
  for (const room of [ROOM, "nowhere"]) {
    assert.equal(await mallory.tryJoin(room), "room-unknown");
    assert.equal(await mallory.tryJoin(room, 0), "room-unknown");
    for (
      const request of [
        { do: "names", room },
        { do: "kick", room, user: "bob", reason: "" },
        { do: "welcome", room, device: 1 },
        { do: "resign", room },
      ] as const
    ) {
      assert.equal(await mallory.try(request), "room-unknown", request.do);
    }
    assert.equal(await mallory.commit(room, 1, { adds: ["mallory"] }), "room-unknown");
    assert.equal(await mallory.post(room, 1), "room-not-joined");
    mallory.raw.say({ type: "history", room, before: 2, limit: 1 });
    assert.deepEqual(await mallory.heard(), ["error room-not-joined"]);
  }
  for (const member of [mallory, alice]) {
    const { result } = await member.ask({ do: "rooms" });
    assert.ok(result?.is === "rooms");
    const names = result.rooms.map(({ room, kind }) => `${room} ${kind}`).sort();
    const own = member === alice ? [`${ROOM} sealed`] : [];
    assert.deepEqual(names, ["lobby open", ...own]);
  }
  const whois = await mallory.ask({ do: "whois", user: "bob" });
  assert.ok(whois.result?.is === "whois");
  assert.deepEqual(whois.result.rooms, ["lobby"]);
  assert.deepEqual(await alice.heard(), []);
});

Deno.test("members see who is there, and that they share the room", async () => {
  await using scene = await set();
  const { alice } = scene;
  const names = await alice.ask({ do: "names", room: ROOM });
  assert.ok(names.result?.is === "names");
  assert.deepEqual(names.result.names.map(({ user }) => user), ["alice", "bob"]);
  const whois = await alice.ask({ do: "whois", user: "bob" });
  assert.ok(whois.result?.is === "whois");
  assert.deepEqual(whois.result.rooms.sort(), ["lobby", ROOM]);
});

Deno.test("operators rule over no sealed room: neither its topic, nor its pace, nor who is in it", async () => {
  await using server = await startWithOperator([ALICE]);
  using alice = await SealedMember.withDevice(server, ALICE);
  using olga = await SealedMember.withDevice(server, OLGA);
  assert.equal(await alice.create(ROOM), "done");
  await alice.invite(ROOM, 0, "olga");
  await alice.join(ROOM);
  assert.equal(await olga.try({ do: "topic", room: ROOM, topic: "x" }), "room-sealed");
  assert.equal(await olga.try({ do: "slow", room: ROOM, seconds: 9 }), "room-sealed");
  const kick = { do: "kick", room: ROOM, user: "alice", reason: "" } as const;
  assert.equal(await olga.try(kick), "room-sealed");
  assert.equal(await olga.try({ do: "create_room", room: ROOM, topic: "" }), "room-taken");
  assert.equal(await olga.try({ do: "create_room", room: DIRECT, topic: "" }), "room-reserved");
  await onConsole(server, (operations) => {
    const drawn = operations.invitations.draw({ ...INVITE, room: ROOM });
    assertThrows(() => operations.invitations.issue([drawn]), EnvironmentError, "room-sealed");
    assertThrows(() => operations.setTopic(CONSOLE, ROOM, "x"), EnvironmentError, "room-sealed");
    operations.mute(CONSOLE, "alice", { reason: "" });
    assert.deepEqual(operations.audit.read(9).map(({ action }) => action), ["role", "mute"]);
  });
  assert.equal(await alice.post(ROOM, 1), 2, "a mute is for open rooms");
});

const INVITE = { label: "", role: "member", uses: 1, seconds: undefined } as const;

Deno.test("names of rooms: direct ones have theirs, and none is given twice", async () => {
  await using server = await startWithOperator([ALICE, BOB]);
  using alice = await SealedMember.withDevice(server, ALICE);
  for (const name of ["dm-x", DIRECT, "server"]) {
    assert.equal(await alice.create(name), "room-reserved", name);
  }
  for (const name of [ROOM, "dm-x", "dm-0123456789abcdeg"]) {
    assert.equal(await alice.create(name, "bob"), "room-reserved", name);
  }
  assert.equal(await alice.create("lobby"), "room-taken");
  assert.equal(await alice.create(ROOM), "done");
  assert.equal(await alice.create(ROOM), "room-taken");
  using olga = await SealedMember.withDevice(server, OLGA);
  assert.equal(await olga.create(ROOM), "room-taken");
});

Deno.test("two people have one direct room, whoever looks for it, and nobody else comes in", async () => {
  await using server = await TestServer.start([ALICE, BOB, MALLORY]);
  using alice = await SealedMember.withDevice(server, ALICE);
  using bob = await SealedMember.withDevice(server, BOB);
  assert.equal(await alice.create(DIRECT, "alice"), "target-self");
  assert.equal(await alice.create(DIRECT, "nobody"), "name-unknown");
  assert.deepEqual((await alice.ask({ do: "direct", user: "bob" })).result, { is: "direct" });
  assert.equal(await alice.create(DIRECT, "BOB"), "done");
  assert.equal(await alice.create(`${DIRECT.slice(0, -1)}0`, "bob"), "room-taken");
  assert.equal(await alice.commit(DIRECT, 0, { adds: ["mallory"] }), "direct-room");
  await alice.invite(DIRECT, 0, "bob");
  assert.deepEqual(await bob.heard(), [`added ${DIRECT} alice alice`]);
  assert.equal(await bob.create(`${DIRECT.slice(0, -1)}0`, "alice"), "room-taken");
  for (const [member, user] of [[alice, "bob"], [bob, "Alice"]] as const) {
    const direct = await member.ask({ do: "direct", user });
    assert.deepEqual(direct.result, { is: "direct", room: DIRECT });
    const peer = user.toLowerCase();
    assert.equal((await member.join(DIRECT)).peer, peer);
    const { result } = await member.ask({ do: "rooms" });
    assert.ok(result?.is === "rooms");
    assert.deepEqual(result.rooms.find(({ room }) => room === DIRECT)?.peer, peer);
  }
  using mallory = await SealedMember.withDevice(server, MALLORY);
  assert.deepEqual((await mallory.ask({ do: "direct", user: "bob" })).result, { is: "direct" });
});

Deno.test("who left a direct room may begin another one; the old one stays the other's, as a room", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  using alice = await SealedMember.withDevice(server, ALICE);
  using bob = await SealedMember.withDevice(server, BOB);
  await alice.create(DIRECT, "bob");
  await alice.invite(DIRECT, 0, "bob");
  assert.equal(await alice.try({ do: "resign", room: DIRECT }), "done");
  const other = "dm-aaaaaaaaaaaaaaaa";
  assert.equal(await alice.create(other, "bob"), "done");
  await alice.invite(other, 0, "bob");
  const direct = { is: "direct", room: other };
  assert.deepEqual((await bob.ask({ do: "direct", user: "alice" })).result, direct);
  assert.equal((await bob.join(DIRECT)).peer, undefined);
});

Deno.test("a sealed room is joined from an entry on, and no earlier than from one's own beginning", async () => {
  await using scene = await set();
  const { alice, bob } = scene;
  assert.equal(await alice.post(ROOM, 1), 2);
  alice.raw.say({ type: "leave", room: ROOM });
  await alice.heard();
  assert.equal(await alice.tryJoin(ROOM), "room-sealed");
  await alice.join(ROOM);
  const all = ["commit_part physics 100", "message physics 1 alice", "message physics 2 alice"];
  assert.deepEqual(await alice.heard(), all);
  for (const after of [0, 1]) {
    bob.raw.say({ type: "leave", room: ROOM });
    await bob.heard();
    await bob.join(ROOM, after);
    assert.deepEqual(await bob.heard(), ["message physics 2 alice"]);
  }
});

Deno.test("history goes back to one's own beginning, with the chain there; commits' bytes are not in it", async () => {
  await using scene = await set();
  const { alice, bob } = scene;
  assert.equal(await alice.post(ROOM, 1), 2);
  assert.equal(await bob.post(ROOM, 1), 3);
  for (const member of [alice, bob]) await member.heard();
  const page = async (member: SealedMember, before: number): Promise<[string[], string]> => {
    member.raw.say({ type: "history", room: ROOM, before, limit: 10 });
    const end = await member.next("history_end");
    assert.ok(end.type === "history_end");
    return [await member.heard(), end.previous];
  };
  const [bobs, chain] = await page(bob, 4);
  assert.deepEqual(bobs, ["past physics 2 alice", "past physics 3 bob"]);
  assert.deepEqual(await page(bob, 2), [[], chain]);
  assert.deepEqual(await page(bob, 1), [[], chain]);
  const [alices, start] = await page(alice, 4);
  assert.deepEqual(alices, ["past physics 1 alice", ...bobs]);
  assert.equal(start, chainStart(ROOM));
});

Deno.test("only the admin removes others; one may remove one's own account, and not the last", async () => {
  await using scene = await set();
  const { alice, bob } = scene;
  assert.equal(await bob.commit(ROOM, 1, { removes: ["alice"] }), "not-admin");
  assert.equal(await bob.commit(ROOM, 1, { removes: ["ALICE"] }), "not-admin");
  assert.equal(await bob.commit(ROOM, 1, { removes: ["bob"] }), "done");
  assert.equal(await alice.commit(ROOM, 2, { removes: ["alice"] }), "last-member");
  assert.equal(await alice.post(ROOM, 2), 3);
});

Deno.test("an admin says who else is one, by any case of the name; nobody else does, nor takes it away", async () => {
  await using scene = await set();
  const { alice, bob } = scene;
  assert.equal(await bob.commit(ROOM, 1, { promotes: ["bob"] }), "not-admin");
  assert.equal(await bob.commit(ROOM, 1, { demotes: ["ALICE"] }), "not-admin");
  assert.equal(await alice.commit(ROOM, 1, { promotes: ["nobody"] }), "name-unknown");
  assert.equal(await alice.commit(ROOM, 1, { demotes: ["Alice"] }), "last-admin");
  assert.equal(await alice.commit(ROOM, 1, { promotes: ["BOB"] }), "done");
  assert.equal(await bob.commit(ROOM, 2, { demotes: ["ALICE", "nobody"] }), "done");
  assert.equal(await alice.commit(ROOM, 3, { removes: ["bob"] }), "not-admin");
  assert.equal(await bob.commit(ROOM, 3, { removes: ["alice"] }), "done");
});

Deno.test("a removed account gets the commit, then that it left, then nothing, and is out for good", async () => {
  await using scene = await set();
  const { server, alice, bob } = scene;
  using again = await SealedMember.enter(server, BOB);
  await again.join(ROOM, 1);
  assert.equal(await alice.commit(ROOM, 1, { removes: ["bob"] }), "done");
  assert.equal(await alice.post(ROOM, 2), 3);
  for (const member of [bob, again]) {
    const heard = ["commit_part physics 100", "message physics 2 alice", "left physics removed"];
    assert.deepEqual(await member.heard(), heard);
    assert.equal(await member.post(ROOM, 2), "room-not-joined");
    assert.equal(await member.tryJoin(ROOM, 1), "room-unknown");
  }
  const { result } = await alice.ask({ do: "names", room: ROOM });
  assert.ok(result?.is === "names");
  assert.deepEqual(result.names.map(({ user }) => user), ["alice"]);
});

Deno.test("who was removed and is added again begins there anew", async () => {
  await using scene = await set();
  const { alice, bob } = scene;
  assert.equal(await alice.commit(ROOM, 1, { removes: ["bob"] }), "done");
  assert.equal(await alice.post(ROOM, 2), 3);
  await alice.invite(ROOM, 2, "bob");
  assert.equal(await alice.post(ROOM, 3), 5);
  await bob.heard();
  await bob.join(ROOM);
  assert.deepEqual(await bob.heard(), ["message physics 5 alice"]);
});

Deno.test("who resigns is out at once; then anybody may remove it from the group", async () => {
  await using scene = await Scene.set([ALICE, BOB, MALLORY]);
  const { server, alice, bob } = scene;
  using mallory = await SealedMember.withDevice(server, MALLORY);
  await alice.invite(ROOM, 1, "mallory");
  await mallory.join(ROOM, 2);
  await mallory.heard();
  assert.equal(await bob.commit(ROOM, 2, { removes: ["mallory"] }), "not-admin");
  assert.equal(await mallory.try({ do: "resign", room: ROOM }), "done");
  assert.deepEqual(await mallory.heard(), ["left physics left"]);
  assert.equal(await mallory.tryJoin(ROOM), "room-unknown");
  assert.equal(await mallory.try({ do: "welcome", room: ROOM, device: 1 }), "room-unknown");
  assert.equal(await mallory.try({ do: "resign", room: ROOM }), "room-unknown");
  assert.equal(await bob.commit(ROOM, 2, { removes: ["mallory"] }), "done");
  assert.equal(await bob.post(ROOM, 3), 4);
  assert.deepEqual(await mallory.heard(), []);
});

Deno.test("whose account is gone may be removed by anybody, and whoever has the name next is no member", async () => {
  await using scene = await set();
  const { server, alice, bob } = scene;
  await onConsole(server, (operations) => {
    operations.removeAccount(CONSOLE, "alice");
    operations.accounts.create("alice", "record", "member");
    assert.deepEqual(operations.delivery.rooms.members(ROOM), ["bob"]);
  });
  assert.ok(["bye", "left"].includes((await alice.next("bye")).type));
  assert.equal(await bob.commit(ROOM, 1, { removes: ["alice"] }), "done");
});

Deno.test("an account that is added once more, as after a new password, is told where it is not", async () => {
  await using scene = await set();
  const { server, alice, bob } = scene;
  using other = await SealedMember.enter(server, BOB);
  const wish = { adds: ["bob", "Bob"], welcomes: [{ user: "bob", device: 2 }] };
  assert.equal(await alice.commit(ROOM, 1, { ...wish, welcome: bytesOf(9) }), "done");
  assert.deepEqual(await other.heard(), ["added physics alice"]);
  assert.deepEqual(await bob.heard(), ["commit_part physics 100", "message physics 2 alice"]);
  const welcome = await other.ask({ do: "welcome", room: ROOM, device: 2 });
  assert.equal(welcome.bytes.length, 9);
  assert.equal(await other.try({ do: "welcome", room: ROOM, device: 1 }), "welcome");
});

Deno.test("a welcome is there until its device has stored its state; then there is none", async () => {
  await using scene = await set();
  const { server, bob } = scene;
  const welcome = { do: "welcome", room: ROOM, device: 1 } as const;
  assert.equal(await bob.try(welcome), "welcome");
  assert.equal(await bob.try({ ...welcome, device: 2 }), "no-welcome");
  const { lease } = bob;
  const name = `device/1/${ROOM}`;
  assert.equal(await bob.try({ do: "put", name, version: 0, lease }, bytesOf(9)), "done");
  assert.equal(await bob.try(welcome), "no-welcome");
  await onConsole(server, ({ delivery }) => {
    assert.equal(delivery.commits.findWelcome("bob", 1, ROOM), undefined);
  });
});

Deno.test("an account rules over so many rooms, and begins no more", async () => {
  await using server = await TestServer.start([ALICE]);
  using alice = await SealedMember.withDevice(server, ALICE);
  for (let at = 1; at <= 64; at++) assert.equal(await alice.create(`room-${at}`), "done");
  assert.equal(await alice.create("room-65"), "room-limit");
  assert.equal(await alice.try({ do: "resign", room: "room-1" }), "done");
  assert.equal(await alice.create("room-65"), "done");
});

Deno.test("a stopping server notes the heads of sealed rooms too", async () => {
  await using scene = await set();
  const heads = await scene.server.running.heads();
  assert.deepEqual(heads.map(({ room, seq }) => [room, seq]), [["lobby", 0], [ROOM, 1]]);
});
