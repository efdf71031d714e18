/** What people read about rooms and each other: it fits the screen, and leaves nothing out. */

import assert from "node:assert/strict";
import { describeConfirmed, describeIdentity } from "../../lib/client/commands/identity_words.ts";
import { describeLeaving } from "../../lib/client/commands/leaving.ts";
import { describeMembers } from "../../lib/client/commands/names.ts";
import { describeOpenRoom, describeSealedRoom } from "../../lib/client/commands/security_words.ts";
import type { RoomView } from "../../lib/client/member.ts";
import type { ComparableKey } from "../../lib/client/sealed/identities.ts";
import type { MemberSecurity, RoomSecurity } from "../../lib/client/sealed/room_security.ts";
import { PeerError } from "../../lib/errors.ts";
import { SUITE } from "../../lib/mls/suite.ts";

/** Behind the sign before a remark, on a screen of 80 columns. */
const COLUMNS = 76;

/** Longer ones are rare, and wrapped. */
const [ME, YOU, ROOM] = ["alice.miller", "bob.meyer-21", "study-group"];

const VIEW: RoomView = {
  ...{ room: ROOM, kind: "sealed", topic: "", slow: 0, keyId: "0123abcd" },
  head: { seq: 123_456, chain: "0123456789abcdef".repeat(4) },
};

function member(user: string, changes: Partial<MemberSecurity> = {}): MemberSecurity {
  return { user, devices: 1, isAdmin: false, isLeaving: false, trust: "unverified", ...changes };
}

function roomOf(members: MemberSecurity[], broken?: unknown): RoomSecurity {
  const security = { suite: SUITE, epoch: 1_234, keyId: "0123abcd", members, head: VIEW.head };
  return broken === undefined ? security : { ...security, broken };
}

function key(digit: string): ComparableKey {
  const digits = Array.from({ length: 12 }, () => digit.repeat(5)).join(" ");
  const number = { digits, words: Array.from({ length: 16 }, () => "absolute") };
  return { key: new Uint8Array(32), since: "2026-01-02T03:04:05.678Z", number };
}

function assertFits(lines: readonly string[]): void {
  for (const line of lines) assert.ok(line.length <= COLUMNS, `${line.length}: ${line}`);
}

Deno.test("all of it fits 80 columns", () => {
  const members = [member(ME, { trust: "own", isAdmin: true }), member(YOU, { trust: "changed" })];
  const identity = { user: YOU, pinned: key("1"), verified: true };
  assertFits(describeOpenRoom({ ...VIEW, kind: "open" }));
  assertFits(describeSealedRoom(VIEW, roomOf(members)));
  assertFits(describeIdentity(identity, ME));
  assertFits(describeIdentity({ ...identity, changed: key("2") }, ME));
  assertFits(describeConfirmed(YOU, true));
  assertFits(describeLeaving(ROOM, ME, { members }));
});

Deno.test("of many members, those who need a look are named, and the others are counted", () => {
  const many = Array.from(
    { length: 200 },
    (_, at) => member(`student${at}`, { trust: "verified" }),
  );
  const members = [member(ME, { trust: "own" }), ...many, member("zoe", { trust: "changed" })];
  const lines = describeSealedRoom(VIEW, roomOf(members));
  assert.ok(lines.some((line) => /zoe: .*ANOTHER KEY THAN BEFORE \(\/verify zoe\)/.test(line)));
  assert.ok(lines.includes("  and 178 more, 177 of them verified"));
  assert.ok(lines.length < 40);
});

Deno.test("a room without admins, one who leaves, and a room that cannot be followed are told", () => {
  const broken = new PeerError("room-inconsistent", "The server lost message 7");
  const members = [member(ME, { trust: "own" }), member(YOU, { isLeaving: true, devices: 3 })];
  const text = describeSealedRoom(VIEW, roomOf(members, broken)).join("\n");
  assert.match(text, /There is no admin any more/);
  assert.match(text, /bob\.meyer-21: 3 devices, not compared, leaves/);
  assert.match(text, /It cannot be followed any more: The server lost message 7/);
  const direct = describeSealedRoom({ ...VIEW, peer: YOU }, roomOf(members)).join("\n");
  assert.match(direct, /^@bob\.meyer-21 is a sealed room/);
  assert.doesNotMatch(direct, /admin/);
});

Deno.test("who leaves is told if nobody rules over the room then, and only who ruled over it", () => {
  const leaving = (me: boolean, you: boolean): string => {
    const members = [member(ME, { trust: "own", isAdmin: me }), member(YOU, { isAdmin: you })];
    return describeLeaving(ROOM, ME, { members }).join("\n");
  };
  assert.match(leaving(true, false), /You were its only admin/);
  for (const [me, you] of [[true, true], [false, true], [false, false]] as const) {
    assert.doesNotMatch(leaving(me, you), /admin/);
  }
});

Deno.test("a changed key shows both numbers, the old one for who has it written down", () => {
  const identity = { user: YOU, pinned: key("1"), verified: false, changed: key("2") };
  const text = describeIdentity(identity, ME).join("\n");
  assert.match(text, /before, not compared,[^]*11111[^]*now:[^]*22222[^]*words/);
});

Deno.test("who is here, but no member, is named as what only the server says", () => {
  const present = { is: "names", room: ROOM, more: 0 } as const;
  const names = [ME, "mallory"].map((user) => ({ user, role: "member" as const }));
  const members = [member(ME, { isAdmin: true }), member(YOU)];
  assert.deepEqual(describeMembers({ room: ROOM }, members, { ...present, names }), [
    "Members of study-group: alice.miller (admin), bob.meyer-21 (not here)",
    "The server names also, who are no members: mallory",
  ]);
  const [line] = describeMembers({ room: ROOM }, members, { ...present, names: [], more: 9 });
  assert.equal(line, "Members of study-group: alice.miller (admin), bob.meyer-21");
  const direct = describeMembers({ room: ROOM, peer: YOU }, members, {
    ...present,
    names: [],
    more: 9,
  });
  assert.deepEqual(direct, ["Members of @bob.meyer-21: alice.miller, bob.meyer-21"]);
});
