/**
 * The SDK in several rooms of a real server, among people and operators.
 *
 * @module
 */

import assert from "node:assert/strict";
import { KeptLogin } from "../../lib/client/kept_login.ts";
import { TIMING } from "../../lib/client/timing.ts";
import { EnvironmentError, LoginError } from "../../lib/errors.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { ALICE, assertFails, BOB, nextEvent, TestServer } from "../attacks/server.ts";
import { OLGA, startWithOperator } from "../server/speaker.ts";

Deno.test("an operator makes a room; two talk there and in the lobby, each unheard in the other", async () => {
  await using server = await startWithOperator([ALICE, BOB]);
  await using olga = await server.connect(OLGA);
  await using alice = await server.connect(ALICE);
  await using bob = await server.connect(BOB);
  const create = { do: "create_room", room: "physics", topic: "waves" } as const;
  await assertFails(alice.request(create), EnvironmentError, "not-operator");
  assert.deepEqual(await olga.request(create), { is: "done" });
  const { topic, kind } = await alice.join("physics");
  assert.deepEqual([topic, kind], ["waves", "open"]);
  await bob.join("physics");
  await alice.send("in physics", { room: "physics" });
  await alice.send("in the lobby");
  const heard = [await nextEvent(bob, "message"), await nextEvent(bob, "message")];
  assert.deepEqual(heard.map(({ room, text }) => [room, text]), [
    ["physics", "in physics"],
    [LOBBY, "in the lobby"],
  ]);
  assert.equal((await nextEvent(olga, "message")).text, "in the lobby");
  await bob.leave("physics");
  const { names } = await alice.request({ do: "names", room: "physics" });
  assert.deepEqual(names.map(({ user }) => user), ["alice"]);
});

Deno.test("what an operator does to a room and to a member reaches the member's events", async () => {
  await using server = await startWithOperator([BOB]);
  await using olga = await server.connect(OLGA);
  await using bob = await server.connect(BOB);
  await olga.request({ do: "topic", room: LOBBY, topic: "exams" });
  const { topic, by } = await nextEvent(bob, "topic");
  assert.deepEqual([topic, by], ["exams", "olga"]);
  const nobody = olga.request({ do: "mute", user: "nobody-here", reason: "" });
  const { message } = await assertFails(nobody, EnvironmentError, "name-unknown");
  assert.equal(message, 'There is no account "nobody-here"', "no hint for the console");
  await olga.request({ do: "mute", user: "bob", reason: "" });
  await assertFails(bob.send("may I?"), EnvironmentError, "muted");
  await olga.request({ do: "unmute", user: "bob" });
  await olga.request({ do: "slow", room: LOBBY, seconds: 60 });
  assert.equal((await nextEvent(bob, "slow")).seconds, 60);
  await bob.send("once");
  await assertFails(bob.send("twice"), EnvironmentError, "slow-mode");
  await olga.request({ do: "kick", room: LOBBY, user: "bob", reason: "enough" });
  const left = await nextEvent(bob, "left");
  assert.deepEqual([left.reason, left.message], ["kicked", "olga put you out: enough"]);
  assert.equal((await bob.join(LOBBY)).slow, 60);
  await olga.request({ do: "ban", user: "bob", reason: "for good" });
  assert.equal((await nextEvent(bob, "closed")).reason, "banned");
  const again = await assertFails(server.connect(BOB), LoginError, "banned");
  assert.match(again.message, /You are banned for good: for good/);
});

Deno.test("a password that was changed: this one goes on, the old one opens nothing, the new one does", async () => {
  await using server = await TestServer.start([ALICE, BOB], {}, "chosen");
  const { port } = server;
  await using alice = await server.connect(ALICE);
  const wrong = alice.changePassword("wrong", "next word 5");
  await assertFails(wrong, LoginError, "login-refused");
  await alice.changePassword(ALICE.password, "next word 5");
  await alice.send("still here");
  await assertFails(server.connect(ALICE), LoginError, "login-refused");
  await using _ = await server.connect({ ...ALICE, password: "next word 5" });
  const kept = new KeptLogin({ hostname: "127.0.0.1", port }, BOB, TIMING);
  await kept.changePassword(BOB.password, "bob's next 6", () => undefined);
  const { channel } = await kept.logIn(); // as after an outage
  await channel.close();
  const elsewhere = new KeptLogin({ hostname: "127.0.0.1", port }, BOB, TIMING, true);
  const outdated = await assertFails(elsewhere.logIn(), LoginError, "login-refused");
  assert.match(outdated.message, /the password is not the one of before/);
});
