/**
 * What is new along a member's way to the root: its secrets belong to the public keys that all others
 * see (RFC 9420 section 7.5), and whoever is to have them gets them (section 7.6).
 *
 * @module
 */

import type { ClientState, RatchetTree, UpdatePath } from "ts-mls";
import { filteredDirectPathAndCopathResolution } from "ts-mls/ratchetTree.js";
import { toLeafIndex } from "ts-mls/treemath.js";
import { invalid } from "./faults.ts";
import { hasKey } from "./tree.ts";
import { checkKeyPair } from "./xwing.ts";

/**
 * Passes if the private keys that a step brought fit the tree.
 *
 * @throws {PeerError} `mls-invalid`.
 */
export function checkPathKeys(before: ClientState | undefined, after: ClientState): void {
  const known = before?.privatePath.privateKeys ?? {};
  for (const [index, privateKey] of Object.entries(after.privatePath.privateKeys)) {
    const node = after.ratchetTree[Number(index)];
    if (node === undefined || privateKey === known[Number(index)]) continue;
    const { hpkePublicKey } = node.nodeType === "leaf" ? node.leaf : node.parent;
    checkKeyPair(privateKey, hpkePublicKey);
  }
}

/** A commit's path, and what is around it. */
export interface PathFacts {
  readonly before: RatchetTree;
  readonly after: RatchetTree;
  /** The committer's leaf. */
  readonly leaf: number;
  readonly path: UpdatePath;
  /** Encryption keys of the leaves that the same commit adds: a welcome brings them the secrets. */
  readonly added: readonly Uint8Array[];
}

/**
 * Passes if a path's keys are in no node of the tree yet (RFC 9420 section 12.4.2), and it has one
 * secret for each node that is to read it. The library asks neither for all of them: who was left out
 * would be the only one to notice.
 *
 * @throws {PeerError} `mls-invalid`.
 */
export function checkPath({ before, after, leaf, path, added }: PathFacts): void {
  const keys = [path.leafNode.hpkePublicKey, ...path.nodes.map((node) => node.hpkePublicKey)];
  if (keys.some((key) => hasKey(before, key))) throw invalid("A commit repeats an encryption key");
  const steps = filteredDirectPathAndCopathResolution(toLeafIndex(leaf), after);
  const isRight = steps.every(({ resolution }, at) => {
    const readers = resolution.filter((node) => !added.some((key) => hasKey([after[node]], key)));
    return path.nodes[at]?.encryptedPathSecret.length === readers.length;
  });
  if (!isRight) throw invalid("A commit has not one secret for each of its readers");
}
