/**
 * The course project sent its Fernet key in the clear: who recorded the network could read it all.
 * Here everything of two sessions is recorded, and nothing that is secret is in it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { encodeClientMessage } from "../../lib/protocol/messages.ts";
import { LOBBY, sealText } from "../../lib/rooms/open_room.ts";
import { concat, type Link, Proxy } from "./proxy.ts";
import { ALICE, assertHeard, BOB, RawMember, TestServer } from "./server.ts";

const TEXT = "the exam's question 3 is about Kerberos";

/** Bytes of the shortest form that is looked for: what is shorter also comes up by chance. */
const SHORTEST = 5;

/** A secret in every form in which it could stand on the wire. */
function forms(secret: Uint8Array): Buffer[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString("hex");
  const texts = [hex, hex.toUpperCase(), ...base64Forms(bytes)];
  const all = [bytes, Buffer.from(bytes.toReversed()), ...texts.map((text) => Buffer.from(text))];
  return all.filter(({ length }) => length >= SHORTEST);
}

/** Base64 in both alphabets, at each of the three places in a group of 3 bytes, without its ends. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]);
    return (["base64", "base64url"] as const).map((alphabet) =>
      shifted.toString(alphabet).replace(/=+$/, "").slice(shift === 0 ? 0 : 4, -1)
    );
  });
}

Deno.test("a whole session shows no key, name, password, text, token or room", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  await using proxy = new Proxy(server.port);
  const alice = await server.connect(ALICE, proxy.port);
  const bob = await server.connect(BOB, proxy.port);
  for (let round = 0; round < 5; round++) {
    await assertHeard(alice, bob, TEXT);
    await assertHeard(bob, alice, TEXT);
  }
  await Promise.all([alice.close(), bob.close()]);
  const wire = Buffer.from(proxy.recorded);
  assert.ok(wire.length > 10_000);
  assert.ok(wire.includes("fernchat"), "the search works: the hello is there");
  const entries = server.entries();
  assert.equal(entries.length, 10);
  const secrets = {
    "the Fernet key": Buffer.from(server.key, "base64url"),
    "the Fernet key as it is displayed": Buffer.from(server.key),
    "its signing half": Buffer.from(server.key, "base64url").subarray(0, 16),
    "its encrypting half": Buffer.from(server.key, "base64url").subarray(16),
    "a user's name": Buffer.from(ALICE.username),
    "a password": Buffer.from(ALICE.password),
    "the other password": Buffer.from(BOB.password),
    "a text": Buffer.from(TEXT),
    "the room's name": Buffer.from(LOBBY),
    "a token": Buffer.from(entries[0]?.token as string),
    "a token's bytes": Buffer.from(entries[0]?.token as string, "base64url"),
    "a message's id": Buffer.from(entries[0]?.messageId as string),
    "JSON": Buffer.from('"type":'),
  };
  for (const [name, secret] of Object.entries(secrets)) {
    for (const form of forms(secret)) assert.ok(!wire.includes(form), `${name} is on the wire`);
  }
});

/** Every run of 8 bytes in what a connection carried, without the frames' lengths. */
function runs(link: Link, direction: "toServer" | "toClient"): Set<string> {
  const [hello, ...records] = link.recorded[direction].map((frame) => frame.subarray(4));
  // The hello begins with the protocol's name and version, the same for all.
  const bytes = Buffer.from(concat([(hello as Uint8Array).subarray(10), ...records]));
  const found = new Set<string>();
  for (let at = 0; at + 8 <= bytes.length; at++) found.add(bytes.toString("latin1", at, at + 8));
  return found;
}

Deno.test("two sessions that say the very same share no bytes: every key is new", async () => {
  await using server = await TestServer.start([ALICE]);
  await using proxy = new Proxy(server.port);
  const envelope = {
    room: LOBBY,
    id: "the-same",
    sent_at: "2026-01-01T00:00:00.000Z",
  };
  const sealed = sealText(server.running.ring.primary, { ...envelope, sender: "alice" }, TEXT);
  const { keyId: key_id, token } = sealed;
  const message = encodeClientMessage({ type: "send", ...envelope, key_id, token });
  for (let session = 0; session < 2; session++) {
    using member = await RawMember.join(proxy.port, ALICE);
    member.channel.send(message); // stored the first time, acked both times with the same seq
    await member.channel.receive();
    await member.channel.close();
  }
  const [first, second] = proxy.links as [Link, Link];
  for (const direction of ["toServer", "toClient"] as const) {
    const sizes = (link: Link): number[] => link.recorded[direction].map(({ length }) => length);
    assert.deepEqual(sizes(first).slice(0, 4), sizes(second).slice(0, 4)); // sizes do show
    const [one, other] = [runs(first, direction), runs(second, direction)];
    assert.ok(one.size > 1_000);
    assert.equal(one.intersection(other).size, 0);
  }
  assert.equal(server.entries().length, 1);
});
