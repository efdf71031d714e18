/**
 * A commit as it comes (RFC 9420 sections 6 and 12.4): of the few kinds that Fernchat makes, any
 * other is refused before its contents matter.
 *
 * @module
 */

import type { Commit, Proposal, ProposalOrRef, PublicMessage, UpdatePath } from "ts-mls";
import { sameBytes } from "../same_bytes.ts";
import type { Member, Proposed } from "./commit_rules.ts";
import { refused } from "./faults.ts";
import { checkAddedKeys } from "./key_package.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import { decodeMessage } from "./message.ts";
import { readPolicy } from "./state.ts";
import { checkLeaf } from "./suite.ts";
import { checkPublicKey } from "./xwing.ts";

/** A commit by a member. Nothing in it is verified yet. */
export interface IncomingCommit {
  readonly message: PublicMessage;
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  /** The committer's leaf. */
  readonly leaf: number;
  readonly path: UpdatePath | undefined;
  readonly proposals: readonly Proposed[];
}

/**
 * Reads a commit.
 *
 * @throws {PeerError} `mls-invalid` if it is damaged, `mls-refused` if it is of a kind that we do
 * not allow: from outside of the group, or with proposals by reference or of other kinds.
 */
export function decodeCommit(bytes: Uint8Array): IncomingCommit {
  const message = decodeMessage("mls_public_message", bytes, MAX_MESSAGE_BYTES).publicMessage;
  const { content } = message;
  if (content.contentType !== "commit") throw refused("A proposal by itself is not allowed");
  if (content.sender.senderType !== "member") {
    throw refused("A commit from outside of the group is not allowed");
  }
  const { groupId, epoch, commit, sender: { leafIndex: leaf } } = content;
  return { message, groupId, epoch, leaf, path: commit.path, proposals: proposed(commit) };
}

function proposed({ proposals }: Commit): Proposed[] {
  return proposals.map((one) => proposedBy(byValue(one)));
}

function byValue(one: ProposalOrRef): Proposal {
  if (one.proposalOrRefType !== "proposal") {
    throw refused("A proposal that was made by itself is not allowed");
  }
  return one.proposal;
}

function proposedBy(proposal: Proposal): Proposed {
  switch (proposal.proposalType) {
    case "add":
      return { kind: "add", device: checkLeaf(proposal.add.keyPackage.leafNode) };
    case "remove":
      return { kind: "remove", leaf: proposal.remove.removed };
    case "group_context_extensions":
      return { kind: "policy", policy: readPolicy(proposal.groupContextExtensions.extensions) };
    default:
      throw refused(`A proposal of the kind ${proposal.proposalType} is not allowed`);
  }
}

/** The encryption keys of the leaves that a commit adds. */
export function addedKeys({ message: { content } }: IncomingCommit): Uint8Array[] {
  if (content.contentType !== "commit") return [];
  return content.commit.proposals.map(byValue).flatMap((one) =>
    one.proposalType === "add" ? [one.add.keyPackage.leafNode.hpkePublicKey] : []
  );
}

/**
 * Passes if one can encrypt to every key that a commit brings, and a path's new leaf is the same
 * device's: the library asks neither. It takes a millisecond for each key, so it is for commits
 * whose signature is right.
 *
 * @throws {PeerError} `mls-invalid`, `mls-refused`.
 */
export function checkNewKeys({ message: { content }, path }: IncomingCommit, by: Member): void {
  if (content.contentType !== "commit") return;
  for (const one of content.commit.proposals) {
    const proposal = byValue(one);
    if (proposal.proposalType === "add") checkAddedKeys(proposal.add.keyPackage);
  }
  if (path === undefined) return;
  const { user, device, identity, signatureKey } = checkLeaf(path.leafNode);
  const same = user === by.user && device === by.device && sameBytes(identity, by.identity) &&
    sameBytes(signatureKey, by.signatureKey);
  if (!same) throw refused(`${by.user} would become another device by a commit`);
  checkPublicKey(path.leafNode.hpkePublicKey);
  for (const { hpkePublicKey } of path.nodes) checkPublicKey(hpkePublicKey);
}
