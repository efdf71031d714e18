/**
 * What the server keeps for accounts in sealed rooms: bounded, each account's own, known by every
 * spelling of a name, and gone with whom it belongs to.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CallerError } from "../../lib/errors.ts";
import { assertThrows } from "../attacks/server.ts";
import { Scene } from "./scene.ts";

const BYTES = new Uint8Array(10);

Deno.test("a vault holds its bytes and its blobs to the last one, whatever is replaced", () => {
  using scene = new Scene({ vaultBytes: 30, vaultBlobs: 3 });
  const { vault } = scene.delivery;
  for (const name of ["wrap", "account"]) vault.put("bob", name, 0, BYTES);
  const full = (act: () => void): unknown => assertThrows(act, CallerError, "vault-full");
  full(() => vault.put("bob", "device/1", 0, new Uint8Array(11)));
  vault.put("bob", "device/1", 0, BYTES);
  full(() => vault.put("bob", "device/2", 0, new Uint8Array()));
  full(() => vault.put("bob", "wrap", 1, new Uint8Array(11)));
  vault.put("bob", "wrap", 1, new Uint8Array(9)); // what it replaces makes room
  assert.deepEqual(vault.list("bob"), [
    { name: "account", version: 1, size: 10 },
    { name: "device/1", version: 1, size: 10 },
    { name: "wrap", version: 2, size: 9 },
  ]);
  vault.put("Alice", "wrap", 0, BYTES); // nobody else's is full
});

Deno.test("an account is one in whatever letters its name is written", () => {
  using scene = new Scene();
  const { vault, devices, rooms } = scene.delivery;
  vault.put("alice", "wrap", 0, BYTES);
  assert.equal(vault.version("ALICE", "wrap"), 1);
  assert.equal(devices.grant("alice", 1), 1);
  assert.equal(devices.newest("Alice", 1), 1);
  scene.create("physics");
  assert.equal(rooms.get("physics", "aLICE").admin, true);
});

Deno.test("key packages: each device's oldest, used up but for the last; the claim as a whole or not", () => {
  using scene = new Scene({ claimedPackages: 3, claimedBytes: 10 });
  const { packages } = scene.delivery;
  packages.replace("bob", 1, [Uint8Array.of(1), Uint8Array.of(2)]);
  packages.replace("bob", 2, [Uint8Array.of(3)]);
  packages.replace("carol", 1, [Uint8Array.of(4), Uint8Array.of(5)]);
  const taken = (names: string[]): number[] =>
    packages.claim(names).map(({ data }) => Number(data[0]));
  assertThrows(() => packages.claim(["bob", "dave"]), CallerError, "no-keys");
  assert.deepEqual(packages.look("bob").map(({ data }) => data[0]), [1, 3]); // none was used up
  assert.deepEqual(taken(["bob", "carol"]), [1, 3, 4]);
  assert.deepEqual(taken(["bob", "carol"]), [2, 3, 5]);
  assert.deepEqual(taken(["carol", "bob"]), [5, 2, 3]);
  packages.replace("dave", 1, [Uint8Array.of(6)]);
  assertThrows(() => packages.claim(["bob", "carol", "dave"]), CallerError, "claim-too-large");
  packages.replace("dave", 1, [new Uint8Array(11), Uint8Array.of(7)]);
  assertThrows(() => packages.claim(["dave"]), CallerError, "claim-too-large");
  assertThrows(() => packages.look("dave"), CallerError, "claim-too-large");
  assert.equal(scene.count("key_packages"), 5, "nothing of what was refused was used up");
});

Deno.test("a device's leases count up, and but the newest one holds", () => {
  using scene = new Scene();
  const { devices } = scene.delivery;
  assert.deepEqual([1, 2, 3].map(() => devices.grant("bob", 1)), [1, 2, 3]);
  assert.equal(devices.grant("bob", 2), 1);
  devices.check("bob", 1, 3);
  for (const [device, lease] of [[1, 2], [1, 4], [1, 0], [2, 3], [3, 0], [3, 1]] as const) {
    assertThrows(() => devices.check("bob", device, lease), CallerError, "lease-lost");
  }
  assertThrows(() => devices.check("carol", 1, 3), CallerError, "lease-lost");
});

/** Everything that an account can have. */
function furnish(scene: Scene): void {
  const { vault, packages } = scene.delivery;
  scene.create("physics");
  const welcomes = [{ user: "bob", device: 1 }];
  scene.commit("physics", "Alice", { adds: ["bob"], welcome: BYTES, welcomes, state: BYTES });
  for (const user of ["Alice", "bob"]) {
    vault.put(user, "wrap", 0, BYTES);
    packages.replace(user, 1, [BYTES]);
  }
  scene.delivery.devices.grant("bob", 1);
}

Deno.test("whose keys are forgotten stays a member, and has nothing else", () => {
  using scene = new Scene();
  furnish(scene);
  scene.delivery.forgetKeys("BOB");
  const { vault, devices, packages, rooms, commits } = scene.delivery;
  assert.deepEqual([vault.list("bob"), devices.newest("bob", 1)], [[], 0]);
  assertThrows(() => packages.look("bob"), CallerError, "no-keys");
  assert.equal(commits.findWelcome("bob", 1, "physics"), undefined);
  assert.equal(scene.count("welcomes"), 0);
  assert.equal(rooms.get("physics", "bob").since, 1);
  assert.deepEqual(vault.list("Alice").map(({ name }) => name), ["device/1/physics", "wrap"]);
});

Deno.test("with a removed account all goes, whoever removes it; its name begins with nothing", () => {
  using scene = new Scene();
  furnish(scene);
  scene.removeAccount("bob");
  const { vault, devices, packages, rooms } = scene.delivery;
  assert.equal(scene.count("welcomes"), 0);
  scene.addAccount("Bob");
  assert.deepEqual([vault.list("Bob"), devices.newest("Bob", 1)], [[], 0]);
  assertThrows(() => packages.look("Bob"), CallerError, "no-keys");
  assert.deepEqual(rooms.members("physics"), ["Alice"]);
  assert.deepEqual(vault.list("Alice").length, 2);
});

Deno.test("of a direct room both names are one, in any order and any letters; it can be let go", () => {
  using scene = new Scene();
  scene.create("dm-0123456789abcdef", "bob");
  const { rooms } = scene.delivery;
  assert.equal(rooms.findDirect("ALICE", "BOB"), "dm-0123456789abcdef");
  assert.equal(rooms.findDirect("bob", "alice"), undefined, "bob is not in it yet");
  scene.commit("dm-0123456789abcdef", "Alice", { adds: ["bob"] });
  assert.equal(rooms.findDirect("bob", "alice"), "dm-0123456789abcdef");
  rooms.dismiss("dm-0123456789abcdef", "bob");
  rooms.releaseDirect("Alice", "dm-0123456789abcdef");
  assert.equal(rooms.findDirect("Alice", "bob"), undefined);
  assert.equal(rooms.get("dm-0123456789abcdef", "Alice").peers, null);
});

Deno.test("how many members each room has; rooms over which an account rules", () => {
  using scene = new Scene();
  scene.create("physics");
  scene.create("chemistry");
  scene.commit("physics", "Alice", { adds: ["bob", "carol"] });
  const { rooms } = scene.delivery;
  assert.deepEqual([...rooms.countMembers()], [["chemistry", 1], ["physics", 3]]);
  assert.deepEqual([rooms.countMade("alice"), rooms.countMade("bob")], [2, 0]);
});
