/**
 * What a token of a sealed room holds: what one of an open room does, and a proof. The sender's
 * device signs all of it, so that no other member, who has the same Fernet key, can write in its
 * name; and it says how far it had followed the log, so that a server that shows two members two
 * different logs is found out.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import * as v from "valibot";
import { bytesIn, encodeBase64url } from "../base64url.ts";
import { BugError, PeerError } from "../errors.ts";
import { chainValue, sequence } from "../protocol/fields.ts";
import type { Content, Envelope } from "./payload.ts";
import { checkReceivedText, checkText } from "./text.ts";

/** What a device says in a sealed room: one of an action, a commit and a leave at most. */
export interface SealedContent extends Content {
  /** The entry of a commit in the log: SHA-256 of its bytes, 64 hex digits. */
  commit?: string;
  /** The sender asks to be removed from the group. */
  leave?: true;
}

/** Who says it, and what of the room they know. */
export interface Proof {
  /** The MLS group's epoch whose key seals it. */
  epoch: number;
  /** The last entry that the sender had followed. */
  after: number;
  /** The log's chain there: 64 hex digits. */
  head: string;
  /** The version of the sender's blob `account`, for the sender's own devices to compare. */
  saved: number;
  /** The device's signature key: 32 bytes. */
  device: Uint8Array;
}

/** What a token says, and who is said to say so: see {@linkcode verifySealedPayload}. */
export interface SealedPayload extends Proof {
  content: SealedContent;
  /** Ed25519: 64 bytes. */
  signature: Uint8Array;
}

/** Signs with a device's key: 64 bytes. */
export type Sign = (message: Uint8Array) => Uint8Array;

/** Whether a signature of a key is right. */
export type Verify = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** Before what is signed, so that no signature is one of anything else; the key's digest follows. */
const LABEL = "fernchat sealed message v1\0";

const schema = v.pipe(
  v.strictObject({
    text: v.string(),
    room: v.string(),
    sender: v.string(),
    id: v.string(),
    sent_at: v.string(),
    action: v.exactOptional(v.literal(true)),
    commit: v.exactOptional(chainValue),
    leave: v.exactOptional(v.literal(true)),
    epoch: sequence,
    after: sequence,
    head: chainValue,
    saved: sequence,
    device: bytesIn(32),
    signature: bytesIn(64),
  }),
  v.check((payload) => hasOneMeaning(payload), "more than one meaning"),
);

/**
 * The plaintext of a token.
 *
 * @param key SHA-256 of the key that seals it, 32 bytes: signed with it, so that no other group, not
 * even one of the same name, can show it as said there.
 * @throws {CallerError} `text-too-long`, `text-invalid`: see {@linkcode checkText}.
 */
export function encodeSealedPayload(
  envelope: Envelope,
  content: SealedContent,
  proof: Proof,
  key: Uint8Array,
  sign: Sign,
): string {
  checkText(content.text);
  if (!hasOneMeaning(content)) throw new BugError("Cannot send what has more than one meaning");
  return withSignature(envelope, content, proof, sign(signedBytes(envelope, content, proof, key)));
}

/**
 * What a token's plaintext says. Its signature is not verified here.
 *
 * @throws {PeerError} `token-invalid` if the plaintext is not a payload's one form, names another
 * sender, room, id or time than the envelope, or has a text that no client may send.
 */
export function decodeSealedPayload(envelope: Envelope, plaintext: string): SealedPayload {
  const { text, action, commit, leave, signature, ...rest } = parse(plaintext);
  const content: SealedContent = { text };
  if (action !== undefined) content.action = action;
  if (commit !== undefined) content.commit = commit;
  if (leave !== undefined) content.leave = leave;
  const { epoch, after, head, saved, device } = rest;
  const proof = { epoch, after, head, saved, device };
  if (withSignature(envelope, content, proof, signature) !== plaintext) {
    throw new PeerError("token-invalid", "A message's token does not belong to its envelope");
  }
  checkReceivedText(text);
  return { content, ...proof, signature };
}

/**
 * Passes if the device that a payload names has signed it, for that key. Whose device that was in
 * the epoch is for the caller to know.
 *
 * @param key SHA-256 of the key that opened the token.
 * @throws {PeerError} `token-invalid`.
 */
export function verifySealedPayload(
  envelope: Envelope,
  { content, signature, ...proof }: SealedPayload,
  key: Uint8Array,
  verify: Verify,
): void {
  if (verify(proof.device, signedBytes(envelope, content, proof, key), signature)) return;
  throw new PeerError("token-invalid", "A message's signature is not its sender's");
}

/** The label, the key's digest, then the payload without its signature. */
function signedBytes(
  envelope: Envelope,
  content: SealedContent,
  proof: Proof,
  key: Uint8Array,
): Uint8Array {
  const payload = JSON.stringify(fields(envelope, content, proof));
  return Buffer.concat([Buffer.from(LABEL), key, Buffer.from(payload)]);
}

function withSignature(
  envelope: Envelope,
  content: SealedContent,
  proof: Proof,
  signature: Uint8Array,
): string {
  const signed = fields(envelope, content, proof);
  return JSON.stringify({ ...signed, signature: encodeBase64url(signature) });
}

/** A payload without its signature, in the order in which it is written. */
function fields(
  { room, sender, id, sent_at }: Envelope,
  { text, action, commit, leave }: SealedContent,
  { epoch, after, head, saved, device }: Proof,
): object {
  const said = { text, room, sender, id, sent_at, action, commit, leave };
  return { ...said, epoch, after, head, saved, device: encodeBase64url(device) };
}

function hasOneMeaning({ action, commit, leave }: SealedContent): boolean {
  return [action, commit, leave].filter((meaning) => meaning !== undefined).length <= 1;
}

function parse(plaintext: string): v.InferOutput<typeof schema> {
  try {
    return v.parse(schema, JSON.parse(plaintext), { abortEarly: true });
  } catch (cause) {
    throw new PeerError("token-invalid", "A message's token does not hold a message", { cause });
  }
}
