/**
 * Checks of ratchet trees (RFC 9420 section 7). The MLS library has its own, but refuses trees that
 * are right: it asks that an unmerged leaf be listed by *every* node above it, where the RFC asks
 * that of the nodes between the leaf and one that lists it. And it never compares a new key with
 * those in the tree.
 *
 * @module
 */

import type { CiphersuiteImpl, GroupContext, LeafNode, Node, RatchetTree } from "ts-mls";
import { verifyLeafNodeSignature } from "ts-mls/leafNode.js";
import { directPath, leafToNodeIndex, leafWidth, toLeafIndex } from "ts-mls/treemath.js";
import { encodeBase64url } from "../base64url.ts";
import { sameBytes } from "../same_bytes.ts";
import { invalid } from "./faults.ts";
import { MAX_TREE_NODES } from "./limits.ts";
import { checkLeaf } from "./suite.ts";
import { TreeHashes } from "./tree_hashes.ts";
import { KEM_PUBLIC_KEY_BYTES } from "./xwing.ts";

/**
 * Passes if a tree that came with a welcome is right (RFC 9420 section 12.4.3.1).
 *
 * @throws {PeerError} `mls-invalid`.
 */
export async function checkTree(
  tree: RatchetTree,
  context: GroupContext,
  suite: CiphersuiteImpl,
): Promise<void> {
  if (tree.length > MAX_TREE_NODES) throw invalid("A group has too many members");
  checkShape(tree);
  checkKeyLengths(tree);
  checkUniqueKeys(tree);
  checkUnmergedLeaves(tree);
  for (const [at, node] of tree.entries()) {
    if (node?.nodeType === "leaf") await checkLeafInTree(node.leaf, at / 2, context, suite);
  }
  const hashes = new TreeHashes(tree);
  if (!sameBytes(hashes.root, context.treeHash)) {
    throw invalid("A group's tree is not the one that its members agreed on");
  }
  if (!hashes.areParentsValid()) {
    throw invalid("A node of a group's tree was not made by a member below it");
  }
}

/** Leaves are at even places, parents at odd ones (RFC 9420 appendix C). */
function checkShape(tree: RatchetTree): void {
  const wrong = tree.some((node, at) =>
    node !== undefined && (node.nodeType === "leaf") !== (at % 2 === 0)
  );
  if (wrong) throw invalid("A group's tree is misshapen");
}

/** Whoever makes a tree of small keys would have others verify more leaves than there can be. */
function checkKeyLengths(tree: RatchetTree): void {
  for (const node of tree) {
    if (node === undefined) continue;
    if (encryptionKeyOf(node).length !== KEM_PUBLIC_KEY_BYTES) {
      throw invalid("An encryption key has a wrong length");
    }
  }
}

/** Whether a node has this encryption key. */
export function hasKey(nodes: readonly (Node | undefined)[], key: Uint8Array): boolean {
  return nodes.some((node) => node !== undefined && sameBytes(encryptionKeyOf(node), key));
}

function encryptionKeyOf(node: Node): Uint8Array {
  return node.nodeType === "parent" ? node.parent.hpkePublicKey : node.leaf.hpkePublicKey;
}

/**
 * Passes if no two nodes have the same encryption key, and no two leaves the same signature key
 * (RFC 9420 sections 7.3 and 7.8).
 *
 * @throws {PeerError} `mls-invalid`.
 */
export function checkUniqueKeys(tree: RatchetTree): void {
  const seen = new Set<string>();
  for (const node of tree) {
    for (const key of keysOf(node)) {
      if (seen.has(key)) throw invalid("Two members of a group have the same key");
      seen.add(key);
    }
  }
}

function keysOf(node: Node | undefined): string[] {
  if (node === undefined) return [];
  if (node.nodeType === "parent") return [encodeBase64url(node.parent.hpkePublicKey)];
  return [node.leaf.hpkePublicKey, node.leaf.signaturePublicKey].map(encodeBase64url);
}

/**
 * Each unmerged leaf of a node is below it, is not blank, and is listed by all nodes between them
 * that are not blank; lists are sorted (RFC 9420 sections 7.8 and 12.4.3.1).
 */
function checkUnmergedLeaves(tree: RatchetTree): void {
  for (const [at, node] of tree.entries()) {
    if (node?.nodeType !== "parent") continue;
    let previous = -1;
    for (const leaf of node.parent.unmergedLeaves) {
      if (leaf <= previous || !isUnmergedAt(tree, leaf, at)) {
        throw invalid("A group's tree lists its new members wrongly");
      }
      previous = leaf;
    }
  }
}

function isUnmergedAt(tree: RatchetTree, leaf: number, at: number): boolean {
  const leafNode = leafToNodeIndex(toLeafIndex(leaf));
  if (tree[leafNode]?.nodeType !== "leaf") return false;
  const path: number[] = directPath(leafNode, leafWidth(tree.length));
  const steps = path.indexOf(at);
  return steps >= 0 && path.slice(0, steps).every((step) => {
    const between = tree[step];
    return between?.nodeType !== "parent" || between.parent.unmergedLeaves.includes(leaf);
  });
}

async function checkLeafInTree(
  leaf: LeafNode,
  index: number,
  context: GroupContext,
  suite: CiphersuiteImpl,
): Promise<void> {
  checkLeaf(leaf);
  if (leaf.leafNodeSource === "update") throw invalid("A member's leaf is of a kind we never make");
  if (!await verifyLeafNodeSignature(leaf, context.groupId, index, suite.signature)) {
    throw invalid("A member's leaf has a wrong signature");
  }
}

/** How many leaves of a tree are not blank. */
export function countLeaves(tree: RatchetTree): number {
  return tree.filter((node) => node?.nodeType === "leaf").length;
}
