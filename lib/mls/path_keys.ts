/**
 * The secrets along a member's way to the root belong to the public keys that all others see
 * (RFC 9420 section 7.5).
 *
 * @module
 */

import type { ClientState } from "ts-mls";
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
