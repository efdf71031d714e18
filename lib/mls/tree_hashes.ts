/**
 * Tree hashes and parent hashes (RFC 9420 sections 7.8 and 7.9) of a tree that came with a welcome.
 * Each subtree is hashed once: the MLS library's check hashes half of the tree for each leaf, which
 * takes a second at 200 members.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Node, ParentNode, RatchetTree } from "ts-mls";
import { encodeParentHashInput } from "ts-mls/parentHash.js";
import { resolution } from "ts-mls/ratchetTree.js";
import { encodeTreeHashInput } from "ts-mls/treeHash.js";
import { leafToNodeIndex, leafWidth, left, right, root, toLeafIndex } from "ts-mls/treemath.js";
import { directPath, toNodeIndex } from "ts-mls/treemath.js";
import { sameBytes } from "../same_bytes.ts";

type NodeIndex = ReturnType<typeof toNodeIndex>;

const NONE: ReadonlySet<number> = new Set();

/** The hashes of one tree's subtrees. */
export class TreeHashes {
  readonly #tree: RatchetTree;
  readonly #known = new Map<number, Uint8Array>();
  /** By the sibling: all leaves on one side of a node ask for the same one. */
  readonly #parentHashes = new Map<number, Uint8Array>();

  constructor(tree: RatchetTree) {
    this.#tree = tree;
  }

  /** The whole tree's hash. */
  get root(): Uint8Array {
    return this.of(root(leafWidth(this.#tree.length)));
  }

  /**
   * A subtree's hash (RFC 9420 section 7.8).
   *
   * @param without leaves to leave out, as if they were blank and listed nowhere.
   */
  of(at: NodeIndex, without: ReadonlySet<number> = NONE): Uint8Array {
    const asItIs = !hasAny(at, without);
    const known = asItIs ? this.#known.get(at) : undefined;
    if (known !== undefined) return known;
    const hash = at % 2 === 0 ? this.#leaf(at, without) : this.#parent(at, without);
    if (asItIs) this.#known.set(at, hash);
    return hash;
  }

  #leaf(at: NodeIndex, without: ReadonlySet<number>): Uint8Array {
    const leafIndex = at / 2;
    const node = without.has(leafIndex) ? undefined : this.#tree[at];
    const leafNode = node?.nodeType === "leaf" ? node.leaf : undefined;
    return sha512(encodeTreeHashInput({ nodeType: "leaf", leafIndex, leafNode }));
  }

  #parent(at: NodeIndex, without: ReadonlySet<number>): Uint8Array {
    const node = this.#tree[at];
    const parentNode = node?.nodeType === "parent" ? stripped(node.parent, without) : undefined;
    const leftHash = this.of(left(at), without);
    const rightHash = this.of(right(at), without);
    return sha512(encodeTreeHashInput({ nodeType: "parent", parentNode, leftHash, rightHash }));
  }

  /**
   * Whether each node that is not blank was made by a member below it, who signed for it by a chain
   * of parent hashes (RFC 9420 section 7.9.2).
   */
  areParentsValid(): boolean {
    const vouched = new Map<number, number>();
    for (const at of this.#tree.keys()) {
      const parent = this.#vouchesFor(toNodeIndex(at));
      if (parent !== undefined) vouched.set(parent, (vouched.get(parent) ?? 0) + 1);
    }
    return this.#tree.every((node, at) => node?.nodeType !== "parent" || vouched.get(at) === 1);
  }

  /** The next node above that is not blank, if the one here carries its parent hash. */
  #vouchesFor(at: NodeIndex): number | undefined {
    const path = directPath(at, leafWidth(this.#tree.length));
    const above = path.find((step) => this.#tree[step] !== undefined);
    const claimed = parentHashIn(this.#tree[at]);
    const node = above === undefined ? undefined : this.#tree[above];
    if (claimed === undefined || above === undefined || node?.nodeType !== "parent") {
      return undefined;
    }
    const sides = [left(above), right(above)] as const;
    const [child, sibling] = at < above ? sides : [sides[1], sides[0]];
    const genuine = sameBytes(claimed, this.#parentHash(node.parent, sibling)) &&
      this.#isAllMerged(node.parent, child, at);
    return genuine ? above : undefined;
  }

  /** RFC 9420 section 7.9. */
  #parentHash(parent: ParentNode, sibling: NodeIndex): Uint8Array {
    const known = this.#parentHashes.get(sibling);
    if (known !== undefined) return known;
    const hash = sha512(encodeParentHashInput({
      encryptionKey: parent.hpkePublicKey,
      parentHash: parent.parentHash,
      originalSiblingTreeHash: this.of(sibling, new Set(parent.unmergedLeaves)),
    }));
    this.#parentHashes.set(sibling, hash);
    return hash;
  }

  /** Whoever is below the child, but not below the voucher, is listed by the parent as new. */
  #isAllMerged(parent: ParentNode, child: NodeIndex, voucher: NodeIndex): boolean {
    const others = resolution(this.#tree, child).filter((one) => one !== voucher);
    const unmerged = new Set<number>(
      parent.unmergedLeaves
        .map((leaf) => leafToNodeIndex(toLeafIndex(leaf)))
        .filter((leaf) => isBelow(leaf, child)),
    );
    return others.length === unmerged.size && others.every((one) => unmerged.has(one));
  }
}

function parentHashIn(node: Node | undefined): Uint8Array | undefined {
  if (node === undefined) return undefined;
  if (node.nodeType === "parent") return node.parent.parentHash;
  return node.leaf.leafNodeSource === "commit" ? node.leaf.parentHash : undefined;
}

function stripped(parent: ParentNode, without: ReadonlySet<number>): ParentNode {
  const unmergedLeaves = parent.unmergedLeaves.filter((leaf) => !without.has(leaf));
  return { ...parent, unmergedLeaves };
}

function hasAny(at: NodeIndex, leaves: ReadonlySet<number>): boolean {
  for (const leaf of leaves) if (isBelow(2 * leaf, at)) return true;
  return false;
}

/** Whether a node is the other or below it (RFC 9420 appendix C). */
function isBelow(node: number, ancestor: number): boolean {
  const width = (ancestor ^ (ancestor + 1)) >> 1; // 2^level - 1: the trailing ones
  return Math.abs(node - ancestor) <= width;
}

function sha512(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha512").update(bytes).digest());
}
