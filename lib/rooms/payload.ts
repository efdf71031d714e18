/**
 * What a token holds, in every kind of room: one JSON object that repeats the envelope, so that
 * neither the server nor a thief of its database can pass a text off as another sender's, another
 * room's or another time's.
 *
 * @module
 */

import * as v from "valibot";
import { PeerError } from "../errors.ts";

/** The fields beside a token, which must be the same inside it. */
export interface Envelope {
  room: string;
  sender: string;
  id: string;
  /** ISO 8601, UTC, milliseconds. */
  sent_at: string;
}

/** How a text is meant. */
export interface Manner {
  /** What the sender does, as with `/me`, and not what they say. */
  action?: true;
}

/** What someone says. */
export interface Content extends Manner {
  text: string;
}

const schema = v.strictObject({
  text: v.string(),
  room: v.string(),
  sender: v.string(),
  id: v.string(),
  sent_at: v.string(),
  action: v.optional(v.literal(true)),
});

/** The plaintext of a token. */
export function encodePayload(envelope: Envelope, text: string, { action }: Manner = {}): string {
  const { room, sender, id, sent_at } = envelope;
  return JSON.stringify({ text, room, sender, id, sent_at, action });
}

/**
 * What a token's plaintext says.
 *
 * @throws {PeerError} `token-invalid` if the plaintext is not a payload's one form, or names
 * another sender, room, id or time than the envelope.
 */
export function decodePayload(envelope: Envelope, plaintext: string): Content {
  const { text, action } = parse(plaintext);
  const content: Content = action === undefined ? { text } : { text, action };
  if (encodePayload(envelope, text, content) !== plaintext) {
    throw new PeerError("token-invalid", "A message's token does not belong to its envelope");
  }
  return content;
}

function parse(plaintext: string): v.InferOutput<typeof schema> {
  try {
    return v.parse(schema, JSON.parse(plaintext));
  } catch (cause) {
    throw new PeerError("token-invalid", "A message's token does not hold a message", { cause });
  }
}
