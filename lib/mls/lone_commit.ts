/**
 * The commit of one who stays alone. Nobody is left to send secrets to, so the committer's filtered
 * direct path is empty, and the commit secret is DeriveSecret(path_secret[0], "path") (RFC 9420
 * section 7.4). The MLS library takes zeros in its place: whoever was just removed could derive the
 * next epoch's keys, and those of each later one until somebody commits with a path.
 *
 * @module
 */

import type { CiphersuiteImpl, ClientState, CreateCommitResult, MLSMessage, Rng } from "ts-mls";
import { deriveSecret } from "ts-mls/crypto/kdf.js";
import { createConfirmationTag } from "ts-mls/framedContent.js";
import { initializeEpoch } from "ts-mls/keySchedule.js";
import { protectPublicMessage } from "ts-mls/messageProtectionPublic.js";
import { BugError } from "../errors.ts";

/** Draws random bytes and remembers the first: createCommit begins with the leaf's path secret. */
export class RememberingRng implements Rng {
  #first: Uint8Array | undefined;
  readonly #rng: Rng;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** What was drawn first: a copy. */
  get first(): Uint8Array {
    if (this.#first === undefined) throw new BugError("A commit with a path drew no secret");
    return this.#first;
  }

  randomBytes(length: number): Uint8Array {
    const bytes = this.#rng.randomBytes(length);
    this.#first ??= Uint8Array.from(bytes);
    return bytes;
  }
}

/** What a commit comes to. */
export type Committed = Pick<CreateCommitResult, "newState" | "commit">;

/**
 * The commit and its epoch as the RFC has them.
 *
 * @param before the state of the epoch that the commit ends.
 * @param pathSecret the committer's path_secret[0].
 */
export async function finishLoneCommit(
  before: ClientState,
  { newState, commit }: Committed,
  pathSecret: Uint8Array,
  suite: CiphersuiteImpl,
): Promise<Committed> {
  const { kdf, hash } = suite;
  const context = newState.groupContext;
  const { keySchedule } = await initializeEpoch(
    before.keySchedule.initSecret,
    await deriveSecret(pathSecret, "path", kdf),
    context,
    new Uint8Array(kdf.size), // no pre-shared keys (RFC 9420 section 8.4)
    kdf,
  );
  const { confirmationKey } = keySchedule;
  const tag = await createConfirmationTag(confirmationKey, context.confirmedTranscriptHash, hash);
  return {
    newState: { ...newState, keySchedule, confirmationTag: tag },
    commit: await confirm(before, commit, tag, suite),
  };
}

async function confirm(
  before: ClientState,
  commit: MLSMessage,
  confirmationTag: Uint8Array,
  suite: CiphersuiteImpl,
): Promise<MLSMessage> {
  if (commit.wireformat !== "mls_public_message") throw new BugError("A commit is not public");
  const { content, auth: { signature } } = commit.publicMessage;
  const publicMessage = await protectPublicMessage(
    before.keySchedule.membershipKey,
    before.groupContext,
    {
      wireformat: "mls_public_message",
      content,
      auth: { contentType: "commit", signature, confirmationTag },
    },
    suite,
  );
  return { version: "mls10", wireformat: "mls_public_message", publicMessage };
}
