/**
 * The hashes of a tree that came with a welcome cost what its size is worth, whatever is in it:
 * anybody can send one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { LeafNode, Node, RatchetTree } from "ts-mls";
import { encodeParentHashInput } from "ts-mls/parentHash.js";
import { root } from "ts-mls/treemath.js";
import { generate } from "../../lib/mls/key_package.ts";
import { TreeHashes } from "../../lib/mls/tree_hashes.ts";
import { device } from "./people.ts";

const LEAVES = 2048;
const { leafNode } = (await generate((await device("eve")).keys)).publicPackage;

type Bytes = LeafNode["signature"];

/** A tree whose leaves all say to have made its root, which lists some of them as new. */
function wideTree(unmergedLeaves: number[], onTheLeft: Bytes = new Uint8Array(64)): RatchetTree {
  const nodeWith = (parentHash: Bytes): Node => {
    const leaf = { ...leafNode, leafNodeSource: "commit", parentHash } as LeafNode;
    return { nodeType: "leaf", leaf };
  };
  const [left, right] = [nodeWith(onTheLeft), nodeWith(new Uint8Array(64))];
  const tree: RatchetTree = Array.from(
    { length: 2 * LEAVES - 1 },
    (_, at) => at % 2 === 1 ? undefined : at < LEAVES ? left : right,
  );
  const { hpkePublicKey } = leafNode;
  const parent = { hpkePublicKey, parentHash: new Uint8Array(), unmergedLeaves };
  return tree.with(root(LEAVES), { nodeType: "parent", parent });
}

/** The hash with which all leaves on the left of a wide tree's root vouch for it. */
function leftHash(unmergedLeaves: number[]): Bytes {
  const hashes = new TreeHashes(wideTree(unmergedLeaves));
  const right = root(LEAVES) + LEAVES / 2;
  const originalSiblingTreeHash = hashes.of(
    right as ReturnType<typeof root>,
    new Set(unmergedLeaves),
  );
  const { hpkePublicKey: encryptionKey } = leafNode;
  const input = { encryptionKey, parentHash: new Uint8Array(), originalSiblingTreeHash };
  return new Uint8Array(createHash("sha512").update(encodeParentHashInput(input)).digest());
}

/** Leaves from one to another, that one not included. */
function leaves(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

Deno.test("2048 leaves that all vouch for one node take no minutes", () => {
  const begun = performance.now();
  const all = leaves(1, LEAVES);
  assert.equal(new TreeHashes(wideTree(all)).areParentsValid(), false);
  const others = leaves(1, LEAVES / 2); // all on the left have the right hash; the first one may
  assert.equal(new TreeHashes(wideTree(others, leftHash(others))).areParentsValid(), true);
  const took = performance.now() - begun;
  assert.ok(took < 10_000, `${took} ms`);
});
