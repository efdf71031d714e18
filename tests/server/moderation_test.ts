/**
 * What operators can do to people, and what nobody can. A raw member asks, a real server answers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { LoginError } from "../../lib/errors.ts";
import type { Request } from "../../lib/protocol/requests.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { ALICE, assertFails, BOB, connectAs, MALLORY, RawMember } from "../attacks/server.ts";
import { CONSOLE } from "../../lib/server/operations.ts";
import { OLGA, onConsole, say, startWithOperator } from "./speaker.ts";

const DONE = { is: "done" };

Deno.test("a ban ends all sessions of the account, and its logins, and nobody else's", async () => {
  await using server = await startWithOperator([ALICE, MALLORY]);
  using olga = await RawMember.join(server.port, OLGA);
  using alice = await RawMember.join(server.port, ALICE);
  const sessions = await Promise.all([1, 2, 3].map(() => RawMember.join(server.port, MALLORY)));
  const ban = { do: "ban", user: "MALLORY", seconds: 3600, reason: "spam" } as const;
  assert.deepEqual(await olga.ask(ban), DONE);
  for (const session of sessions) {
    const { code, message } = await session.hears("bye");
    assert.equal(code, "banned");
    assert.match(message, /^You are banned until \d{4}-\d\d-\d\d \d\d:\d\d UTC: spam$/);
    session[Symbol.dispose]();
  }
  await assertFails(connectAs({ ...MALLORY, port: server.port }), LoginError, "banned");
  assert.equal(await say(server, alice, ALICE, "quiet again"), 1);
});

Deno.test("what a banned session still sends is not read", async () => {
  await using server = await startWithOperator([ALICE, MALLORY]);
  using olga = await RawMember.join(server.port, OLGA);
  using mallory = await RawMember.join(server.port, MALLORY);
  using alice = await RawMember.join(server.port, ALICE);
  await olga.ask({ do: "ban", user: "mallory", reason: "" });
  mallory.say({ type: "request", ref: 1, request: { do: "rooms" } });
  assert.equal((await mallory.hears("bye")).message, "You are banned for good");
  assert.equal(await mallory.channel.receive(), null);
  assert.deepEqual(await alice.ask({ do: "names", room: LOBBY }), {
    is: "names",
    room: LOBBY,
    names: [{ user: "alice", role: "member" }, { user: "olga", role: "operator" }],
    more: 0,
  });
});

Deno.test("a ban survives a restart, ends with its time, and can be lifted", async () => {
  await using server = await startWithOperator([MALLORY]);
  await onConsole(server, (operations) => {
    operations.ban(CONSOLE, "mallory", { seconds: 3600, reason: "" });
  });
  await server.restart();
  await assertFails(connectAs({ ...MALLORY, port: server.port }), LoginError, "banned");
  using olga = await RawMember.join(server.port, OLGA);
  assert.deepEqual(await olga.ask({ do: "unban", user: "mallory" }), DONE);
  assert.equal(await olga.ask({ do: "unban", user: "mallory" }), "not-banned");
  using _ = await RawMember.join(server.port, MALLORY);
});

Deno.test("a wrong password is refused like any other: only its owner learns of a ban", async () => {
  await using server = await startWithOperator([MALLORY]);
  await onConsole(server, (operations) => operations.ban(CONSOLE, "mallory", { reason: "" }));
  const wrong = { ...MALLORY, password: "guess", port: server.port };
  await assertFails(connectAs(wrong), LoginError, "login-refused");
});

Deno.test("a kick puts every session out of the room, which may be joined again", async () => {
  await using server = await startWithOperator([ALICE, MALLORY]);
  using olga = await RawMember.join(server.port, OLGA);
  using first = await RawMember.join(server.port, MALLORY);
  using second = await RawMember.join(server.port, MALLORY);
  const kick = { do: "kick", room: LOBBY, user: "mallory", reason: "calm down" } as const;
  assert.deepEqual(await olga.ask(kick), DONE);
  for (const session of [first, second]) {
    const { type: _, ...left } = await session.hears("left");
    const message = "olga put you out: calm down";
    assert.deepEqual(left, { room: LOBBY, code: "kicked", message });
  }
  assert.equal(await say(server, first, MALLORY, "still here?"), "room-not-joined");
  assert.equal(await olga.ask(kick), "not-in-room");
  first.say({ type: "join", room: LOBBY });
  await first.hears("joined");
  assert.equal(await say(server, first, MALLORY, "sorry"), 1);
});

Deno.test("a muted account reads and does not write, in any session, until it is unmuted", async () => {
  await using server = await startWithOperator([ALICE, MALLORY]);
  using olga = await RawMember.join(server.port, OLGA);
  using alice = await RawMember.join(server.port, ALICE);
  using mallory = await RawMember.join(server.port, MALLORY);
  assert.deepEqual(await olga.ask({ do: "mute", user: "mallory", reason: "" }), DONE);
  using later = await RawMember.join(server.port, MALLORY);
  for (const session of [mallory, later]) {
    assert.equal(await say(server, session, MALLORY, "mine"), "muted");
  }
  assert.equal(await say(server, alice, ALICE, "hello"), 1);
  for (const session of [olga, mallory, later]) await session.hears("message");
  assert.deepEqual(await olga.ask({ do: "unmute", user: "mallory" }), DONE);
  assert.equal(await say(server, mallory, MALLORY, "thanks"), 2);
});

Deno.test("members cannot moderate, nobody himself or an operator, and all of it ends nothing", async () => {
  await using server = await startWithOperator([ALICE, BOB]);
  using olga = await RawMember.join(server.port, OLGA);
  using alice = await RawMember.join(server.port, ALICE);
  using _ = await RawMember.join(server.port, BOB);
  const deeds = (user: string): Request[] => [
    { do: "kick", room: LOBBY, user, reason: "" },
    { do: "ban", user, reason: "" },
    { do: "mute", user, reason: "" },
  ];
  for (const deed of [...deeds("bob"), { do: "slow", room: LOBBY, seconds: 1 } as const]) {
    assert.equal(await alice.ask(deed), "not-operator", deed.do);
  }
  for (const deed of deeds("olga")) assert.equal(await olga.ask(deed), "target-self", deed.do);
  for (const deed of deeds("nobody-here")) {
    assert.equal(await olga.ask(deed), "name-unknown", deed.do);
  }
  await onConsole(server, (operations) => operations.setRole(CONSOLE, "bob", "operator"));
  for (const deed of deeds("bob")) assert.equal(await olga.ask(deed), "target-operator", deed.do);
});

Deno.test("an operator demoted while connected can do nothing more", async () => {
  await using server = await startWithOperator([ALICE]);
  using olga = await RawMember.join(server.port, OLGA);
  assert.deepEqual(await olga.ask({ do: "mute", user: "alice", reason: "" }), DONE);
  await onConsole(server, (operations) => operations.setRole(CONSOLE, "olga", "member"));
  assert.equal(await olga.ask({ do: "unmute", user: "alice" }), "not-operator");
});

Deno.test("the console ends the sessions of who is kicked, removed or given a new password", async () => {
  await using server = await startWithOperator([ALICE, BOB, MALLORY]);
  const cases = [
    [
      ALICE,
      "kicked",
      (name: string) =>
        onConsole(server, (operations) => operations.endSessions(CONSOLE, name, "")),
    ],
    [
      BOB,
      "account-removed",
      (name: string) => onConsole(server, (operations) => operations.removeAccount(CONSOLE, name)),
    ],
    [
      MALLORY,
      "kicked",
      (name: string) =>
        onConsole(server, (operations) => operations.setPassword(CONSOLE, name, "new")),
    ],
  ] as const;
  for (const [who, code, work] of cases) {
    using first = await RawMember.join(server.port, who);
    using second = await RawMember.join(server.port, who);
    await work(who.username);
    assert.equal((await first.hears("bye")).code, code);
    assert.equal((await second.hears("bye")).code, code);
  }
  using again = await RawMember.join(server.port, ALICE);
  assert.equal(await say(server, again, ALICE, "back"), 1);
});

Deno.test("whois tells sessions to all, and their addresses to operators and to oneself", async () => {
  await using server = await startWithOperator([ALICE, BOB]);
  using olga = await RawMember.join(server.port, OLGA);
  using alice = await RawMember.join(server.port, ALICE);
  using again = await RawMember.join(server.port, ALICE);
  using bob = await RawMember.join(server.port, BOB);
  await alice.ask({ do: "away", text: "lunch" });
  const about = { do: "whois", user: "Alice" } as const;
  for (const [asker, address] of [[olga, "127.0.0.1"], [again, "127.0.0.1"], [bob, undefined]]) {
    const answer = await (asker as RawMember).ask(about);
    assert.ok(typeof answer === "object" && answer.is === "whois");
    const { user, role, away, muted, sessions, rooms } = answer;
    assert.deepEqual([user, role, away, muted], ["alice", "member", "lunch", false]);
    assert.deepEqual(sessions.map((session) => session.address), [address, address]);
    assert.deepEqual(rooms, [LOBBY]);
  }
  assert.equal(await bob.ask({ do: "whois", user: "no such" }), "name-unknown");
  assert.deepEqual(await alice.ask({ do: "back" }), DONE);
});

Deno.test("who speaks is not away any more, and who is gone is not either", async () => {
  await using server = await startWithOperator([ALICE, BOB]);
  using bob = await RawMember.join(server.port, BOB);
  const aways = async (): Promise<(string | undefined)[]> => {
    const answer = await bob.ask({ do: "names", room: LOBBY });
    assert.ok(typeof answer === "object" && answer.is === "names");
    return answer.names.filter(({ user }) => user === "alice").map(({ away }) => away);
  };
  {
    using alice = await RawMember.join(server.port, ALICE);
    await alice.ask({ do: "away", text: "" });
    assert.deepEqual(await aways(), [""]);
    await say(server, alice, ALICE, "here");
    await bob.hears("message");
    assert.deepEqual(await aways(), [undefined]);
    await alice.ask({ do: "away", text: "gone" });
  }
  await server.reported(/^alice .* ended/);
  assert.deepEqual(await aways(), []);
  using _ = await RawMember.join(server.port, ALICE);
  assert.deepEqual(await aways(), [undefined]);
});

Deno.test("every deed is noted: who, what, whom, where, why", async () => {
  await using server = await startWithOperator([ALICE, MALLORY]);
  using olga = await RawMember.join(server.port, OLGA);
  using mallory = await RawMember.join(server.port, MALLORY);
  await olga.ask({ do: "kick", room: LOBBY, user: "mallory", reason: "first" });
  await mallory.hears("left");
  await olga.ask({ do: "mute", user: "mallory", seconds: 60, reason: "second" });
  await olga.ask({ do: "ban", user: "mallory", reason: "third" });
  const notes = await onConsole(server, (operations) => operations.audit.read(10));
  assert.deepEqual(
    notes.map(({ actor, action, target, room, reason }) => [actor, action, target, room, reason]),
    [
      ["console", "role", "olga", null, "operator"],
      ["olga", "kick", "mallory", LOBBY, "first"],
      ["olga", "mute", "mallory", null, "second"],
      ["olga", "ban", "mallory", null, "third"],
    ],
  );
});
