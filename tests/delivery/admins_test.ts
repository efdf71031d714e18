/**
 * Who may remove others, as a server's books have it: what a commit changes of that, and what ends it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type CommitDeed, storeCommit } from "../../lib/delivery/committing.ts";
import { CallerError, EnvironmentError, type FernchatError } from "../../lib/errors.ts";
import { assertThrows } from "../attacks/server.ts";
import { Scene } from "./scene.ts";

const ROOM = "physics";

type Kind = abstract new (...args: never[]) => FernchatError;

/** A room of Alice's with bob and carol, and a direct one with bob. */
function startScene(): Scene {
  const scene = new Scene();
  scene.create(ROOM);
  scene.commit(ROOM, "Alice", { adds: ["bob", "carol"] });
  scene.create("dm-0123456789abcdef", "bob");
  return scene;
}

function adminsOf({ delivery }: Scene): string[] {
  return delivery.rooms.admins(ROOM);
}

interface Refusal {
  code: string;
  kind?: Kind;
  who?: string;
  room?: string;
  wish: Partial<CommitDeed>;
}

const REFUSED: { readonly [what: string]: Refusal } = {
  "a plain member's, for itself": { code: "not-admin", who: "bob", wish: { promotes: ["bob"] } },
  "a plain member's, for another": { code: "not-admin", who: "bob", wish: { promotes: ["carol"] } },
  "a plain member's, against the admin": {
    code: "not-admin",
    who: "bob",
    wish: { demotes: ["Alice"] },
  },
  "a plain member's, in the place of the admin": {
    code: "not-admin",
    who: "bob",
    wish: { promotes: ["bob"], demotes: ["Alice"] },
  },
  "a stranger's": {
    code: "room-unknown",
    kind: EnvironmentError,
    who: "dave",
    wish: { promotes: ["dave"] },
  },
  "one for a stranger": { code: "not-in-room", wish: { promotes: ["dave"] } },
  "one for whom it removes": {
    code: "not-in-room",
    wish: { promotes: ["bob"], removes: ["bob"] },
  },
  "one against the last admin": { code: "last-admin", wish: { demotes: ["Alice"] } },
  "one that makes and unmakes the only other": {
    code: "last-admin",
    wish: { promotes: ["bob"], demotes: ["bob", "Alice"] },
  },
  "one in a direct room": {
    code: "direct-room",
    room: "dm-0123456789abcdef",
    wish: { promotes: ["Alice"] },
  },
};

for (const [what, refusal] of Object.entries(REFUSED)) {
  const { code, kind = CallerError, who = "Alice", room = ROOM, wish } = refusal;
  Deno.test(`of changes of admins, ${what} is ${code}, and nothing of it is stored`, () => {
    using scene = startScene();
    const { delivery } = scene;
    const deed = scene.deed(room, who, wish);
    const store = (): unknown => delivery.transaction(() => storeCommit(delivery, deed, 9));
    assertThrows(store, kind, code);
    assert.deepEqual(adminsOf(scene), ["Alice"]);
    assert.equal(delivery.rooms.find(ROOM, "Alice")?.epoch, 1);
  });
}

Deno.test("an admin makes others admins, and these may remove it; the room goes on without its maker", () => {
  using scene = startScene();
  scene.commit(ROOM, "Alice", { promotes: ["bob", "carol"] });
  assert.deepEqual(adminsOf(scene), ["Alice", "bob", "carol"]);
  scene.commit(ROOM, "bob", { demotes: ["Alice", "carol"] });
  assert.deepEqual(adminsOf(scene), ["bob"]);
  const deed = scene.deed(ROOM, "Alice", { removes: ["carol"] });
  assertThrows(() => storeCommit(scene.delivery, deed, 9), CallerError, "not-admin");
  scene.commit(ROOM, "bob", { removes: ["Alice"] });
  scene.commit(ROOM, "bob", { promotes: ["carol"] });
  assert.deepEqual(adminsOf(scene), ["bob", "carol"]);
});

Deno.test("who is no member any more may be named as no admin: its key is in the group's rules still", () => {
  using scene = startScene();
  scene.commit(ROOM, "Alice", { promotes: ["bob"] });
  scene.delivery.dismiss("bob", ROOM);
  scene.commit(ROOM, "Alice", { demotes: ["bob", "dave"] });
  assert.deepEqual(adminsOf(scene), ["Alice"]);
});

Deno.test("an admin who goes and comes again is a plain member; but the last one is an admin again", () => {
  using scene = startScene();
  scene.commit(ROOM, "Alice", { promotes: ["bob"] });
  scene.commit(ROOM, "Alice", { removes: ["bob"] });
  scene.commit(ROOM, "carol", { adds: ["bob"] });
  assert.deepEqual(adminsOf(scene), ["Alice"]);
  scene.delivery.dismiss("Alice", ROOM);
  assert.deepEqual(adminsOf(scene), []);
  scene.commit(ROOM, "carol", { adds: ["dave"] });
  assert.deepEqual(adminsOf(scene), []);
  scene.commit(ROOM, "carol", { adds: ["Alice"] });
  assert.deepEqual(adminsOf(scene), ["Alice"]);
  scene.commit(ROOM, "Alice", { promotes: ["bob"] });
  scene.commit(ROOM, "bob", { removes: ["Alice"] });
  scene.commit(ROOM, "bob", { adds: ["Alice"] }); // that she once was the last one is over
  assert.deepEqual(adminsOf(scene), ["bob"]);
});

Deno.test("who has lost the identity key is an admin nowhere any more, and not again", () => {
  using scene = startScene();
  scene.create("chemistry");
  scene.delivery.dismiss("Alice", "chemistry");
  scene.delivery.forgetKeys("alice");
  assert.deepEqual(adminsOf(scene), []);
  scene.delivery.admit("Alice", "chemistry", 1);
  assert.equal(scene.delivery.rooms.get("chemistry", "Alice").admin, false);
  assert.equal(scene.delivery.rooms.get(ROOM, "Alice").since, 0);
});

Deno.test("whoever has a removed account's name next is no admin by it", () => {
  using scene = startScene();
  scene.delivery.dismiss("Alice", ROOM);
  scene.removeAccount("Alice");
  scene.addAccount("alice");
  scene.delivery.admit("alice", ROOM, 1);
  assert.deepEqual(adminsOf(scene), []);
});

Deno.test("who is made an admin has not made the room: it may make as many as before", () => {
  using scene = startScene();
  scene.commit(ROOM, "Alice", { promotes: ["bob"] });
  scene.commit(ROOM, "bob", { demotes: ["Alice"] });
  const { rooms } = scene.delivery;
  assert.deepEqual(["Alice", "bob"].map((name) => rooms.countMade(name)), [2, 0]);
});
