/**
 * A malicious server that hands out other key packages than those of who is asked for: nothing is
 * sent to an identity that is not the known one; at first sight, people see it when they compare.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CallerError, EnvironmentError, PeerError } from "../../lib/errors.ts";
import { certifyDevice } from "../../lib/mls/credential.ts";
import { createIdentity } from "../../lib/mls/identity.ts";
import { oddKeyPackage, published } from "../mls/insider.ts";
import { device } from "../mls/people.ts";
import { decodeDeviceRecord } from "../../lib/vault/device_record.ts";
import { OpenVault } from "./sealed_insider.ts";
import { Liar } from "./sealed_liar.ts";
import { answer, handOut, meet, packageOf, packages, ROOM } from "./sealed_tricks.ts";
import { assertFails } from "./server.ts";

/** How many commits and rooms the real server has been given. */
function given(liar: Liar): unknown {
  return liar.sql(
    "SELECT (SELECT count(*) FROM commits) AS c, (SELECT count(*) FROM rooms) AS r",
  )[0];
}

Deno.test("a known person's name with another identity: nothing is sent, in a room or alone", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice] = await meet(liar, "alice", "bob");
  await alice.chat.sealed.create("second");
  const before = given(liar);
  handOut(liar, "alice", await device("bob"));
  const { sealed } = alice.chat;
  await assertFails(sealed.invite("second", ["bob"]), CallerError, "identity-changed");
  await assertFails(sealed.direct("bob"), CallerError, "identity-changed");
  liar.toServer = undefined; // the right key does not undo what was seen
  const { changed, pinned } = await sealed.identityOf("bob");
  assert.notEqual(changed!.number.digits, pinned.number.digits);
  assert.deepEqual(given(liar), before);
});

Deno.test("a first contact with an identity of the server's: told, and the safety numbers differ", async () => {
  await using liar = await Liar.start("alice", "bob");
  const alice = await liar.enter("alice");
  const bob = await liar.enter("bob");
  await alice.chat.sealed.create(ROOM);
  handOut(liar, "alice", await device("bob"));
  await alice.chat.sealed.invite(ROOM, ["bob"]);
  assert.match((await alice.hears("notice", isFirstContact)).message, /First contact with bob/);
  const seen = await alice.chat.sealed.identityOf("bob");
  liar.toServer = undefined;
  const right = await bob.chat.sealed.identityOf("alice");
  assert.notEqual(seen.pinned.number.digits, right.pinned.number.digits);
  assert.notDeepEqual(seen.pinned.number.words, right.pinned.number.words);
});

Deno.test("an own device that the own account has not certified: not added", async () => {
  await using liar = await Liar.start("alice");
  const alice = await liar.enter("alice");
  await alice.chat.sealed.create(ROOM);
  handOut(liar, "alice", await device("alice", 2));
  const inviting = alice.chat.sealed.invite(ROOM, ["alice"]);
  await assertFails(inviting, CallerError, "identity-changed");
  assert.equal((await alice.chat.sealed.security(ROOM)).members.length, 1);
});

Deno.test("a first contact by invitation is told to who invites, and numbers are the same if nobody is between", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, bob] = await meet(liar, "alice", "bob");
  assert.ok(alice.brief.includes("notice contacts-new"));
  const one = await alice.chat.sealed.identityOf("bob");
  const other = await bob.chat.sealed.identityOf("alice");
  assert.equal(one.pinned.number.digits, other.pinned.number.digits);
});

/** Packages that are nobody's or somebody else's, and what alice's client says. */
const WRONG: {
  readonly [what: string]: [
    typeof PeerError | typeof EnvironmentError,
    string,
    (liar: Liar) => Promise<Uint8Array>,
  ];
} = {
  "another account's": [EnvironmentError, "identity-wrong", async (liar) => {
    return (await packageOf(liar, "mallory")).bytes;
  }],
  "certified by nobody": [PeerError, "mls-invalid", async (liar) => {
    const { identity } = await packageOf(liar, "bob");
    const eve = await device("bob");
    const forged = { publicKey: identity, seed: createIdentity().seed };
    const credential = certifyDevice(forged, "bob", 1, eve.keys.signatureKey);
    return published(await oddKeyPackage(eve, { credential }));
  }],
  "with the victim's certificate and a key of the server's": [
    PeerError,
    "mls-invalid",
    async (liar) => {
      const { keys: { credential } } = decodeDeviceRecord(
        new OpenVault(liar, "bob").read("device/1"),
      );
      return published(await oddKeyPackage(await device("bob"), { credential }));
    },
  ],
  "cut short": [PeerError, "mls-invalid", async (liar) => {
    return (await packageOf(liar, "bob")).bytes.subarray(0, -1);
  }],
};

for (const [what, [kind, code, make]] of Object.entries(WRONG)) {
  Deno.test(`a key package that is ${what}: refused, and nobody is let in`, async () => {
    await using liar = await Liar.start("alice", "bob", "mallory");
    for (const user of ["bob", "mallory"]) await liar.enter(user);
    const alice = await liar.enter("alice");
    await alice.chat.sealed.create(ROOM);
    const bytes = await make(liar);
    answer(liar, "alice", "claim", () => packages({ user: "bob", bytes }));
    await assertFails(alice.chat.sealed.invite(ROOM, ["bob"]), kind as typeof PeerError, code);
    assert.equal((await alice.chat.sealed.security(ROOM)).members.length, 1);
  });
}

function isFirstContact({ code }: { code: string }): boolean {
  return code === "contacts-new";
}
