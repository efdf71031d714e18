/**
 * Which commits a server takes, and what each changes: all of it, or nothing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { checkCommit, type CommitDeed, storeCommit } from "../../lib/delivery/committing.ts";
import { CallerError, EnvironmentError, type FernchatError } from "../../lib/errors.ts";
import { assertThrows } from "../attacks/server.ts";
import { Scene } from "./scene.ts";

const TABLES = ["sealed_rooms", "sealed_members", "commits", "welcomes", "welcomed", "blobs"];

/** All that is stored of rooms. */
function stored(scene: Scene): unknown[] {
  return TABLES.map((table) => scene.database.prepare(`SELECT * FROM ${table}`).all());
}

/** A room of Alice's with bob and carol, and a direct one with bob. */
function startScene(): Scene {
  const scene = new Scene({ roomMembers: 3, vaultBytes: 100 });
  scene.create("physics");
  scene.commit("physics", "Alice", { adds: ["bob", "carol"] });
  scene.create("dm-0123456789abcdef", "bob");
  return scene;
}

type Kind = abstract new (...args: never[]) => FernchatError;

interface Refusal {
  who?: string;
  room?: string;
  kind?: Kind;
  wish?: Partial<CommitDeed>;
}

const WELCOME = Uint8Array.of(2);

const REFUSALS: readonly (Refusal & { code: string; what: string })[] = [
  { what: "a stranger's", code: "room-unknown", kind: EnvironmentError, who: "dave" },
  { what: "one to no room", code: "room-unknown", kind: EnvironmentError, room: "chemistry" },
  { what: "one without a lease", code: "lease-lost", wish: { lease: 0 } },
  { what: "one under another device's", code: "lease-lost", wish: { device: 2 } },
  { what: "one of an epoch before", code: "epoch-outdated", wish: { epoch: 0 } },
  { what: "one of an epoch to come", code: "epoch-outdated", wish: { epoch: 2 } },
  {
    what: "a member's that removes another",
    code: "not-admin",
    who: "bob",
    wish: { removes: ["carol"] },
  },
  {
    what: "a member's that removes the admin",
    code: "not-admin",
    who: "bob",
    wish: { removes: ["Alice"] },
  },
  {
    what: "one that removes all",
    code: "last-member",
    wish: { removes: ["Alice", "bob", "carol"] },
  },
  { what: "one with one member too many", code: "room-full", wish: { adds: ["dave"] } },
  {
    what: "one that adds a third to two",
    code: "direct-room",
    room: "dm-0123456789abcdef",
    wish: { adds: ["bob", "carol"] },
  },
  {
    what: "one with a welcome for a stranger",
    code: "welcome-invalid",
    wish: { welcome: WELCOME, welcomes: [{ user: "dave", device: 1 }] },
  },
  {
    what: "one with a welcome for whom it removes",
    code: "welcome-invalid",
    wish: { removes: ["bob"], welcome: WELCOME, welcomes: [{ user: "bob", device: 1 }] },
  },
  {
    what: "one with more state than the vault takes",
    code: "vault-full",
    wish: { state: new Uint8Array(101) },
  },
];

for (const { what, code, kind = CallerError, who = "Alice", room = "physics", wish } of REFUSALS) {
  Deno.test(`of commits, ${what} is ${code}, and nothing of it is stored`, () => {
    using scene = startScene();
    const deed = scene.deed(room, who, wish);
    const before = stored(scene);
    const { delivery } = scene;
    const store = (): unknown => delivery.transaction(() => storeCommit(delivery, deed, 9));
    assertThrows(store, kind, code);
    assert.deepEqual(stored(scene), before);
  });
}

Deno.test("a commit says who comes and who goes: not who was there before, or not there", () => {
  using scene = startScene();
  const change = (wish: Partial<CommitDeed>): unknown =>
    checkCommit(scene.delivery, scene.deed("physics", "Alice", wish));
  assert.deepEqual(change({}), { admitted: [], dismissed: [] });
  assert.deepEqual(change({ adds: ["bob"] }), { admitted: [], dismissed: [] });
  assert.deepEqual(change({ removes: ["dave", "bob"] }), { admitted: [], dismissed: ["bob"] });
  const exchange = { adds: ["dave"], removes: ["carol"] };
  assert.deepEqual(change(exchange), { admitted: ["dave"], dismissed: ["carol"] });
});

Deno.test("whoever is added again under a new identity stays a member, whoever commits it", () => {
  using scene = startScene();
  const deed = scene.deed("physics", "bob", { adds: ["carol"], removes: ["carol"] });
  assert.deepEqual(checkCommit(scene.delivery, deed), { admitted: [], dismissed: [] });
});

Deno.test("anybody removes oneself, and who is no member any more, though it is in the group", () => {
  using scene = startScene();
  scene.commit("physics", "bob", { removes: ["dave"] });
  scene.commit("physics", "bob", { removes: ["bob"] });
  assert.deepEqual(scene.delivery.rooms.members("physics"), ["Alice", "carol"]);
});

Deno.test("whoever goes leaves the room's states behind, on all devices, and no other room's; who comes has none", () => {
  using scene = startScene();
  const { vault } = scene.delivery;
  const names = [
    "account",
    "device/1",
    "device/1/a-physics",
    "device/1/physics",
    "device/2/physics",
  ];
  const kept = names.slice(0, 3);
  for (const name of names) vault.put("bob", name, 0, WELCOME);
  vault.put("carol", "device/1/physics", 0, WELCOME);
  const blobs = (): string[] => vault.list("bob").map(({ name }) => name);
  scene.commit("physics", "Alice", { removes: ["bob"] });
  assert.deepEqual(blobs(), kept);
  vault.put("bob", "device/2/physics", 0, WELCOME); // a session that has not heard of it yet
  scene.commit("physics", "Alice", { adds: ["bob"] });
  assert.deepEqual(blobs(), kept);
  assert.equal(vault.version("carol", "device/1/physics"), 1);
});

Deno.test("a new member's history begins at its commit; who was there keeps its own, and its rule", () => {
  using scene = startScene();
  scene.commit("physics", "Alice", { removes: ["carol"] });
  const seq = scene.commit("physics", "bob", { adds: ["Alice", "dave"] });
  const { rooms } = scene.delivery;
  const seen = ["Alice", "bob", "dave"].map((name) => rooms.get("physics", name));
  assert.deepEqual(seen.map(({ since, admin }) => [since, admin]), [
    [0, true],
    [1, false],
    [seq, false],
  ]);
});

Deno.test("a welcome stays until everyone whom it is for has stored a state, or is gone", () => {
  using scene = new Scene();
  scene.create("physics");
  const people = ["bob", "carol", "dave"];
  const welcomes = people.map((user) => ({ user, device: 1 }));
  const seq = scene.commit("physics", "Alice", { adds: people, welcome: WELCOME, welcomes });
  const { commits, vault, rooms } = scene.delivery;
  const save = (): void => vault.put("bob", "device/1/physics", 0, Uint8Array.of(1));
  scene.delivery.saveState("bob", 1, "physics", save);
  assert.equal(commits.findWelcome("bob", 1, "physics"), undefined);
  assert.equal(commits.findWelcome("carol", 1, "physics")?.seq, seq);
  assert.equal(commits.findWelcome("carol", 2, "physics"), undefined);
  scene.commit("physics", "Alice", { removes: ["carol"] });
  assert.equal(commits.findWelcome("carol", 1, "physics"), undefined);
  assert.equal(scene.count("welcomes"), 1);
  scene.removeAccount("dave");
  assert.deepEqual([scene.count("welcomes"), scene.count("welcomed")], [0, 0]);
  assert.deepEqual(rooms.members("physics"), ["Alice", "bob"]);
});

Deno.test("a newer welcome takes the place of one that was not taken up", () => {
  using scene = new Scene();
  scene.create("physics");
  const wish = { welcome: WELCOME, welcomes: [{ user: "bob", device: 1 }] };
  scene.commit("physics", "Alice", { ...wish, adds: ["bob"] });
  const seq = scene.commit("physics", "Alice", { ...wish, adds: ["bob"] });
  assert.equal(scene.delivery.commits.findWelcome("bob", 1, "physics")?.seq, seq);
  assert.deepEqual([scene.count("welcomes"), scene.count("welcomed")], [1, 1]);
});

Deno.test("a state that is refused takes up no welcome", () => {
  using scene = new Scene();
  scene.create("physics");
  const wish = { adds: ["bob"], welcome: WELCOME, welcomes: [{ user: "bob", device: 1 }] };
  scene.commit("physics", "Alice", wish);
  const save = (): void => scene.delivery.vault.put("bob", "device/1/physics", 7, WELCOME);
  const act = (): void => scene.delivery.saveState("bob", 1, "physics", save);
  assertThrows(act, CallerError, "blob-outdated");
  assert.ok(scene.delivery.commits.findWelcome("bob", 1, "physics"));
});
