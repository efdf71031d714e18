/**
 * Commits that are forged, damaged or out of place, and those of a member whose own client breaks
 * the rules: each is refused with a typed error, and the group stays as it was.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type CiphersuiteImpl,
  createCommit,
  createGroupInfoWithExternalPubAndRatchetTree,
  createProposal,
  encodeMlsMessage,
  joinGroupExternal,
  type Proposal,
} from "ts-mls";
import { deriveSecret } from "ts-mls/crypto/kdf.js";
import { certifyDevice } from "../../lib/mls/credential.ts";
import type { RoomPolicy } from "../../lib/mls/group.ts";
import { generate } from "../../lib/mls/key_package.ts";
import { type ClientState, policyExtension } from "../../lib/mls/state.ts";
import { CLIENT_CONFIG, loadSuite } from "../../lib/mls/suite.ts";
import { assertDamageRefused } from "./damage.ts";
import {
  adding,
  confirmedCommit,
  libraryCommit,
  oddKeyPackage,
  removing,
  signedCommit,
  stateOf,
  trusting,
  unchecked,
  withLeaf,
} from "./insider.ts";
import { assertFails, device, devices, hex, policyOf, room } from "./people.ts";

const [alice, bob, carol, mallory] = await devices("alice", "bob", "carol", "mallory");
const suite = await loadSuite();
const groups = await room(alice, bob, mallory);
const [victim, , insider] = groups;
const before = hex(victim.encode());

async function assertRefused(code: string, bytes: Uint8Array, group = victim): Promise<void> {
  await assertFails(code, () => group.process(bytes));
  assert.equal(hex(victim.encode()), before, "the group has changed");
}

function gce(policy: RoomPolicy): Proposal {
  const extensions = [policyExtension(policy)];
  return { proposalType: "group_context_extensions", groupContextExtensions: { extensions } };
}

/** What a plain member's own client might propose, and how we answer. */
const BY_AN_INSIDER: { readonly [what: string]: [string, () => Promise<Uint8Array>] } = {
  "removes another": ["mls-refused", () => libraryCommit(stateOf(insider), [removing(1)])],
  "removes who reads it": ["mls-refused", () => libraryCommit(stateOf(insider), [removing(0)])],
  "makes itself an admin": [
    "mls-refused",
    () => libraryCommit(stateOf(insider), [gce(policyOf(alice, mallory))]),
  ],
  "takes the rules away": ["mls-invalid", () =>
    libraryCommit(stateOf(insider), [{
      proposalType: "group_context_extensions",
      groupContextExtensions: { extensions: [] },
    }])],
  "adds an account under a second identity": ["mls-refused", async () => {
    const other = await device("Bob", 2);
    return await libraryCommit(stateOf(insider), [
      adding((await generate(other.keys)).publicPackage),
    ]);
  }],
  "adds a device with the encryption key of another": ["mls-invalid", async () => {
    const node = stateOf(insider).ratchetTree[0];
    assert.ok(node?.nodeType === "leaf");
    const odd = await oddKeyPackage(carol, { encryptionKey: node.leaf.hpkePublicKey });
    return await libraryCommit(stateOf(insider), [adding(odd)]);
  }],
  "adds a device that nobody can encrypt to": ["mls-invalid", async () => {
    const odd = await oddKeyPackage(carol, { encryptionKey: new Uint8Array(1216).fill(0xff) });
    return await libraryCommit(stateOf(insider), [adding(odd)]);
  }],
  "adds a device whose credential is forged": ["mls-invalid", async () => {
    const odd = await oddKeyPackage(carol, { credential: bob.keys.credential });
    return await libraryCommit(trusting(stateOf(insider)), [adding(odd)]);
  }],
  "becomes another account's device": ["mls-refused", () => {
    const { signatureKey } = mallory.keys;
    const credential = certifyDevice(mallory.identity, "carol", 1, signatureKey);
    return libraryCommit(withCredential(stateOf(insider), credential));
  }],
  "becomes another device of its account": ["mls-refused", () => {
    const { signatureKey } = mallory.keys;
    const credential = certifyDevice(mallory.identity, "mallory", 2, signatureKey);
    return libraryCommit(withCredential(stateOf(insider), credential));
  }],
  "takes another's credential": [
    "mls-invalid",
    () => libraryCommit(withCredential(stateOf(insider), alice.keys.credential)),
  ],
  "spreads keys that do not belong to their secrets": ["mls-invalid", () => {
    const hpke = { ...suite.hpke, deriveKeyPair: () => suite.hpke.generateKeyPair() };
    return libraryCommit(stateOf(insider), [], { ...suite, hpke });
  }],
  "hides it in a private message": [
    "mls-invalid",
    () => libraryCommit({ ...stateOf(insider), secretTree: anySecretTree() }, [], suite, {}),
  ],
};

/** A state that has another credential in its own leaf. */
function withCredential(state: ClientState, identity: Uint8Array): ClientState {
  const credential = { credentialType: "basic", identity } as const;
  return withLeaf(state, state.privatePath.leafIndex, { credential });
}

function anySecretTree(): ClientState["secretTree"] {
  const generation = () => ({ secret: new Uint8Array(64), generation: 0, unusedGenerations: {} });
  return Array.from({ length: 7 }, () => ({ handshake: generation(), application: generation() }));
}

for (const [what, [code, make]] of Object.entries(BY_AN_INSIDER)) {
  Deno.test(`a member's commit that ${what} is refused`, async () => {
    await assertRefused(code, await make());
  });
}

const leafNode = (await generate(mallory.keys)).publicPackage.leafNode;
const pskId = {
  psktype: "external",
  pskId: Uint8Array.of(1),
  pskNonce: new Uint8Array(64),
} as const;

/** Kinds of proposal that nobody may make. */
const KINDS: { readonly [kind: string]: Proposal } = {
  update: {
    proposalType: "update",
    update: { leafNode: { ...leafNode, leafNodeSource: "update", signature: new Uint8Array(64) } },
  } as Proposal,
  psk: { proposalType: "psk", psk: { preSharedKeyId: pskId } },
  reinit: {
    proposalType: "reinit",
    reinit: {
      ...{ groupId: new Uint8Array(32), version: "mls10", extensions: [] },
      cipherSuite: "MLS_256_XWING_AES256GCM_SHA512_Ed25519",
    },
  },
  external_init: { proposalType: "external_init", externalInit: { kemOutput: new Uint8Array(9) } },
  custom: { proposalType: 0xf0ff, proposalData: new Uint8Array(3) },
};

for (const [kind, proposal] of Object.entries(KINDS)) {
  Deno.test(`a proposal of the kind ${kind} is refused, from an admin too`, async () => {
    for (const group of [insider, groups[0]]) {
      const proposals = [{ proposalOrRefType: "proposal", proposal } as const];
      const bytes = await signedCommit(stateOf(group), { proposals, path: undefined });
      await assertRefused("mls-refused", bytes, groups[1]);
    }
  });
}

Deno.test("proposals by reference, or by themselves, are refused", async () => {
  const reference = { proposalOrRefType: "reference", reference: new Uint8Array(64) } as const;
  const commit = { proposals: [reference], path: undefined };
  await assertRefused("mls-refused", await signedCommit(stateOf(insider), commit));
  const { message } = await createProposal(stateOf(insider), true, removing(1), suite);
  await assertRefused("mls-refused", encodeMlsMessage(message));
});

Deno.test("a commit from outside of the group is refused", async () => {
  const info = await createGroupInfoWithExternalPubAndRatchetTree(stateOf(insider), [], suite);
  const { publicPackage, privatePackage } = await generate(carol.keys);
  const { publicMessage } = await joinGroupExternal(
    ...[info, publicPackage, privatePackage, false, suite, undefined, CLIENT_CONFIG] as const,
  );
  const wireformat = "mls_public_message" as const;
  await assertRefused(
    "mls-refused",
    encodeMlsMessage({ version: "mls10", wireformat, publicMessage }),
  );
});

Deno.test("a commit without a path where there must be one is refused", async () => {
  const proposals = [{ proposalOrRefType: "proposal", proposal: removing(2) } as const];
  for (const commit of [{ proposals, path: undefined }, { proposals: [], path: undefined }]) {
    await assertRefused("mls-invalid", await signedCommit(stateOf(groups[0]), commit), groups[1]);
  }
});

Deno.test("a commit signed by another's key, or by nobody's, is refused", async () => {
  const state = stateOf(insider);
  const byAlice = { ...state, privatePath: { ...state.privatePath, leafIndex: 0 } };
  await assertRefused("mls-invalid", await libraryCommit(byAlice, []), groups[1]);
  const outsider = {
    ...state,
    keySchedule: { ...state.keySchedule, membershipKey: new Uint8Array(64) },
  };
  await assertRefused("mls-invalid", await libraryCommit(outsider, []));
});

Deno.test("a commit from a place that nobody has is refused", async () => {
  for (const leafIndex of [3, 1000, 2 ** 32 - 1]) {
    const state = stateOf(insider);
    const bytes = await signedCommit(
      { ...state, privatePath: { ...state.privatePath, leafIndex } },
      { proposals: [], path: undefined },
    );
    await assertRefused("mls-invalid", bytes);
  }
});

Deno.test("a commit of an earlier epoch, a later one or another group is refused", async () => {
  const first = await groups[1].commit({});
  const { next } = await victim.process(first.commit);
  await assertRefused("mls-invalid", first.commit, next);
  await assertRefused("mls-invalid", (await first.next.commit({})).commit);
  const others = await room(alice, bob);
  await assertRefused("mls-invalid", (await others[1].commit({})).commit);
});

Deno.test("a commit with any bit flipped, cut or lengthened is refused", async () => {
  const { commit: bytes } = await groups[1].commit({ add: [carol.package] });
  const refused = (reading: () => Promise<unknown>): Promise<unknown> =>
    assertFails("mls-invalid", reading).catch(() => assertFails("mls-refused", reading));
  await assertDamageRefused(bytes, (damaged) => victim.process(damaged), refused);
  assert.equal(hex(victim.encode()), before, "the group has changed");
});

Deno.test("a key package that was not checked does not get past the commit that adds it", async () => {
  const odd = await oddKeyPackage(carol, { extensions: [] });
  await assertFails("mls-invalid", () => groups[1].commit({ add: [unchecked(carol, odd)] }));
});

/** The suite, where what is drawn first is no secret that is new. */
function drawing(secret: Uint8Array): CiphersuiteImpl {
  return { ...suite, rng: { randomBytes: () => Uint8Array.from(secret) } };
}

Deno.test("a commit whose leaf has the key that the node above had is refused", async () => {
  const [first, second] = await room(alice, bob);
  const secret = new Uint8Array(64).fill(7);
  const options = { wireAsPublicMessage: true };
  const made = await createCommit({ state: stateOf(first), cipherSuite: drawing(secret) }, options);
  const { next } = await second.process(encodeMlsMessage(made.commit));
  const above = await deriveSecret(secret, "path", suite.kdf);
  const repeated = await libraryCommit(made.newState, [], drawing(above));
  await assertFails("mls-invalid", () => next.process(repeated));
});

Deno.test("a commit that leaves somebody without the new secrets is refused by all", async () => {
  const state = stateOf(insider);
  const secret = new Uint8Array(64).fill(7);
  const options = { wireAsPublicMessage: true };
  const { commit: made, newState } = await createCommit(
    { state, cipherSuite: drawing(secret) },
    options,
  );
  assert.ok(made.wireformat === "mls_public_message");
  const { content } = made.publicMessage;
  assert.ok(content.contentType === "commit" && content.commit.path !== undefined);
  const { path } = content.commit;
  const atRoot = await deriveSecret(secret, "path", suite.kdf);
  const commitSecret = await deriveSecret(atRoot, "path", suite.kdf);
  const bytesWith = async (count: number): Promise<Uint8Array> => {
    const nodes = path.nodes.map(({ hpkePublicKey, encryptedPathSecret: [first, second] }) => {
      assert.ok(first !== undefined && second !== undefined);
      return { hpkePublicKey, encryptedPathSecret: [first, second, second].slice(0, count) };
    });
    const commit = { proposals: [], path: { ...path, nodes } };
    return await confirmedCommit(state, newState, commit, commitSecret);
  };
  assert.equal((await groups[1].process(await bytesWith(2))).next.epoch, victim.epoch + 1);
  for (const count of [1, 3]) {
    const bytes = await bytesWith(count);
    for (const group of groups.slice(0, 2)) await assertRefused("mls-invalid", bytes, group);
  }
});
