/**
 * Following another's commit into the next epoch (RFC 9420 section 12.4.2).
 *
 * @module
 */

import { type ClientState, emptyPskIndex, processPublicMessage } from "ts-mls";
import { unprotectPublicMessage } from "ts-mls/messageProtectionPublic.js";
import { sameBytes } from "../same_bytes.ts";
import { addedKeys, checkNewKeys, decodeCommit, type IncomingCommit } from "./commit_message.ts";
import { checkCommit, type Effect, type Member } from "./commit_rules.ts";
import { invalid, orInvalid } from "./faults.ts";
import { checkPath, checkPathKeys } from "./path_keys.ts";
import { membersOf, readPolicy, removedState, trim } from "./state.ts";
import { loadSuite } from "./suite.ts";
import { checkUniqueKeys } from "./tree.ts";

/** A commit that was followed. */
export interface Followed {
  readonly state: ClientState;
  readonly by: Member;
  readonly effect: Effect;
  readonly hasPath: boolean;
}

/**
 * The state after a commit. The one before stays as it is.
 *
 * @param leaving folded names of accounts that have asked to leave.
 * @throws {PeerError} `mls-invalid`, `mls-refused`.
 */
export async function processCommit(
  before: ClientState,
  bytes: Uint8Array,
  leaving: ReadonlySet<string>,
): Promise<Followed> {
  const commit = decodeCommit(bytes);
  checkPlace(before, commit);
  const members = membersOf(before);
  const by = members.find(({ leaf }) => leaf === commit.leaf);
  if (by === undefined) throw invalid("A commit is from nobody in the group");
  const removesUs = commit.proposals.some((one) =>
    one.kind === "remove" && one.leaf === before.privatePath.leafIndex
  );
  const state = await (removesUs ? leave : advance)(before, commit);
  const policy = readPolicy(before.groupContext.extensions);
  const { proposals } = commit;
  const effect = checkCommit({ members, policy, committer: by, proposals, leaving });
  checkNewKeys(commit, by);
  return { state, by, effect, hasPath: commit.path !== undefined };
}

function checkPlace({ groupContext, privatePath }: ClientState, commit: IncomingCommit): void {
  if (!sameBytes(commit.groupId, groupContext.groupId)) {
    throw invalid("A commit is of another group");
  }
  if (commit.epoch !== groupContext.epoch) {
    throw invalid(`A commit ends epoch ${commit.epoch}, and this is epoch ${groupContext.epoch}`);
  }
  if (commit.leaf === privatePath.leafIndex && commit.path !== undefined) {
    throw invalid("A commit of this device's own, with new keys that only its next state has");
  }
}

/** The library verifies membership tag, signature, proposals, path and confirmation tag. */
async function advance(before: ClientState, commit: IncomingCommit): Promise<ClientState> {
  const { message, leaf, path } = commit;
  const suite = await loadSuite();
  const { newState } = await orInvalid(
    "A commit is forged or damaged",
    () => processPublicMessage(before, message, emptyPskIndex, suite),
  );
  const after = trim(newState);
  checkUniqueKeys(after.ratchetTree);
  if (path !== undefined) {
    const trees = { before: before.ratchetTree, after: after.ratchetTree };
    checkPath({ ...trees, leaf, path, added: addedKeys(commit) });
  }
  checkPathKeys(before, after);
  return after;
}

/**
 * Who is removed verifies membership tag and signature: there is no more that one can. Not by the
 * library's own way, which takes a member for one who stays if the commit fills the same leaf anew.
 */
async function leave(before: ClientState, { message }: IncomingCommit): Promise<ClientState> {
  const { keySchedule: { membershipKey }, groupContext, ratchetTree } = before;
  const suite = await loadSuite();
  await orInvalid(
    "A commit is forged or damaged",
    () => unprotectPublicMessage(membershipKey, groupContext, ratchetTree, message, suite),
  );
  return removedState(before);
}
