/**
 * Making a commit (RFC 9420 section 12.4.1). The state before it stays usable: only the server's
 * answer tells which of two commits begins the next epoch.
 *
 * @module
 */

import { type ClientState, createCommit, encodeMlsMessage, type Proposal } from "ts-mls";
import type { CiphersuiteImpl, CreateCommitResult } from "ts-mls";
import { CallerError, PeerError } from "../errors.ts";
import { checkCommit, type Effect, type Member, type Proposed } from "./commit_rules.ts";
import { orInvalid } from "./faults.ts";
import { decodeKeyPackage, type ForeignKeyPackage } from "./key_package.ts";
import { type Committed, finishLoneCommit, RememberingRng } from "./lone_commit.ts";
import { decodePolicy, encodePolicy, type RoomPolicy } from "./room_policy.ts";
import { membersOf, policyExtension, readPolicy, trim } from "./state.ts";
import { loadSuite } from "./suite.ts";
import { checkUniqueKeys, countLeaves } from "./tree.ts";

/** What a commit shall do; nothing at all gives the group new keys. */
export interface CommitPlan {
  /** Devices to add. */
  readonly add?: readonly ForeignKeyPackage[];
  /** Leaves to remove. */
  readonly removeLeaves?: readonly number[];
  /** The room's new rules: not together with anything else. */
  readonly policy?: RoomPolicy;
}

/** A commit that was made. */
export interface Made {
  readonly commit: Uint8Array;
  readonly welcome?: Uint8Array;
  readonly state: ClientState;
  readonly effect: Effect;
  readonly hasPath: boolean;
}

/**
 * Makes a commit that the other members will accept.
 *
 * @param leaving folded names of accounts that have asked to leave.
 * @throws {CallerError} `mls-refused` if the plan is against the rules.
 * @throws {PeerError} `mls-invalid` if a key package is not usable.
 */
export async function makeCommit(
  before: ClientState,
  committer: Member,
  plan: CommitPlan,
  leaving: ReadonlySet<string>,
): Promise<Made> {
  const effect = planned(before, committer, plan, leaving);
  const suite = await loadSuite();
  const rng = new RememberingRng(suite.rng);
  const made = await create(before, proposals(plan), { ...suite, rng });
  checkUniqueKeys(made.newState.ratchetTree);
  const hasPath = pathIsIn(made);
  const alone = countLeaves(made.newState.ratchetTree) === 1;
  const done = alone && hasPath ? await finishLoneCommit(before, made, rng.first, suite) : made;
  return { ...encoded(done, made.welcome), effect, hasPath };
}

async function create(
  state: ClientState,
  extraProposals: Proposal[],
  cipherSuite: CiphersuiteImpl,
): Promise<CreateCommitResult> {
  return await orInvalid(
    "A commit cannot be made of this",
    () =>
      createCommit({ state, cipherSuite }, {
        extraProposals,
        // The server knows the members; and a public message uses up no secret of the sender's.
        wireAsPublicMessage: true,
        ratchetTreeExtension: true,
      }),
  );
}

function encoded(
  { newState, commit }: Committed,
  welcome: CreateCommitResult["welcome"],
): Pick<Made, "commit" | "state" | "welcome"> {
  const made = { commit: encodeMlsMessage(commit), state: trim(newState) };
  if (welcome === undefined) return made;
  const message = { version: "mls10", wireformat: "mls_welcome", welcome } as const;
  return { ...made, welcome: encodeMlsMessage(message) };
}

function pathIsIn({ commit }: CreateCommitResult): boolean {
  if (commit.wireformat !== "mls_public_message") return false;
  const { content } = commit.publicMessage;
  return content.contentType === "commit" && content.commit.path !== undefined;
}

function planned(
  before: ClientState,
  committer: Member,
  plan: CommitPlan,
  leaving: ReadonlySet<string>,
): Effect {
  const members = membersOf(before);
  const policy = readPolicy(before.groupContext.extensions);
  try {
    if (plan.policy !== undefined) decodePolicy(encodePolicy(plan.policy));
    return checkCommit({ members, policy, committer, proposals: proposed(plan), leaving });
  } catch (cause) {
    if (!(cause instanceof PeerError)) throw cause;
    throw new CallerError("mls-refused", cause.message, { cause });
  }
}

function proposed({ add = [], removeLeaves = [], policy }: CommitPlan): Proposed[] {
  return [
    ...add.map((device) => ({ kind: "add", device }) as const),
    ...removeLeaves.map((leaf) => ({ kind: "remove", leaf }) as const),
    ...policy === undefined ? [] : [{ kind: "policy", policy } as const],
  ];
}

function proposals({ add = [], removeLeaves = [], policy }: CommitPlan): Proposal[] {
  return [
    ...removeLeaves.map((removed): Proposal => ({ proposalType: "remove", remove: { removed } })),
    ...add.map(({ bytes }): Proposal => ({
      proposalType: "add",
      add: { keyPackage: decodeKeyPackage(bytes) },
    })),
    ...policy === undefined ? [] : [policyProposal(policy)],
  ];
}

/**
 * RFC 9420 section 17.4 asks for a path with this kind; the library makes none. So a change of the
 * rules brings no new keys, which it need not: it removes nobody.
 */
function policyProposal(policy: RoomPolicy): Proposal {
  return {
    proposalType: "group_context_extensions",
    groupContextExtensions: { extensions: [policyExtension(policy)] },
  };
}
