/**
 * Presence: what members are told of comings and goings is gathered, and says what changed for them.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { MessageOf, ServerMessage } from "../../lib/protocol/messages.ts";
import type { PresenceChange } from "../../lib/protocol/requests.ts";
import { Presence, type PresenceOptions } from "../../lib/server/presence.ts";
import { ALICE, BOB, RawMember, TestServer } from "../attacks/server.ts";

type Told = MessageOf<ServerMessage, "presence">;

/** A presence that tells the test. */
function gathering(options: Partial<PresenceOptions> = {}): {
  presence: Presence & Disposable;
  told: Told[];
  next(): Promise<Told>;
} {
  const told: Told[] = [];
  let waiting = Promise.withResolvers<Told>();
  const presence = new Presence((room, message) => {
    assert.equal(room, message.room);
    told.push(message);
    waiting.resolve(message);
    waiting = Promise.withResolvers();
  }, { quietMs: 5, ...options });
  const disposable = Object.assign(presence, { [Symbol.dispose]: () => presence.close() });
  return { presence: disposable, told, next: () => waiting.promise };
}

/** `alice joined`, or `bob away: lunch`. */
function lines({ changes }: Told): string[] {
  return changes.map(({ user, change, text }: PresenceChange) =>
    text === undefined ? `${user} ${change}` : `${user} ${change}: ${text}`
  );
}

Deno.test("forty people who arrive one after the other are one message", async () => {
  const { presence, told, next } = gathering();
  using _ = presence;
  const names = Array.from({ length: 40 }, (_, at) => `student${at + 1}`);
  for (const name of names) presence.arrived("lobby", name);
  assert.deepEqual(lines(await next()), names.map((name) => `${name} joined`));
  assert.equal(told.length, 1);
});

Deno.test("more than 64 changes are counted beyond the 64th", async () => {
  const { presence, next } = gathering();
  using _ = presence;
  for (let at = 0; at < 100; at += 1) presence.arrived("lobby", `student${at}`);
  const { changes, more } = await next();
  assert.deepEqual([changes.length, more], [64, 36]);
});

Deno.test("only an account's first connection joins a room, and only its last one leaves it", async () => {
  const { presence, next } = gathering();
  using _ = presence;
  presence.arrived("lobby", "alice");
  presence.arrived("lobby", "alice");
  assert.deepEqual(lines(await next()), ["alice joined"]);
  presence.departed("lobby", "alice");
  presence.arrived("lobby", "bob");
  assert.deepEqual(lines(await next()), ["bob joined"]);
  presence.departed("lobby", "alice");
  assert.deepEqual(lines(await next()), ["alice left"]);
  assert.deepEqual(presence.names("lobby"), ["bob"]);
});

Deno.test("who comes back before it was told never left, and who is gone again never came", async () => {
  const { presence, told, next } = gathering();
  using _ = presence;
  presence.arrived("lobby", "alice");
  await next();
  presence.departed("lobby", "alice");
  presence.arrived("lobby", "bob");
  presence.departed("lobby", "bob");
  presence.arrived("lobby", "alice");
  presence.arrived("lobby", "carol");
  assert.deepEqual(lines(await next()), ["carol joined"]);
  assert.equal(told.length, 2);
});

Deno.test("who is away is told to the rooms that they are in, with the latest text", async () => {
  const { presence, told, next } = gathering();
  using _ = presence;
  presence.arrived("lobby", "alice");
  presence.arrived("physics", "bob");
  await next();
  if (told.length < 2) await next();
  presence.setAway("alice", "lunch");
  presence.setAway("alice", "tea");
  assert.deepEqual(lines(await next()), ["alice away: tea"]);
  assert.equal(presence.awayText("alice"), "tea");
  presence.setBack("alice");
  assert.deepEqual(lines(await next()), ["alice back"]);
  assert.deepEqual(told.map(({ room }) => room), ["lobby", "physics", "lobby", "lobby"]);
});

Deno.test("news that never pause are told all the same", async () => {
  const { presence, next } = gathering({ quietMs: 60_000, mostMs: 5 });
  using _ = presence;
  presence.arrived("lobby", "alice");
  assert.deepEqual(lines(await next()), ["alice joined"]);
});

Deno.test("names come in alphabetical order, without regard to case", () => {
  const { presence } = gathering();
  using _ = presence;
  for (const name of ["bob", "Alice", "Carol", "alan"]) presence.arrived("lobby", name);
  assert.deepEqual(presence.names("lobby"), ["alan", "Alice", "bob", "Carol"]);
  assert.deepEqual(presence.names("physics"), []);
  assert.deepEqual([presence.count("lobby"), presence.count("physics")], [4, 0]);
  assert.deepEqual(presence.roomsOf("bob"), ["lobby"]);
});

Deno.test("members of a real server hear who comes, goes and is away, and nothing of it is in the log", async () => {
  await using server = await TestServer.start([ALICE, BOB], { presence: { quietMs: 20 } });
  using alice = await RawMember.join(server.port, ALICE);
  assert.deepEqual(lines(await alice.hears("presence")), ["alice joined"]);
  {
    using bob = await RawMember.join(server.port, BOB);
    assert.deepEqual(lines(await alice.hears("presence")), ["bob joined"]);
    assert.deepEqual(lines(await bob.hears("presence")), ["bob joined"]);
    assert.deepEqual(await bob.ask({ do: "away", text: "tea" }), { is: "done" });
    assert.deepEqual(lines(await alice.hears("presence")), ["bob away: tea"]);
  }
  assert.deepEqual(lines(await alice.hears("presence")), ["bob left"]);
  using late = await RawMember.join(server.port, BOB, 0);
  assert.deepEqual(lines(await late.hears("presence")), ["bob joined"]);
  assert.deepEqual(server.entries(), []);
});
