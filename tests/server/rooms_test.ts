/**
 * Several rooms on one connection: each has its own log, members and settings. A raw member asks, a
 * real server answers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { FernetKey } from "../../lib/fernet.ts";
import { chainStart } from "../../lib/log/chain.ts";
import { MAX_ROOMS_JOINED } from "../../lib/protocol/limits.ts";
import { LOBBY, sealText } from "../../lib/rooms/open_room.ts";
import { ALICE, BOB, RawMember } from "../attacks/server.ts";
import { CONSOLE } from "../../lib/server/operations.ts";
import { OLGA, onConsole, say, startWithOperator } from "./speaker.ts";

const DONE = { is: "done" };

Deno.test("an operator makes a room, and members of both rooms get each one's messages", async () => {
  await using server = await startWithOperator([ALICE, BOB]);
  using olga = await RawMember.join(server.port, OLGA);
  using alice = await RawMember.join(server.port, ALICE);
  using bob = await RawMember.join(server.port, BOB);
  const request = { do: "create_room", room: "physics", topic: "waves" } as const;
  assert.deepEqual(await olga.ask(request), DONE);
  for (const member of [alice, bob]) {
    member.say({ type: "join", room: "physics" });
    const { type: _, keys, ...joined } = await member.hears("joined");
    const settings = { kind: "open", topic: "waves", slow: 0 };
    const end = { last_seq: 0, head: chainStart("physics") };
    assert.deepEqual(joined, { room: "physics", ...settings, ...end });
    assert.deepEqual(keys, alice.joined.keys);
  }
  assert.equal(await say(server, alice, ALICE, "in the lobby"), 1);
  assert.equal(await say(server, alice, ALICE, "on waves", "physics"), 1);
  const heard = [await bob.hears("message"), await bob.hears("message")];
  assert.deepEqual(heard.map(({ room, seq }) => [room, seq]), [[LOBBY, 1], ["physics", 1]]);
  assert.equal((await olga.hears("message")).room, LOBBY);
  assert.equal(await say(server, olga, OLGA, "bye"), 2, "olga did not get what physics heard");
});

Deno.test("who left a room gets nothing more of it, may come back, and the others go on", async () => {
  await using server = await startWithOperator([ALICE, BOB]);
  await onConsole(server, (operations) => operations.createRoom(CONSOLE, "physics", ""));
  using alice = await RawMember.join(server.port, ALICE);
  using bob = await RawMember.join(server.port, BOB);
  assert.equal(await join(alice, "physics"), "joined", "at once, though the console made it");
  assert.equal(await join(bob, "physics"), "joined");
  alice.say({ type: "leave", room: "physics" });
  const { room, code } = await alice.hears("left");
  assert.deepEqual([room, code], ["physics", "left"]);
  assert.equal(await say(server, bob, BOB, "alice is gone", "physics"), 1);
  assert.equal(await say(server, bob, BOB, "all are here"), 1);
  assert.equal((await alice.hears("message")).room, LOBBY);
  assert.equal(await say(server, alice, ALICE, "me too", "physics"), "room-not-joined");
  alice.say({ type: "join", room: "physics", after: 0 });
  assert.equal((await alice.hears("joined")).last_seq, 1);
  assert.equal((await alice.hears("message")).room, "physics");
});

/** Joins a room; the type of the answer, or its code. */
async function join(member: RawMember, room: string): Promise<string> {
  member.say({ type: "join", room });
  const answer = await member.hear();
  return answer.type === "error" ? answer.code : answer.type;
}

Deno.test("what concerns a room that one is not in is refused, and nothing ends", async () => {
  await using server = await startWithOperator([ALICE]);
  using alice = await RawMember.join(server.port, ALICE);
  assert.equal(await join(alice, "physics"), "room-unknown");
  assert.equal(await say(server, alice, ALICE, "hello?", "physics"), "room-not-joined");
  alice.say({ type: "leave", room: "physics" });
  assert.equal((await alice.hears("error")).code, "room-not-joined");
  alice.say({ type: "history", room: "physics", before: 1, limit: 1 });
  assert.deepEqual([(await alice.hears("error")).code], ["room-not-joined"]);
  assert.equal(await alice.ask({ do: "names", room: "physics" }), "room-unknown");
  assert.equal(await say(server, alice, ALICE, "all is well"), 1);
});

Deno.test("members make no rooms, and no room can be made twice", async () => {
  await using server = await startWithOperator([ALICE]);
  using alice = await RawMember.join(server.port, ALICE);
  using olga = await RawMember.join(server.port, OLGA);
  const request = { do: "create_room", room: "physics", topic: "" } as const;
  assert.equal(await alice.ask(request), "not-operator");
  assert.deepEqual(await olga.ask(request), DONE);
  assert.equal(await olga.ask(request), "room-taken");
  assert.equal(await olga.ask({ ...request, room: LOBBY }), "room-taken");
});

Deno.test("rooms are listed with their kind, their topic and how many people are there", async () => {
  await using server = await startWithOperator([ALICE]);
  using alice = await RawMember.join(server.port, ALICE);
  using again = await RawMember.join(server.port, ALICE);
  using olga = await RawMember.join(server.port, OLGA);
  await olga.ask({ do: "create_room", room: "physics", topic: "waves" });
  const rooms = [
    { room: LOBBY, kind: "open", topic: "", members: 2 },
    { room: "physics", kind: "open", topic: "waves", members: 0 },
  ];
  for (const member of [alice, again]) {
    assert.deepEqual(await member.ask({ do: "rooms" }), { is: "rooms", rooms, more: 0 });
  }
});

Deno.test("members are told a room's new topic and pace, and by whom", async () => {
  await using server = await startWithOperator([ALICE]);
  using alice = await RawMember.join(server.port, ALICE);
  using olga = await RawMember.join(server.port, OLGA);
  olga.say({ type: "request", ref: 1, request: { do: "topic", room: LOBBY, topic: "exams" } });
  const settings = { type: "settings", room: LOBBY, topic: "exams", slow: 0, by: "olga" };
  assert.deepEqual(await alice.hears("settings"), settings);
  assert.deepEqual(await olga.hears("settings"), settings);
  assert.deepEqual((await olga.hears("reply")).result, DONE);
  await onConsole(server, (operations) => operations.setSlow(CONSOLE, LOBBY, 60));
  const { by: _, ...byConsole } = { ...settings, slow: 60 };
  assert.deepEqual(await alice.hears("settings"), byConsole);
});

Deno.test("a slow room takes one message of a member at a time, and operators' as they come", async () => {
  await using server = await startWithOperator([ALICE, BOB]);
  using olga = await RawMember.join(server.port, OLGA);
  const settings = { do: "slow", room: LOBBY, seconds: 60 } as const;
  olga.say({ type: "request", ref: 1, request: settings });
  await olga.hears("settings");
  await olga.hears("reply");
  using alice = await RawMember.join(server.port, ALICE);
  assert.equal(alice.joined.slow, 60);
  assert.equal(await say(server, alice, ALICE, "first"), 1);
  assert.equal(await say(server, alice, ALICE, "second"), "slow-mode");
  using bob = await RawMember.join(server.port, BOB);
  assert.equal(await say(server, bob, BOB, "mine"), 2);
  await olga.hears("message");
  await olga.hears("message");
  assert.equal(await say(server, olga, OLGA, "as I"), 3);
  assert.equal(await say(server, olga, OLGA, "like"), 4);
});

Deno.test("in a slow room, a message that was refused for its key does not cost the next one's place", async () => {
  await using server = await startWithOperator([ALICE]);
  await onConsole(server, (operations) => operations.setSlow(CONSOLE, LOBBY, 60));
  using alice = await RawMember.join(server.port, ALICE);
  if (alice.joined.slow === 0) await alice.hears("settings"); // the server looks every half second
  const envelope = { room: LOBBY, id: "m-1", sent_at: "2026-01-01T00:00:00.000Z" };
  const older = sealText(FernetKey.generate(), { ...envelope, sender: "alice" }, "hello");
  alice.say({ type: "send", ...envelope, key_id: older.keyId, token: older.token });
  assert.equal((await alice.hears("error")).code, "key-outdated");
  assert.equal(await say(server, alice, ALICE, "hello"), 1);
  assert.equal(await say(server, alice, ALICE, "again"), "slow-mode");
});

Deno.test("nobody is in more rooms than can be, and each room can be joined once", async () => {
  await using server = await startWithOperator([ALICE]);
  await onConsole(server, (operations) => {
    for (let at = 1; at <= MAX_ROOMS_JOINED; at++) operations.createRoom(CONSOLE, `r${at}`, "");
  });
  using alice = await RawMember.join(server.port, ALICE);
  assert.equal(await join(alice, "r1"), "joined");
  for (let at = 2; at < MAX_ROOMS_JOINED; at++) assert.equal(await join(alice, `r${at}`), "joined");
  assert.equal(await join(alice, `r${MAX_ROOMS_JOINED}`), "too-many-rooms");
  alice.say({ type: "join", room: LOBBY });
  assert.equal((await alice.hears("bye")).code, "message-unexpected");
});
