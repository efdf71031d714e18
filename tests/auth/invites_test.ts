/**
 * Invites in the database: their codes, what becomes of them, and that an account and a use of its
 * invite go together.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  createInviteCode,
  idOfIdentity,
  inviteId,
  inviteIdentity,
  isInviteCode,
} from "../../lib/auth/invite_code.ts";
import { type Invite, stateOf } from "../../lib/auth/invites.ts";
import { registerLocally } from "../../lib/auth/opaque.ts";
import { openDatabase } from "../../lib/database.ts";
import { CallerError, EnvironmentError } from "../../lib/errors.ts";
import { isAccountName } from "../../lib/protocol/messages.ts";
import { Dismissal } from "../../lib/server/explain.ts";
import type { DrawnInvite, InviteWish } from "../../lib/server/invitations.ts";
import { Operations } from "../../lib/server/operations.ts";
import { assertThrows, TempFolder } from "../attacks/server.ts";

const WISH: InviteWish = {
  label: "for Ann",
  role: "member",
  room: "lobby",
  uses: 1,
  seconds: 3_600,
};

/** A database with a clock that can be moved. */
class Desk implements Disposable {
  readonly #folder: TempFolder;
  readonly #close: () => void;
  now = new Date("2026-01-01T00:00:00.000Z");

  private constructor(folder: TempFolder, readonly operations: Operations, close: () => void) {
    this.#folder = folder;
    this.#close = close;
  }

  static async open(): Promise<Desk> {
    const folder = new TempFolder();
    const path = folder.file("chat_logs.db");
    const database = openDatabase(path);
    const { accounts } = await Operations.open(database, path);
    const operations = new Operations(accounts, database, path, () => desk.now);
    const desk: Desk = new Desk(folder, operations, () => database.close());
    return desk;
  }

  issue(wish: Partial<InviteWish> = {}): DrawnInvite {
    const drawn = this.operations.invitations.draw({ ...WISH, ...wish });
    this.operations.invitations.issue([drawn]);
    return drawn;
  }

  redeem({ invite }: DrawnInvite, name: string): void {
    this.operations.invitations.redeem(invite.id, name, this.record(name));
  }

  /** Cheap, since nobody logs in with it. */
  record(name: string): string {
    return registerLocally(this.operations.accounts.setup, name, "a password", "random");
  }

  deeds(): string[] {
    return this.operations.audit.read(100).map(({ actor, action, target }) =>
      `${actor} ${action} ${target}`
    );
  }

  [Symbol.dispose](): void {
    this.#close();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("a code has 26 of 32 characters, all of which come up at each place", () => {
  const codes = Array.from({ length: 1_000 }, createInviteCode);
  assert.equal(new Set(codes).size, codes.length);
  assert.ok(codes.every(isInviteCode));
  for (let at = 0; at < 26; at += 1) {
    // That one of 32 is missing among 1,000 has odds of 32 * (31/32)^1000: 5e-13.
    assert.equal(new Set(codes.map((code) => code[at])).size, 32, `place ${at}`);
  }
});

Deno.test("an invite's id is 16 digits of a hash of its code, as PROTOCOL.md writes it", () => {
  const code = "abcdefghijklmnopqrstuvwxyz";
  const label = "fernchat invite id v1";
  const framed = `\0\0\0\x15${label}\0\0\0\x1a${code}`;
  const hash = createHash("sha256").update(framed, "latin1").digest("hex");
  assert.equal(inviteId(code), hash.slice(0, 16));
});

Deno.test("no account can have an invite's name", () => {
  const identity = inviteIdentity(inviteId(createInviteCode()));
  assert.ok(!isAccountName(identity));
  assert.equal(idOfIdentity(identity)?.length, 16);
  assert.equal(idOfIdentity("alice"), undefined);
});

Deno.test("stateOf() tells why an invite cannot be used, to the millisecond", () => {
  const invite: Invite = {
    ...{ id: "00", label: "", role: "member", room: "lobby", uses: 2, uses_left: 1 },
    ...{ created_at: "2026-01-01T00:00:00.000Z", expires_at: null, revoked_at: null },
  };
  const expires_at = "2026-01-01T00:00:01.000Z";
  const at = (time: string): Date => new Date(time);
  assert.equal(stateOf(invite, at("2999-01-01T00:00:00.000Z")), "open");
  assert.equal(stateOf({ ...invite, expires_at }, at("2026-01-01T00:00:00.999Z")), "open");
  assert.equal(stateOf({ ...invite, expires_at }, at(expires_at)), "expired");
  assert.equal(stateOf({ ...invite, uses_left: 0 }), "used");
  assert.equal(stateOf({ ...invite, uses_left: 0, revoked_at: expires_at }), "revoked");
});

Deno.test("an invite makes as many accounts as it has uses, of its role, and no more", async () => {
  using desk = await Desk.open();
  const drawn = desk.issue({ uses: 2, role: "operator" });
  desk.redeem(drawn, "ann");
  desk.redeem(drawn, "ben");
  assert.equal(desk.operations.accounts.get("ann").role, "operator");
  assertThrows(() => desk.redeem(drawn, "cat"), Dismissal, "invite-used");
  assert.equal(desk.operations.accounts.find("cat"), undefined);
  assert.deepEqual(desk.deeds(), [
    `console invite-create ${drawn.invite.id}`,
    "ann invite-used ann",
    "ben invite-used ben",
  ]);
});

Deno.test("a name that cannot be had takes no use", async () => {
  using desk = await Desk.open();
  const [first, second] = [desk.issue(), desk.issue()];
  desk.redeem(first, "ann");
  for (
    const [name, kind, code] of [
      ["ANN", EnvironmentError, "name-taken"],
      ["Admin", CallerError, "name-reserved"],
      ["аnn", CallerError, "name-invalid"], // a Cyrillic а
    ] as const
  ) {
    assertThrows(() => desk.redeem(second, name), kind, code);
  }
  assert.equal(desk.operations.invitations.store.get(second.invite.id).uses_left, 1);
  desk.redeem(second, "ben");
});

Deno.test("an invite that has expired or was revoked makes no account", async () => {
  using desk = await Desk.open();
  const [late, revoked] = [desk.issue({ seconds: 60 }), desk.issue({ seconds: undefined })];
  desk.now = new Date(desk.now.getTime() + 59_999);
  desk.operations.invitations.getOpen(late.invite.id);
  desk.now = new Date(desk.now.getTime() + 1);
  assertThrows(() => desk.redeem(late, "ann"), Dismissal, "invite-expired");
  desk.operations.invitations.revoke(revoked.invite.id);
  assertThrows(() => desk.redeem(revoked, "ann"), Dismissal, "invite-revoked");
  assert.deepEqual(desk.operations.accounts.list(), []);
});

Deno.test("revoke() takes the first digits of an id, if they are one invite's alone", async () => {
  using desk = await Desk.open();
  const { invitations } = desk.operations;
  const ids = Array.from({ length: 17 }, () => desk.issue().invite.id); // two begin alike
  const [first] = ids.map((id) => id.slice(0, 1)).filter((digit, at, all) =>
    all.indexOf(digit) !== at
  );
  assertThrows(() => invitations.revoke(first as string), CallerError, "invite-ambiguous");
  const id = ids[0] as string;
  assert.equal(invitations.revoke(id.slice(0, 15).toUpperCase()).id, id);
  assertThrows(() => invitations.revoke(id), EnvironmentError, "invite-over");
  for (const unknown of ["", "g", "%", "_"]) {
    assertThrows(() => invitations.revoke(unknown), EnvironmentError, "invite-unknown");
  }
});

Deno.test("issue() makes all invites or none", async () => {
  using desk = await Desk.open();
  const { invitations } = desk.operations;
  const drawn = ["lobby", "nowhere"].map((room) => invitations.draw({ ...WISH, room }));
  assertThrows(() => invitations.issue(drawn), EnvironmentError, "room-unknown");
  assert.deepEqual(invitations.store.list(), []);
  assert.deepEqual(desk.deeds(), []);
});

Deno.test("draw() refuses what cannot be", async () => {
  using desk = await Desk.open();
  const { invitations } = desk.operations;
  for (const uses of [0, -1, 1.5, 10_001, NaN]) {
    assertThrows(() => invitations.draw({ ...WISH, uses }), CallerError, "uses-invalid");
  }
  for (const label of ["x".repeat(101), "two\nlines", "\ud800"]) {
    assertThrows(() => invitations.draw({ ...WISH, label }), CallerError, "label-invalid");
  }
});
