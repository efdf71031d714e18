/**
 * Who was not there, or is not there any more, has no key: shown with the states themselves, as a
 * thief of them would use them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decodeMlsMessage, encodeGroupState, type UpdatePath } from "ts-mls";
import { decryptWithLabel } from "ts-mls/crypto/hpke.js";
import { deriveSecret } from "ts-mls/crypto/kdf.js";
import { encodeGroupContext } from "ts-mls/groupContext.js";
import { initializeEpoch } from "ts-mls/keySchedule.js";
import type { Group } from "../../lib/mls/group.ts";
import type { ClientState } from "../../lib/mls/state.ts";
import { loadSuite } from "../../lib/mls/suite.ts";
import { stateOf } from "./insider.ts";
import { commit, devices, hex, join, keyOf, room } from "./people.ts";

const [alice, bob, carol] = await devices("alice", "bob", "carol");
const suite = await loadSuite();

/** What a state must not hold once its epoch is over. */
function secretsOf({ keySchedule }: ClientState): [string, string][] {
  return Object.entries(keySchedule).map(([name, secret]) => [name, hex(secret)]);
}

function holds(group: Group, secret: string): boolean {
  return hex(group.encode()).includes(secret);
}

Deno.test("a new member holds no secret of the epochs before", async () => {
  const groups = await room(alice, bob);
  const earlier: [string, string][] = [];
  for (const by of [0, 1]) {
    earlier.push(...secretsOf(stateOf(groups[0]!)));
    earlier.push(["epoch key", await keyOf(groups[0]!)]);
    await commit(groups, by, {});
  }
  earlier.push(...secretsOf(stateOf(groups[0]!)));
  const joined = await join(carol, await commit(groups, 0, { add: [carol.package] }));
  for (const [name, secret] of earlier) assert.ok(!holds(joined, secret), name);
  assert.ok(secretsOf(stateOf(joined)).every(([, secret]) => holds(joined, secret)));
});

Deno.test("a member who goes on keeps no secret of the epochs before", async () => {
  const groups = await room(alice, bob);
  const earlier: [string, string][] = [];
  for (const by of [0, 1, 0]) {
    earlier.push(...secretsOf(stateOf(groups[0]!)));
    await commit(groups, by, {});
    for (const group of groups) {
      for (const [name, secret] of earlier) assert.ok(!holds(group, secret), name);
    }
  }
});

Deno.test("a member who goes on keeps no private key of a node that is blank", async () => {
  const groups = await room(alice, bob, carol);
  await commit(groups, 0, {});
  const before = stateOf(groups[0]!).privatePath.privateKeys;
  await commit(groups, 0, { removeLeaves: [1] });
  const after = stateOf(groups[0]!);
  const blank = Object.keys(before).filter((node) => after.ratchetTree[Number(node)] === undefined);
  assert.ok(blank.length > 0);
  for (const node of blank) assert.ok(!(Number(node) in after.privatePath.privateKeys));
});

Deno.test("a removed member keeps no secret at all", async () => {
  const groups = await room(alice, bob, carol);
  const before = stateOf(groups[1]!);
  await commit(groups, 0, { removeLeaves: [1] });
  const removed = groups[1] as Group;
  for (const [name, secret] of secretsOf(before)) assert.ok(!holds(removed, secret), name);
  assert.ok(!holds(removed, hex(bob.keys.signatureSeed)));
  for (const key of Object.values(before.privatePath.privateKeys)) {
    assert.ok(!holds(removed, hex(key)));
  }
});

/** The path of a commit. */
function pathOf(bytes: Uint8Array): UpdatePath {
  const message = decodeMlsMessage(bytes, 0)?.[0];
  assert.ok(message?.wireformat === "mls_public_message");
  const { content } = message.publicMessage;
  assert.ok(content.contentType === "commit" && content.commit.path !== undefined);
  return content.commit.path;
}

/** Tries every private key of a state on every secret that a commit carries. */
async function opened(state: ClientState, bytes: Uint8Array, after: ClientState): Promise<number> {
  const context = encodeGroupContext({
    ...after.groupContext,
    confirmedTranscriptHash: state.groupContext.confirmedTranscriptHash,
  });
  let found = 0;
  for (const privateKey of Object.values(state.privatePath.privateKeys)) {
    const key = await suite.hpke.importPrivateKey(privateKey);
    for (const { encryptedPathSecret } of pathOf(bytes).nodes) {
      for (const { kemOutput, ciphertext } of encryptedPathSecret) {
        const args = [key, "UpdatePathNode", context, kemOutput, ciphertext, suite.hpke] as const;
        await decryptWithLabel(...args).then(() => found++, () => {});
      }
    }
  }
  return found;
}

Deno.test("a removal's secrets open for those who stay, and not for who is removed", async () => {
  const groups = await room(alice, bob, carol);
  const before = groups.map(stateOf);
  const { commit: removal } = await commit(groups, 0, { removeLeaves: [1] });
  const after = stateOf(groups[0]!);
  assert.equal(await opened(before[2]!, removal, after), 1);
  assert.equal(await opened(before[1]!, removal, after), 0);
});

// The library's own commit takes zeros for the commit secret here (lib/mls/lone_commit.ts).
Deno.test("who was removed as the last other member cannot derive what comes then", async () => {
  const groups = await room(alice, bob);
  const thief = stateOf(groups[1]!);
  await commit(groups, 0, { removeLeaves: [1] });
  const alone = stateOf(groups[0]!);
  const zeros = new Uint8Array(suite.kdf.size);
  const guessed = await initializeEpoch(
    ...[thief.keySchedule.initSecret, zeros, alone.groupContext, zeros, suite.kdf] as const,
  );
  assert.notDeepEqual(guessed.keySchedule, alone.keySchedule);
  const made = await groups[0]!.commit({ add: [carol.package] });
  assert.equal(await keyOf(await join(carol, made)), await keyOf(made.next));
});

Deno.test("who is alone gets a new secret by each commit, and the group goes on from it", async () => {
  const [first] = await room(alice);
  const zeros = new Uint8Array(suite.kdf.size);
  const { next, change } = await first.commit({});
  assert.deepEqual([change.rekeyed, change.hasPath, next.epoch], [true, true, 1]);
  const { groupContext, keySchedule } = stateOf(next);
  const guessed = await initializeEpoch(
    ...[stateOf(first).keySchedule.initSecret, zeros, groupContext, zeros, suite.kdf] as const,
  );
  assert.notDeepEqual(guessed.keySchedule, keySchedule);
  const made = await next.commit({ add: [bob.package] });
  const groups = [made.next, await join(bob, made)];
  await commit(groups, 1, {});
  assert.equal(await keyOf(groups[0]!), await keyOf(groups[1]!));
});

Deno.test("a stolen state is of no use after its member's next commit with a path", async () => {
  const groups = await room(alice, bob, carol);
  const stolen = stateOf(groups[1]!);
  await commit(groups, 1, {});
  const own = stateOf(groups[1]!);
  const { commit: next } = await commit(groups, 0, {});
  const after = stateOf(groups[0]!);
  assert.equal(await opened(own, next, after), 1);
  assert.equal(await opened({ ...stolen, groupContext: own.groupContext }, next, after), 0);
});

Deno.test("the epoch's key is MLS's exporter, with the room's name", async () => {
  const [group] = await room(alice);
  const { keySchedule: { exporterSecret } } = stateOf(group);
  const labelled = await deriveSecret(exporterSecret, "fernchat fernet v1", suite.kdf);
  const context = await suite.hash.digest(new TextEncoder().encode("ops"));
  const info = [
    ...[0, 32, "MLS 1.0 exported".length, ...new TextEncoder().encode("MLS 1.0 exported")],
    ...[0x40, 64, ...context], // RFC 9420 section 2.1.2: two bytes of length from 64 on
  ];
  assert.deepEqual(
    await suite.kdf.expand(labelled, Uint8Array.from(info), 32),
    await group.epochKey(),
  );
});

Deno.test("a state is half the size without what is never used", async () => {
  const others = await devices(...Array.from({ length: 15 }, (_, at) => `user${at}`));
  const [group] = await room(alice, ...others);
  const { secretTree, historicalReceiverData } = stateOf(group);
  assert.deepEqual([secretTree.length, historicalReceiverData.size], [0, 0]);
  assert.ok(encodeGroupState(stateOf(group)).length < 2000 * 16);
});
