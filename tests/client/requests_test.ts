/**
 * Requests and their answers, in any order and over a connection that ends.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CallerError, EnvironmentError } from "../../lib/errors.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { assertFails, nextEvent } from "../attacks/server.ts";
import { PuppetServer } from "./puppet_server.ts";

Deno.test("each answer goes to its request, whichever comes first", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const rooms = client.request({ do: "rooms" });
  const kick = client.request({ do: "kick", room: LOBBY, user: "bob", reason: "" });
  const [first, second] = [await server.receive("request"), await server.receive("request")];
  assert.notEqual(first.ref, second.ref);
  server.say({ type: "error", code: "not-operator", message: "Operators only", ref: second.ref });
  server.say({ type: "reply", ref: first.ref, result: { is: "rooms", rooms: [], more: 0 } });
  assert.equal(
    (await assertFails(kick, EnvironmentError, "not-operator")).message,
    "Operators only",
  );
  assert.deepEqual(await rooms, { is: "rooms", rooms: [], more: 0 });
});

Deno.test("a request that cannot be is not sent, and what is wrong with it is said", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const topic = client.request({ do: "topic", room: LOBBY, topic: "x".repeat(251) });
  assert.match((await assertFails(topic, CallerError, "request-invalid")).hint ?? "", /250/);
  const lines = client.request({ do: "away", text: "two\nlines" });
  await assertFails(lines, CallerError, "request-invalid");
  const nobody = client.request({ do: "whois", user: "" });
  await assertFails(nobody, CallerError, "request-invalid");
  client.request({ do: "rooms" }).catch(() => {});
  assert.equal((await server.receive("request")).request.do, "rooms");
});

Deno.test("a cut connection ends what waits for an answer; without one, nothing is asked", async () => {
  await using server = await PuppetServer.start({
    timing: { leastDelayMs: 1e9, mostDelayMs: 1e9 },
  });
  const { client } = server;
  const asking = [client.request({ do: "rooms" }), client.join("physics")];
  await server.receive("request");
  server.cut();
  for (const each of asking) await assertFails(each, EnvironmentError, "connection-cut");
  await nextEvent(client, "reconnecting");
  await assertFails(client.request({ do: "rooms" }), EnvironmentError, "not-connected");
  await assertFails(client.join("physics"), EnvironmentError, "not-connected");
});

Deno.test("an answer to nothing, or to another question, ends the connection", async () => {
  for (const ref of [1, 2]) {
    await using server = await PuppetServer.start({ reconnectForMs: 0 });
    server.client.request({ do: "rooms" }).catch(() => {});
    await server.receive("request");
    server.say({ type: "reply", ref, result: { is: "done" } });
    assert.equal((await nextEvent(server.client, "closed")).reason, "message-unexpected");
  }
});

Deno.test("who is away is so again after an outage; who is back, or speaks, is not", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const answer = async (): Promise<unknown> => {
    const { ref, request } = await server.receive("request");
    server.say({ type: "reply", ref, result: { is: "done" } });
    return request;
  };
  const away = { do: "away", text: "lunch" };
  const leaving = client.setAway("lunch");
  assert.deepEqual(await answer(), away);
  await leaving;
  server.cut();
  await server.acceptAgain();
  assert.deepEqual(await answer(), away);
  const sending = client.send("I speak", { id: "i" });
  const [send] = await server.receiveSends(1);
  assert.ok(send);
  server.ack(send);
  await sending;
  server.cut();
  await server.acceptAgain();
  const back = client.back(); // and no request before it
  assert.deepEqual(await answer(), { do: "back" });
  await back;
});
