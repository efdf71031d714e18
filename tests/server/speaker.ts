/**
 * What the tests of rooms and people share: an operator beside the members, and messages by hand.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Credentials } from "../../lib/client/login.ts";
import { LOBBY, sealText } from "../../lib/rooms/open_room.ts";
import { openExistingDatabase } from "../../lib/database.ts";
import { CONSOLE, Operations } from "../../lib/server/operations.ts";
import { type RawMember, TestServer } from "../attacks/server.ts";

/** An operator. */
export const OLGA: Credentials = { username: "olga", password: "olga's orange 12" };

/** A server with members, and {@linkcode OLGA}, its operator. */
export async function startWithOperator(
  members: readonly Credentials[],
  options: Parameters<typeof TestServer.start>[1] = {},
): Promise<TestServer> {
  const server = await TestServer.start([...members, OLGA], options);
  await onConsole(server, (operations) => operations.setRole(CONSOLE, "olga", "operator"));
  return server;
}

/** Does something in another process's way: with a connection to the database of its own. */
export async function onConsole<T>(
  server: TestServer,
  work: (operations: Operations) => T,
): Promise<T> {
  const database = openExistingDatabase(server.db);
  try {
    return work(await Operations.open(database, server.db));
  } finally {
    database.close();
  }
}

/** Sends a text to a room; the answer is an ack's `seq`, or an error's code. */
export async function say(
  server: TestServer,
  member: RawMember,
  sender: Credentials,
  text: string,
  room: string = LOBBY,
): Promise<number | string> {
  const key = server.running.ring.primary;
  const envelope = { room, id: crypto.randomUUID(), sent_at: "2026-01-01T00:00:00.000Z" };
  const { keyId, token } = sealText(key, { ...envelope, sender: sender.username }, text);
  member.say({ type: "send", ...envelope, key_id: keyId, token });
  const answer = await member.hear();
  if (answer.type === "ack") return answer.seq;
  assert.ok(answer.type === "error", answer.type);
  assert.deepEqual([answer.id, answer.room], [envelope.id, room]);
  return answer.code;
}
