/**
 * A server that mixes rooms up, or says what nobody asked for, to a client that is in two rooms:
 * what is said in one is never shown in the other, and what breaks the protocol ends the connection.
 *
 * What a server can do by right, it can do without one: put somebody out, change a topic, say that
 * people come and go. No client can tell.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ClientEvent } from "../../lib/client/events.ts";
import { EnvironmentError } from "../../lib/errors.ts";
import { FernetKey } from "../../lib/fernet.ts";
import { chainStart } from "../../lib/log/chain.ts";
import type { ServerMessage } from "../../lib/protocol/messages.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { brief, PuppetServer } from "../client/puppet_server.ts";
import { toWire } from "../client/puppet_room.ts";
import { assertFails, nextEvent } from "./server.ts";

const PHYSICS = "physics";

/** Rooms of one server have the same ring: no key keeps them apart. */
async function startInTwoRooms(): Promise<PuppetServer> {
  const server = await PuppetServer.start();
  server.room(PHYSICS).keys = server.keys;
  await server.letIn(PHYSICS);
  return server;
}

/** All that the client makes of it, up to a marker in the lobby, in short. */
async function heard(server: PuppetServer): Promise<string[]> {
  return brief((await server.events()).filter(({ type }) => type !== "joined"));
}

Deno.test("a message of one room, delivered as the other's: not shown, and told", async () => {
  await using server = await startInTwoRooms();
  const { seq: _, chain: __, ...said } = server.store("for the lobby alone");
  server.deliver(server.log[0]!);
  server.deliver(server.room(PHYSICS).append({ ...said, room: PHYSICS }));
  assert.deepEqual(await heard(server), ["message for the lobby alone", "error token-invalid"]);
});

Deno.test("a page of one room's history, given as the other's: not shown, and told", async () => {
  await using server = await PuppetServer.start({}, (one) => one.store("for the lobby alone"));
  const physics = server.room(PHYSICS);
  physics.keys = server.keys;
  const { seq: _, chain: __, ...said } = server.log[0]!;
  physics.append({ ...said, room: PHYSICS });
  await server.letIn(PHYSICS, { history: 1 });
  await server.answerHistory();
  const events: ClientEvent[] = await server.events();
  assert.deepEqual(brief(events.filter(({ type }) => type !== "joined")), ["error token-invalid"]);
});

Deno.test("an ack for a message of the other room ends the connection, and acks nothing", async () => {
  await using server = await startInTwoRooms();
  const sending = server.client.send("for physics", { id: "mine", room: PHYSICS });
  sending.catch(() => {});
  const [sent] = await server.receiveSends(1);
  server.ackEntry({ ...server.storeSent({ ...sent!, room: LOBBY }) });
  assert.equal((await nextEvent(server.client, "closed")).reason, "message-unexpected");
  await assert.rejects(sending);
});

Deno.test("one room's chain is not the other's: each is followed by itself", async () => {
  await using server = await startInTwoRooms();
  const physics = server.room(PHYSICS);
  server.deliver(server.store("one"), physics.store("two"), server.store("three"));
  physics.store("withheld");
  server.deliver(physics.store("four"));
  assert.deepEqual(
    await heard(server),
    ["message one", "message two", "message three", "error room-inconsistent", "message four"],
  );
});

Deno.test("a room's new keys open nothing of the other room", async () => {
  await using server = await startInTwoRooms();
  const foreign = FernetKey.generate();
  server.say({ type: "keys", room: PHYSICS, keys: [String(foreign), String(server.key)] });
  server.deliver(server.store("sealed for physics", { key: foreign }));
  assert.deepEqual(await heard(server), ["notice key-changed", "error token-invalid"]);
});

/** What a server may not say now, and why. */
const LIES: { [lie: string]: [reason: string, say: (server: PuppetServer) => ServerMessage] } = {
  "lets in where nobody asked": [
    "room-inconsistent",
    (server) => server.room("den").joined(),
  ],
  "lets in once more": [
    "room-inconsistent",
    (server) => server.room(PHYSICS).joined(),
  ],
  "puts out of a room that was not joined": [
    "room-inconsistent",
    () => ({ type: "left", room: "den", code: "kicked", message: "" }),
  ],
  "changes a room that was not joined": [
    "room-inconsistent",
    (server) => server.room("den").settings(),
  ],
  "tells who is in a room that was not joined": [
    "room-inconsistent",
    () => {
      const changes = [{ user: "bob", change: "joined" as const }];
      return { type: "presence", room: "den", changes, more: 0 };
    },
  ],
  "acks in a room that was not joined": [
    "room-inconsistent",
    () => ({ type: "ack", room: "den", id: "x", seq: 1, chain: chainStart("den") }),
  ],
  "refuses a message to a room that was not joined": [
    "room-inconsistent",
    () => ({ type: "error", code: "muted", message: "", room: "den", id: "x" }),
  ],
  "gives history that nobody asked for": [
    "message-unexpected",
    (server) => ({ type: "past", ...toWire(server.room(PHYSICS).store("x")) }),
  ],
  "answers what nobody asked": [
    "message-unexpected",
    () => ({ type: "reply", ref: 7, result: { is: "done" } }),
  ],
  "refuses what nobody asked": [
    "message-unexpected",
    () => ({ type: "error", code: "not-operator", message: "", ref: 7 }),
  ],
  "invites who is there already": [
    "message-unexpected",
    () => ({ type: "invited", role: "operator", room: LOBBY }),
  ],
  "welcomes a second time, as somebody else": [
    "message-unexpected",
    () => ({ type: "welcome", user: "bob" }),
  ],
  "takes a password that nobody changed": [
    "message-unexpected",
    () => ({ type: "registered" }),
  ],
};

for (const [lie, [reason, message]] of Object.entries(LIES)) {
  Deno.test(`a server that ${lie}: the end of the connection`, async () => {
    await using server = await startInTwoRooms();
    server.say(message(server));
    assert.equal((await nextEvent(server.client, "closed")).reason, reason);
  });
}

Deno.test("an answer to another question is none, and the end of the connection", async () => {
  await using server = await startInTwoRooms();
  const asking = server.client.request({ do: "whois", user: "bob" });
  asking.catch(() => {});
  const { ref } = await server.receive("request");
  server.say({ type: "reply", ref, result: { is: "done" } });
  await assert.rejects(asking);
  assert.equal((await nextEvent(server.client, "closed")).reason, "message-unexpected");
});

for (const undo of ["joined", "message"] as const) {
  Deno.test(`a kick is not undone by a ${undo} behind it: the end of the connection`, async () => {
    await using server = await startInTwoRooms();
    const physics = server.room(PHYSICS);
    server.say({ type: "left", room: PHYSICS, code: "kicked", message: "bob put you out" });
    if (undo === "joined") server.say(physics.joined());
    else server.deliver(physics.store("you still hear me"));
    assert.equal((await nextEvent(server.client, "left")).reason, "kicked");
    assert.equal((await nextEvent(server.client, "closed")).reason, "room-inconsistent");
  });
}

Deno.test("after an outage, nobody goes back where they were put out before it", async () => {
  await using server = await startInTwoRooms();
  server.say({ type: "left", room: PHYSICS, code: "kicked", message: "bob put you out" });
  await nextEvent(server.client, "left");
  server.cut();
  assert.equal((await server.acceptAgain()).room, LOBBY);
  const asking = server.client.request({ do: "rooms" });
  await server.receive("request"); // and no second `join` before it
  server.say({ type: "error", code: "server-failed", message: "", ref: 1 });
  await assertFails(asking, EnvironmentError, "server-failed");
});
