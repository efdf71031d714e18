/**
 * All at once, on one server: idle members, strangers who hold half a handshake, strangers who send
 * garbage again and again, and a member who stops reading. Two people chat on; everybody who did
 * nothing wrong stays; and nothing is left of the others. The figures at 3,000 connections are
 * `deno task load`'s.
 *
 * @module
 */

import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { ChatConnection } from "../../lib/client/connection.ts";
import { send } from "../../lib/client/exchange.ts";
import type { SecureChannel } from "../../lib/protocol/channel.ts";
import { decodeServerMessage } from "../../lib/protocol/messages.ts";
import { MIN_QUEUED_BYTES } from "../../lib/server/limits.ts";
import { addQuickAccounts, joinQuickly } from "./quick_login.ts";
import { ALICE, BOB, TestServer } from "./server.ts";
import { garbage, halfHello, Noise, visit } from "./strangers.ts";

const IDLE = 30;
const HALF_OPEN = 50;
const GARBAGE = 50;
const BREATH = 16; // texts that someone says at once
const CROWD = { username: "crowd", password: "not a secret" };
const LIMITS = {
  maxUnauthenticated: 60, // fewer than there are strangers
  handshakeMs: 1_000,
  messageBurst: 100_000,
  maxQueuedBytes: MIN_QUEUED_BYTES,
};

/** Strangers who come again as soon as they are closed, until they are called off. */
class Flood {
  visits = 0;
  #calledOff = false;
  readonly #peers: Promise<void>[];

  constructor(port: number) {
    const noise = new Noise(0x5eed);
    const say = [
      ...Array.from({ length: HALF_OPEN }, () => halfHello),
      ...Array.from({ length: GARBAGE }, () => garbage),
    ];
    this.#peers = say.map((words) => this.#come(port, () => words(noise)));
  }

  /** Resolves when all are gone. */
  async callOff(): Promise<void> {
    this.#calledOff = true;
    await Promise.all(this.#peers);
  }

  async #come(port: number, words: () => Uint8Array): Promise<void> {
    while (!this.#calledOff) {
      this.visits += 1;
      await visit(port, words());
    }
  }
}

/** The codes and texts' ids that a member hears, to the end of the connection. */
async function hearAll(channel: SecureChannel): Promise<string[]> {
  const heard: string[] = [];
  for (;;) {
    const encoded = await channel.receive();
    if (encoded === null) return heard;
    const message = decodeServerMessage(encoded);
    if (message.type === "message") heard.push(message.id);
    else heard.push(message.type === "bye" ? message.code : message.type);
    if (message.type === "bye") await channel.close();
  }
}

/** The ids of all messages of others, until the one that says `last`. */
async function hearUntil(chat: ChatConnection, last: string): Promise<string[]> {
  const heard: string[] = [];
  for await (const event of chat) {
    if (event.type === "ready" || event.type === "ack") continue;
    assert.equal(event.type, "message", JSON.stringify(event));
    heard.push(event.id);
    if (event.text === last) break;
  }
  return heard;
}

/** One says long texts, as many as it takes, and a last one; returns the ids. */
async function talk(chat: ChatConnection, enough: () => boolean, last: string): Promise<string[]> {
  const said: string[] = [];
  const say = async (text: string): Promise<void> => {
    const id = `${chat.user}-${said.length}`;
    said.push(id);
    await chat.send(text, { id });
  };
  while (!enough()) {
    await Promise.all(Array.from({ length: BREATH }, () => say("x".repeat(16_000))));
  }
  await say(last);
  return said;
}

/** Resolves when the server serves so many connections, and fails if it does not come to that. */
async function settled(server: TestServer, connections: number): Promise<void> {
  for (let turns = 0; turns < 1_000; turns++) {
    if (server.running.connections === connections) return;
    await setImmediate();
  }
  assert.equal(server.running.connections, connections);
}

function ends(server: TestServer): number {
  return server.reports.filter((line) => / stranger ended/.test(line)).length;
}

// The kernel takes some megabytes for a member who does not read before the server notices: this
// takes seconds.
Deno.test("a flood of strangers and a stalled member cost nobody else anything", async () => {
  await using server = await TestServer.start([ALICE, BOB], { limits: LIMITS });
  await addQuickAccounts(server.db, [CROWD]);
  await using alice = await server.connect(ALICE);
  await using bob = await server.connect(BOB);
  const idle = [];
  for (let count = 0; count < IDLE; count++) idle.push(await joinQuickly(server.port, CROWD));
  const heardByIdle = idle.map(({ channel }) => hearAll(channel));
  const { channel: stalled } = await joinQuickly(server.port, CROWD);
  const flood = new Flood(server.port);

  let gone = false;
  const sentAway = server.reported(/^crowd .*: You read slower/).then(() => gone = true);
  const heard = Promise.all([hearUntil(bob, "that's all"), hearUntil(alice, "that's all")]);
  const [saidByAlice, saidByBob] = await Promise.all(
    [alice, bob].map((one) => talk(one, () => gone, "that's all")),
  );
  assert.deepEqual(await heard, [saidByAlice, saidByBob]);
  await sentAway;
  await server.reported(/: Its place was needed for another connection$/);
  await server.reported(/: The client's public key is not valid$/);
  await server.reported(/: The other side does not speak Fernchat$/);

  await flood.callOff();
  while (ends(server) < flood.visits) await server.reported(/./, server.reports.length);
  assert.equal(ends(server), flood.visits);

  assert.equal((await hearAll(stalled)).at(-1), "too-slow");
  await settled(server, idle.length + 2);
  const others = server.reports.filter((line) => /^(alice|bob|crowd) .* ended/.test(line));
  assert.equal(others.length, 1, others.join("\n"));
  for (const { channel } of idle) send(channel, { type: "ping" });
  for (const { channel } of idle) await channel.closeWrite();
  for (const one of await Promise.all(heardByIdle)) {
    assert.equal(one.pop(), "pong");
    const by = (name: string): string[] => one.filter((id) => id.startsWith(name));
    assert.deepEqual([by("alice"), by("bob")], [saidByAlice, saidByBob]);
  }
});
