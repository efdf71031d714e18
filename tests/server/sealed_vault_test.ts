/**
 * What accounts keep on a server for sealed rooms: blobs, devices, key packages, and the bytes of
 * requests. Who may write what, how much of it, and what becomes of it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { MAX_BLOB_BYTES, MAX_DEVICES, MAX_STAGED_BYTES } from "../../lib/protocol/limits.ts";
import { PART_BYTES } from "../../lib/protocol/parts.ts";
import { CONSOLE } from "../../lib/server/operations.ts";
import { ALICE, BOB, MALLORY, TestServer } from "../attacks/server.ts";
import { bytesOf, SealedMember } from "./sealed_member.ts";
import { onConsole } from "./speaker.ts";

const put = (name: string, version: number, lease?: number): {
  do: "put";
  name: string;
  version: number;
  lease?: number;
} => ({ do: "put", name, version, ...(lease === undefined ? {} : { lease }) });

/** What the blob holds, and its version. */
async function get(member: SealedMember, name: string): Promise<[number, number[]]> {
  const { result, bytes } = await member.ask({ do: "get", name });
  assert.ok(result?.is === "blob");
  return [result.version, Array.from(bytes)];
}

Deno.test("a blob comes back as it was put, whatever its size, and has the next version each time", async () => {
  await using server = await TestServer.start([ALICE]);
  using alice = await SealedMember.enter(server, ALICE);
  assert.deepEqual(await get(alice, "account"), [0, []]);
  const sizes = [1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, MAX_BLOB_BYTES];
  for (const [version, size] of sizes.entries()) {
    assert.equal(await alice.try(put("account", version), bytesOf(size, version)), "done");
    const { result, bytes } = await alice.ask({ do: "get", name: "account" });
    assert.deepEqual(result, { is: "blob", version: version + 1 });
    assert.ok(
      bytes.length === size && bytes.every((byte, at) => byte === (at * 31 + version) % 251),
    );
  }
  const { result } = await alice.ask({ do: "blobs" });
  const blobs = [{ name: "account", version: sizes.length, size: MAX_BLOB_BYTES }];
  assert.deepEqual(result, { is: "blobs", blobs });
});

Deno.test("of two sessions that put a blob in the place of one version, the second learns it", async () => {
  await using server = await TestServer.start([ALICE]);
  using one = await SealedMember.enter(server, ALICE);
  using two = await SealedMember.enter(server, ALICE);
  assert.equal(await one.try(put("account", 0), bytesOf(3, 1)), "done");
  assert.equal(await two.try(put("account", 0), bytesOf(3, 2)), "blob-outdated");
  assert.equal(await two.try(put("account", 2), bytesOf(3, 2)), "blob-outdated");
  assert.deepEqual(await get(two, "account"), [1, Array.from(bytesOf(3, 1))]);
  assert.equal(await two.try(put("account", 1), bytesOf(3, 2)), "done");
});

Deno.test("nobody sees another account's blobs", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  using alice = await SealedMember.enter(server, ALICE);
  using bob = await SealedMember.enter(server, BOB);
  assert.equal(await alice.try(put("account", 0), bytesOf(3)), "done");
  assert.deepEqual(await get(bob, "account"), [0, []]);
  assert.deepEqual((await bob.ask({ do: "blobs" })).result, { is: "blobs", blobs: [] });
});

Deno.test("a blob is bounded, and so is a vault: what does not fit is not stored", async () => {
  await using server = await TestServer.start([ALICE], { limits: { messageBurst: Infinity } });
  using alice = await SealedMember.withDevice(server, ALICE);
  const { lease } = alice;
  const large = new Uint8Array(MAX_BLOB_BYTES + 1);
  assert.equal(await alice.try(put("account", 0), large), "blob-too-large");
  assert.deepEqual(await get(alice, "account"), [0, []]);
  const whole = large.subarray(1);
  for (let at = 1; at <= 32; at++) { // 64 MiB, which take a second
    assert.equal(await alice.try(put(`device/1/room-${at}`, 0, lease), whole), "done");
  }
  assert.equal(await alice.try(put("account", 0), bytesOf(1)), "vault-full");
  assert.equal(await alice.try(put("device/1/room-1", 1, lease), whole), "done");
  assert.equal(await alice.try(put("device/1/room-1", 2, lease), whole.subarray(1)), "done");
  assert.equal(await alice.try(put("account", 0), bytesOf(1)), "done");
});

Deno.test("two sessions are two devices; the device of an ended one is used again", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  const one = await SealedMember.withDevice(server, ALICE);
  using two = await SealedMember.withDevice(server, ALICE);
  using bob = await SealedMember.withDevice(server, BOB);
  assert.deepEqual([one.device, two.device, bob.device], [1, 2, 1]);
  assert.equal(await two.takeDevice(), 2, "who asks again has one device all the same");
  await one.raw.channel.close();
  await server.reported(/^alice .* left$/);
  using three = await SealedMember.withDevice(server, ALICE);
  assert.deepEqual([three.device, three.lease > one.lease], [1, true]);
  one[Symbol.dispose]();
});

Deno.test("a device whose session was cut off is another's only if there is no other", async () => {
  await using server = await TestServer.start([ALICE]);
  const [cut, other] = [
    await SealedMember.withDevice(server, ALICE),
    await SealedMember.withDevice(server, ALICE),
  ];
  for (const one of [cut, other]) {
    assert.equal(await one.try(put(`device/${one.device}`, 0, one.lease), bytesOf(3)), "done");
  }
  cut.raw.channel.abort(new Error("cut off"));
  await server.reported(/^alice .*: The connection was cut$/);
  await other.raw.channel.close();
  await server.reported(/^alice .* left$/);
  using second = await SealedMember.withDevice(server, ALICE);
  assert.equal(second.device, 2);
  using fresh = await SealedMember.enter(server, ALICE);
  assert.equal(await fresh.takeDevice({ fresh: true }), 3, "one that never was");
  using back = await SealedMember.enter(server, ALICE);
  assert.equal(await back.takeDevice({ device: 1, lease: cut.lease }), 1, "its own again");
  const seen = server.reports.length;
  back.raw.channel.abort(new Error("cut off"));
  await server.reported(/^alice .*: The connection was cut$/, seen);
  using stranger = await SealedMember.withDevice(server, ALICE);
  assert.equal(stranger.device, 1);
  using late = await SealedMember.enter(server, ALICE);
  assert.equal(await late.takeDevice({ device: 1, lease: cut.lease }), "lease-lost");
  for (const one of [cut, other]) one[Symbol.dispose]();
});

Deno.test("a stale lease writes nothing: neither blobs, nor key packages, nor rooms, nor commits", async () => {
  await using server = await TestServer.start([ALICE]);
  using old = await SealedMember.withDevice(server, ALICE);
  assert.equal(await old.create("physics"), "done");
  using again = await SealedMember.enter(server, ALICE);
  assert.equal(await again.takeDevice({ device: 1, lease: old.lease }), 1);
  assert.equal(await old.try(put("device/1", 0, old.lease), bytesOf(3)), "lease-lost");
  assert.equal(await old.try(put("device/1", 0), bytesOf(3)), "lease-lost");
  assert.equal(await old.try(put("device/1/physics", 1, old.lease), bytesOf(3)), "lease-lost");
  assert.equal(await old.try(put("device/2", 0, old.lease), bytesOf(3)), "lease-lost");
  const { lease } = old;
  const publish = { do: "publish" as const, device: 1, lease, sizes: [3] };
  assert.equal(await old.try(publish, bytesOf(3)), "lease-lost");
  assert.equal(await old.create("chemistry"), "lease-lost");
  assert.equal(await old.commit("physics", 0), "lease-lost");
  assert.equal(await again.try(put("device/1", 0, again.lease), bytesOf(3)), "done");
  assert.equal(await again.commit("physics", 0), "done");
});

Deno.test("a session takes its own device back from its dead connection, and nobody else can", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  using dead = await SealedMember.withDevice(server, ALICE); // the server does not know it yet
  using other = await SealedMember.withDevice(server, ALICE);
  assert.equal(other.device, 2);
  using again = await SealedMember.enter(server, ALICE);
  assert.equal(await again.takeDevice({ device: 1, lease: dead.lease + 1 }), "lease-lost");
  assert.equal(await again.takeDevice({ device: 1, lease: 0 }), "lease-lost");
  assert.equal(await again.takeDevice({ device: 3, lease: 0 }), "lease-lost");
  assert.equal(await again.takeDevice({ device: 1, lease: dead.lease }), 1);
  assert.equal(
    await again.takeDevice({ device: 1, lease: dead.lease }),
    1,
    "an answer may be lost",
  );
  using bob = await SealedMember.enter(server, BOB);
  assert.equal(await bob.takeDevice({ device: 1, lease: again.lease }), "lease-lost");
  dead[Symbol.dispose](); // its end takes nothing from who has the device now
  using third = await SealedMember.withDevice(server, ALICE);
  assert.equal(third.device, 3);
  assert.equal(await again.try(put("device/1", 0, again.lease), bytesOf(3)), "done");
});

Deno.test("a device is taken back after the server was started again", async () => {
  await using server = await TestServer.start([ALICE]);
  using before = await SealedMember.withDevice(server, ALICE);
  await server.restart();
  using after = await SealedMember.enter(server, ALICE);
  assert.equal(await after.takeDevice({ device: 1, lease: before.lease }), 1);
});

Deno.test("an account has so many devices, and no more", async () => {
  await using server = await TestServer.start([ALICE]);
  const sessions: SealedMember[] = [];
  for (let at = 1; at <= MAX_DEVICES; at++) {
    const session = await SealedMember.withDevice(server, ALICE);
    assert.equal(session.device, at);
    sessions.push(session);
  }
  using late = await SealedMember.enter(server, ALICE);
  assert.equal(await late.takeDevice(), "devices-busy");
  for (const session of sessions) session[Symbol.dispose]();
});

/** Publishes key packages of one byte each; the code of the answer. */
function publish(member: SealedMember, ...packages: number[]): Promise<string> {
  const { device, lease } = member;
  const sizes = packages.map(() => 1);
  return member.try({ do: "publish", device, lease, sizes }, Uint8Array.from(packages));
}

/** Claims, or looks; what came, one text for each package. */
async function claim(member: SealedMember, ...users: string[]): Promise<string> {
  const { result, code, bytes } = await member.ask({ do: "claim", users });
  if (result === undefined) return code as string;
  assert.ok(result.is === "packages");
  return result.packages.map(({ user, device }, at) => `${user} ${device}: ${bytes[at]}`).join();
}

Deno.test("key packages are used once each, the last one of a device again and again", async () => {
  await using server = await TestServer.start([ALICE, BOB, MALLORY]);
  using alice = await SealedMember.withDevice(server, ALICE);
  using again = await SealedMember.withDevice(server, ALICE);
  using bob = await SealedMember.withDevice(server, BOB);
  assert.equal(await claim(bob, "alice"), "no-keys");
  assert.equal(await publish(alice, 10, 11, 12), "done");
  assert.equal(await publish(again, 20), "done");
  assert.equal(await publish(bob, 30, 31), "done");
  const look = await bob.ask({ do: "look", user: "Alice" });
  assert.deepEqual(Array.from(look.bytes), [10, 20]);
  assert.equal(await claim(bob, "alice", "Alice"), "alice 1: 10,alice 2: 20");
  assert.equal(await claim(bob, "alice", "mallory"), "no-keys");
  assert.equal(await claim(bob, "alice", "nobody"), "name-unknown");
  assert.equal(await claim(bob, "alice", "bob"), "alice 1: 11,alice 2: 20,bob 1: 30");
  for (const _ of [1, 2]) assert.equal(await claim(bob, "ALICE"), "alice 1: 12,alice 2: 20");
  assert.equal(await publish(alice, 13, 14), "done");
  assert.equal(await claim(bob, "alice"), "alice 1: 13,alice 2: 20");
});

Deno.test("key packages are of the sizes that were named, none empty and none too large", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  using alice = await SealedMember.withDevice(server, ALICE);
  using bob = await SealedMember.enter(server, BOB);
  const { device, lease } = alice;
  for (
    const [sizes, bytes] of [[[1, 1], 3], [[0, 1], 1], [[8 * 1024 + 1], 8 * 1024 + 1]] as const
  ) {
    const request = { do: "publish" as const, device, lease, sizes: [...sizes] };
    assert.equal(await alice.try(request, bytesOf(bytes)), "parts-invalid");
  }
  assert.equal(await claim(bob, "alice"), "no-keys");
});

Deno.test("bytes are for one request that takes them, and for no other", async () => {
  await using server = await TestServer.start([ALICE]);
  using alice = await SealedMember.withDevice(server, ALICE);
  for (const request of [{ do: "rooms" }, { do: "blobs" }, { do: "lease" }] as const) {
    assert.equal(await alice.try(request, bytesOf(3)), "parts-invalid");
    assert.equal(await alice.try(request), request.do, "the next one begins with none");
  }
  assert.equal(await alice.try(put("account", 0)), "parts-invalid");
  alice.raw.say({ type: "part", data: "AB" }); // two bits that are not zero
  assert.equal((await alice.next("bye") as { code: string }).code, "message-invalid");
});

Deno.test("who stages more than one request can have is sent away, and others notice nothing", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  using alice = await SealedMember.enter(server, ALICE);
  using bob = await SealedMember.enter(server, BOB);
  alice.stage(new Uint8Array(MAX_STAGED_BYTES));
  assert.equal(await alice.try(put("account", 0)), "blob-too-large", "the most is taken");
  alice.stage(new Uint8Array(MAX_STAGED_BYTES));
  alice.raw.say({ type: "part", data: "AAAA" });
  assert.equal((await alice.next("bye") as { code: string }).code, "message-unexpected");
  assert.equal(await bob.try(put("account", 0), bytesOf(9)), "done");
});

Deno.test("what all connections stage is bounded; a request for which there was no room learns it", async () => {
  const limits = { maxStagedBytes: 3 * PART_BYTES };
  await using server = await TestServer.start([ALICE, BOB, MALLORY], { limits });
  const alice = await SealedMember.enter(server, ALICE);
  using bob = await SealedMember.enter(server, BOB);
  alice.stage(new Uint8Array(2 * PART_BYTES));
  alice.raw.say({ type: "ping" });
  await alice.next("pong");
  assert.equal(await bob.try(put("account", 0), bytesOf(2 * PART_BYTES)), "server-busy");
  assert.deepEqual(await get(bob, "account"), [0, []]);
  assert.equal(
    await bob.try(put("account", 0), bytesOf(PART_BYTES)),
    "done",
    "what there is room for",
  );
  assert.equal(await bob.try(put("account", 1), bytesOf(PART_BYTES)), "done", "it was given back");
  alice[Symbol.dispose]();
  await server.reported(/^alice .*: The connection was cut$/);
  assert.equal(await bob.try(put("account", 2), bytesOf(3 * PART_BYTES)), "done");
});

Deno.test("bytes count until their request is done: those of a commit that waits for the database too", async () => {
  const limits = { maxStagedBytes: PART_BYTES };
  await using server = await TestServer.start([ALICE, BOB], { limits });
  using alice = await SealedMember.withDevice(server, ALICE);
  using bob = await SealedMember.enter(server, BOB);
  assert.equal(await alice.create("physics"), "done");
  const commit = bytesOf(PART_BYTES);
  alice.stage(commit);
  alice.raw.say({ type: "ping" });
  await alice.next("pong");
  const other = new DatabaseSync(server.db);
  other.exec("BEGIN IMMEDIATE");
  const ref = alice.putCommit("physics", 0, { commit, isStaged: true });
  const isThereRoom = async (): Promise<boolean> =>
    await bob.try({ do: "blobs" }, bytesOf(1)) !== "server-busy";
  for (let times = 0; times < 50; times++) assert.ok(!await isThereRoom());
  other.exec("COMMIT");
  other.close();
  assert.equal((await alice.answerTo(ref)).code, undefined);
  assert.ok(await isThereRoom());
});

Deno.test("a new password by the operator drops the vault, the devices and the key packages; rooms stay", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  using alice = await SealedMember.withDevice(server, ALICE);
  using bob = await SealedMember.withDevice(server, BOB);
  for (const member of [alice, bob]) {
    assert.equal(await publish(member, 1, 2), "done");
    assert.equal(await member.try(put("wrap", 0), bytesOf(3)), "done");
  }
  assert.equal(await alice.create("physics"), "done");
  await alice.invite("physics", 0, "bob");
  await onConsole(server, (operations) => {
    operations.setPassword(CONSOLE, "BOB", "bob's new 7 bolts");
    const { vault, devices, packages, commits, rooms } = operations.delivery;
    assert.deepEqual([vault.list("bob"), devices.newest("bob", 1)], [[], 0]);
    assert.throws(() => packages.look("bob"), { code: "no-keys" });
    assert.equal(commits.findWelcome("bob", 1, "physics"), undefined);
    assert.deepEqual(rooms.members("physics"), ["alice", "bob"]);
    assert.equal(vault.list("alice").length, 2, "others keep theirs");
  });
  assert.equal((await bob.next("bye") as { code: string }).code, "kicked");
});

Deno.test("with a removed account all goes that was kept for it, and its name begins with nothing", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  using alice = await SealedMember.withDevice(server, ALICE);
  using bob = await SealedMember.withDevice(server, BOB);
  assert.equal(await publish(bob, 1, 2), "done");
  assert.equal(await bob.try(put("account", 0), bytesOf(3)), "done");
  assert.equal(await alice.create("physics"), "done");
  await alice.invite("physics", 0, "bob");
  await onConsole(server, (operations) => {
    operations.removeAccount(CONSOLE, "bob");
    operations.accounts.create("Bob", "record", "member");
    const { vault, devices, packages, commits, rooms } = operations.delivery;
    assert.deepEqual([vault.list("bob"), devices.newest("bob", 1)], [[], 0]);
    assert.throws(() => packages.look("bob"), { code: "no-keys" });
    assert.equal(commits.findWelcome("bob", 1, "physics"), undefined);
    assert.deepEqual(rooms.roomsOf("bob"), []);
  });
});
