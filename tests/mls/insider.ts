/**
 * A member with a client of its own: it makes commits that ours would not make, and signs them as a
 * member can.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type CiphersuiteImpl,
  type Commit,
  createCommit,
  type CreateCommitOptions,
  encodeMlsMessage,
  generateKeyPackageWithKey,
  type KeyPackage,
  type LeafNode,
  type Proposal,
} from "ts-mls";
import { nextEpochContext } from "ts-mls/clientState.js";
import { createConfirmationTag, createContentCommitSignature } from "ts-mls/framedContent.js";
import { signKeyPackage } from "ts-mls/keyPackage.js";
import { initializeEpoch } from "ts-mls/keySchedule.js";
import { signLeafNodeKeyPackage } from "ts-mls/leafNode.js";
import { protectPublicMessage } from "ts-mls/messageProtectionPublic.js";
import type { Group } from "../../lib/mls/group.ts";
import type { ForeignKeyPackage } from "../../lib/mls/key_package.ts";
import { type ClientState, decodeState } from "../../lib/mls/state.ts";
import { CAPABILITIES, CLIENT_CONFIG, loadSuite } from "../../lib/mls/suite.ts";
import type { Device } from "./people.ts";

/** A group's state, secrets and all. */
export function stateOf(group: Group): ClientState {
  return decodeState(group.encode());
}

/** A key package as the library has it, in a proposal to add it. */
export function adding(keyPackage: KeyPackage): Proposal {
  return { proposalType: "add", add: { keyPackage } };
}

/** A proposal to remove a leaf. */
export function removing(leaf: number): Proposal {
  return { proposalType: "remove", remove: { removed: leaf } };
}

/** A commit by the library itself, which knows none of our rules. */
export async function libraryCommit(
  state: ClientState,
  extraProposals: Proposal[] = [],
  suite?: CiphersuiteImpl,
  options: CreateCommitOptions = { wireAsPublicMessage: true },
): Promise<Uint8Array> {
  const cipherSuite = suite ?? await loadSuite();
  const made = await createCommit({ state, cipherSuite }, { ...options, extraProposals });
  return encodeMlsMessage(made.commit);
}

/** The welcome of a commit by the library itself, to whom it adds. */
export async function libraryWelcome(
  state: ClientState,
  extraProposals: Proposal[],
): Promise<Uint8Array> {
  const options = { wireAsPublicMessage: true, ratchetTreeExtension: true, extraProposals };
  const { welcome } = await createCommit({ state, cipherSuite: await loadSuite() }, options);
  assert.ok(welcome !== undefined);
  return encodeMlsMessage({ version: "mls10", wireformat: "mls_welcome", welcome });
}

/** A state whose client checks no credentials. */
export function trusting(state: ClientState): ClientState {
  const authService = { validateCredential: () => Promise.resolve(true) };
  return { ...state, clientConfig: { ...CLIENT_CONFIG, authService } };
}

/** A state with something else in a leaf of its tree. */
export function withLeaf(state: ClientState, leaf: number, change: Partial<LeafNode>): ClientState {
  const node = state.ratchetTree[2 * leaf];
  assert.ok(node?.nodeType === "leaf");
  const changed = { nodeType: "leaf", leaf: { ...node.leaf, ...change } as LeafNode } as const;
  return { ...state, ratchetTree: state.ratchetTree.with(2 * leaf, changed) };
}

/** Any commit at all, signed and with its membership tag; only its confirmation tag is made up. */
export async function signedCommit(state: ClientState, commit: Commit): Promise<Uint8Array> {
  const { framedContent, signature } = await signed(state, commit);
  return await asMessage(state, framedContent, signature, new Uint8Array(64));
}

/**
 * The same with the confirmation tag that belongs to it.
 *
 * @param after of a commit to the same tree.
 * @param commitSecret what its path comes to.
 */
export async function confirmedCommit(
  state: ClientState,
  { groupContext: { treeHash } }: ClientState,
  commit: Commit,
  commitSecret: Uint8Array,
): Promise<Uint8Array> {
  const { kdf, hash } = await loadSuite();
  const { framedContent, signature } = await signed(state, commit);
  const context = await nextEpochContext(
    ...[state.groupContext, "mls_public_message", framedContent, signature] as const,
    ...[treeHash, state.confirmationTag, hash] as const,
  );
  const { keySchedule: { confirmationKey } } = await initializeEpoch(
    ...[
      state.keySchedule.initSecret,
      commitSecret,
      context,
      new Uint8Array(kdf.size),
      kdf,
    ] as const,
  );
  const tag = await createConfirmationTag(confirmationKey, context.confirmedTranscriptHash, hash);
  return await asMessage(state, framedContent, signature, tag);
}

type Signed = Awaited<ReturnType<typeof createContentCommitSignature>>;

async function signed(state: ClientState, commit: Commit): Promise<Signed> {
  const suite = await loadSuite();
  const { groupContext, signaturePrivateKey, privatePath: { leafIndex } } = state;
  return await createContentCommitSignature(
    ...[groupContext, "mls_public_message", commit] as const,
    { senderType: "member", leafIndex },
    new Uint8Array(),
    ...[signaturePrivateKey, suite.signature] as const,
  );
}

async function asMessage(
  { keySchedule: { membershipKey }, groupContext }: ClientState,
  content: Signed["framedContent"],
  signature: Uint8Array,
  confirmationTag: Uint8Array,
): Promise<Uint8Array> {
  const wireformat = "mls_public_message";
  const publicMessage = await protectPublicMessage(
    ...[membershipKey, groupContext] as const,
    { wireformat, content, auth: { contentType: "commit", signature, confirmationTag } },
    await loadSuite(),
  );
  return encodeMlsMessage({ version: "mls10", wireformat, publicMessage });
}

/** What differs in a key package from an honest one. */
export interface Oddity {
  credential?: Uint8Array;
  initKey?: Uint8Array;
  encryptionKey?: Uint8Array;
  extensions?: number[];
  notAfter?: bigint;
}

/** A key package of a device with something odd about it, and all signatures right. */
export async function oddKeyPackage({ keys }: Device, oddity: Oddity): Promise<KeyPackage> {
  const suite = await loadSuite();
  const { publicPackage } = await generateKeyPackageWithKey(
    { credentialType: "basic", identity: oddity.credential ?? keys.credential },
    { ...CAPABILITIES, extensions: oddity.extensions ?? CAPABILITIES.extensions },
    { notBefore: 0n, notAfter: 1n },
    [],
    { signKey: keys.signatureSeed, publicKey: keys.signatureKey },
    suite,
  );
  const now = BigInt(Math.floor(Date.now() / 1000));
  const lifetime = { notBefore: now - 100n, notAfter: oddity.notAfter ?? now + 100n };
  const hpkePublicKey = oddity.encryptionKey ?? publicPackage.leafNode.hpkePublicKey;
  const leafNode = await signLeafNodeKeyPackage(
    { ...publicPackage.leafNode, hpkePublicKey, lifetime },
    keys.signatureSeed,
    suite.signature,
  );
  const initKey = oddity.initKey ?? publicPackage.initKey;
  return await signKeyPackage(
    { ...publicPackage, leafNode, initKey },
    keys.signatureSeed,
    suite.signature,
  );
}

/** A key package as it is published. */
export function published(keyPackage: KeyPackage): Uint8Array {
  return encodeMlsMessage({ version: "mls10", wireformat: "mls_key_package", keyPackage });
}

/** A key package as if it had been checked. */
export function unchecked(who: Device, keyPackage: KeyPackage): ForeignKeyPackage {
  return { ...who.package, bytes: published(keyPackage) };
}
