/**
 * What the server grants to a peer, and what comes beyond it: each limit with its own reason, and
 * nobody else notices.
 *
 * @module
 */

import assert from "node:assert/strict";
import { clientLoginStart } from "../../lib/auth/opaque.ts";
import { dial } from "../../lib/client/dial.ts";
import type { SecureChannel } from "../../lib/protocol/channel.ts";
import { decodeServerMessage, encodeClientMessage } from "../../lib/protocol/messages.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { ALICE, assertHeard, BOB, MALLORY, RawMember, TestServer } from "../attacks/server.ts";

/** A connection that says nothing. */
function knock(port: number): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port });
}

/** Resolves when the server has closed a connection. */
async function closed(connection: Deno.TcpConn): Promise<void> {
  const count = await connection.read(new Uint8Array(1)).catch(() => null); // null or a reset
  assert.equal(count, null);
  connection.close();
}

Deno.test("a connection that does not shake hands in time is closed", async () => {
  await using server = await TestServer.start([ALICE], { limits: { handshakeMs: 50 } });
  await closed(await knock(server.port));
});

Deno.test("a connection that does not log in in time is closed", async () => {
  await using server = await TestServer.start([ALICE], { limits: { loginMs: 50 } });
  const channel = await dial({ hostname: "127.0.0.1", port: server.port });
  await assert.rejects(channel.receive(), { code: "connection-cut" });
  await server.reported(/: The login took too long$/);
  await channel.close();
});

Deno.test("strangers beyond the limit displace the oldest of them, and never a member", async () => {
  await using server = await TestServer.start([ALICE, BOB], {
    limits: { maxUnauthenticated: 3 },
  });
  await using alice = await server.connect(ALICE);
  const strangers: Deno.TcpConn[] = [];
  for (let count = 0; count < 5; count++) strangers.push(await knock(server.port));
  for (const evicted of strangers.slice(0, 2)) await closed(evicted);
  await server.reported(/: Its place was needed for another connection$/);
  await using bob = await server.connect(BOB); // a stranger, too, until the login
  await assertHeard(alice, bob, "still here");
  await closed(strangers[2] as Deno.TcpConn);
  for (const left of strangers.slice(3)) left.close();
});

Deno.test("strangers of one address beyond its limit displace the oldest of them, never a member", async () => {
  await using server = await TestServer.start([ALICE, BOB], { limits: { maxPerAddress: 3 } });
  await using alice = await server.connect(ALICE);
  const [second, third, fourth] = [
    await knock(server.port),
    await knock(server.port),
    await knock(server.port),
  ];
  await closed(second);
  await server.reported(/: Its place was needed for another connection$/);
  await using bob = await server.connect(BOB); // a stranger, too, until the login
  await closed(third);
  await assertHeard(alice, bob, "still here");
  fourth.close();
});

Deno.test("an address whose members take all of its places gets no more: closed at once", async () => {
  await using server = await TestServer.start([ALICE, BOB], { limits: { maxPerAddress: 2 } });
  await using alice = await server.connect(ALICE);
  await using bob = await server.connect(BOB);
  await closed(await knock(server.port));
  await server.reported(/ connection refused: address-full$/);
  await assertHeard(alice, bob, "still here");
});

Deno.test("a member that gives no sign is sent away; one that pings stays", async () => {
  await using server = await TestServer.start([ALICE, BOB], {
    limits: { silenceMs: 300, silenceCheckMs: 50 },
  });
  using silent = await RawMember.join(server.port, ALICE);
  using alive = await RawMember.join(server.port, BOB);
  let over = false;
  const ended = silent.hears("bye").finally(() => over = true);
  while (!over) {
    alive.say({ type: "ping" });
    await alive.hears("pong");
  }
  assert.equal((await ended).code, "deadline-missed");
});

Deno.test("who sends faster than granted waits, loses nothing, and holds up nobody else", async () => {
  await using server = await TestServer.start([ALICE, BOB], {
    limits: { messagesPerSecond: 50, messageBurst: 5 },
  });
  await using alice = await server.connect(ALICE);
  await using bob = await server.connect(BOB);
  const flood = Array.from({ length: 30 }, (_, at) => alice.send(`${at}`));
  await flood[0];
  const { seq } = await bob.send("may I?");
  assert.ok(seq < 30, `bob's message came after ${seq - 1} of the flood's`);
  const seqs = (await Promise.all(flood)).map((ack) => ack.seq);
  const expected = Array.from({ length: 31 }, (_, at) => at + 1).filter((at) => at !== seq);
  assert.deepEqual(seqs, expected);
});

Deno.test("an account's rate is the same over all of its connections", async () => {
  await using server = await TestServer.start([ALICE, BOB], {
    limits: { messagesPerSecond: 50, messageBurst: 5 },
  });
  const sessions = await Promise.all([1, 2, 3].map(() => server.connect(ALICE)));
  await using bob = await server.connect(BOB);
  const flood = sessions.flatMap((one) => Array.from({ length: 10 }, () => one.send("x")));
  await flood[0];
  const { seq } = await bob.send("may I?");
  assert.ok(seq < 30, `bob's message came after ${seq - 1} of the flood's`);
  await Promise.all(flood);
  await Promise.all(sessions.map((one) => one.close()));
});

Deno.test("who joins and leaves in a loop waits like who sends, and holds up nobody else", async () => {
  await using server = await TestServer.start([ALICE, BOB], {
    limits: { messagesPerSecond: 200, messageBurst: 5 },
  });
  using alice = await RawMember.join(server.port, ALICE);
  await using bob = await server.connect(BOB);
  for (let at = 0; at < 30; at += 1) {
    alice.say({ type: "leave", room: LOBBY });
    alice.say({ type: "join", room: LOBBY });
  }
  alice.say({ type: "request", ref: 1, request: { do: "rooms" } });
  let isThrough = false;
  const through = (async () => {
    while ((await alice.hear()).type !== "reply");
    isThrough = true;
  })();
  for (let at = 0; at < 5; at += 1) await bob.send("may I?");
  assert.ok(!isThrough, "thirty rounds were quicker than five messages");
  await through;
});

Deno.test("tokens beyond the limit wait for the log, and are stored", async () => {
  await using server = await TestServer.start([ALICE], { limits: { maxPendingBytes: 10_000 } });
  await using alice = await server.connect(ALICE);
  const sends = Array.from({ length: 50 }, (_, at) => alice.send(`${at}`.padEnd(8_000)));
  const acks = await Promise.all(sends);
  assert.deepEqual(acks.map((ack) => ack.seq), sends.map((_, at) => at + 1));
});

/** One attempt to log in; the answer's type and code. */
async function attempt(channel: SecureChannel, username: string): Promise<string> {
  const { ke1 } = clientLoginStart(username, "a guess");
  channel.send(encodeClientMessage({ type: "login_start", username, ke1 }));
  const answer = decodeServerMessage(await channel.receive() as Uint8Array);
  return answer.type === "error" ? answer.code : answer.type;
}

Deno.test("guesses beyond the pace are refused, and the connection may try another name", async () => {
  await using server = await TestServer.start([ALICE, BOB], {
    pacing: { account: { burst: 2, intervalMs: 60_000 }, maxDelayMs: 0 },
  });
  const channel = await dial({ hostname: "127.0.0.1", port: server.port });
  const answers = [];
  for (const name of ["alice", "ALICE", "alice", "nobody", "nobody", "nobody"]) {
    answers.push(await attempt(channel, name));
  }
  const paced = ["login_response", "login_response", "login-throttled"];
  assert.deepEqual(answers, [...paced, ...paced]); // whether or not there is such an account
  await using bob = await server.connect(BOB);
  await bob.send("in all the same");
  await channel.close();
  await server.reported(/ login failed$/);
});

Deno.test("guesses beyond an account's pace do not keep out who has logged in from there", async () => {
  await using server = await TestServer.start([ALICE, MALLORY], {
    pacing: { account: { burst: 2, intervalMs: 60_000 }, maxDelayMs: 0 },
  });
  await (await server.connect(ALICE)).close();
  const channel = await dial({ hostname: "127.0.0.1", port: server.port });
  for (let guess = 0; guess < 4; guess++) await attempt(channel, "mallory");
  await using alice = await server.connect(ALICE);
  await alice.send("in all the same");
  await channel.close();
});
