/**
 * The messages that travel in the channel: canonical JSON, one schema each, validated on arrival.
 * Canonical means: the keys in the order of the schema and no white space, so that a message has
 * exactly one form and whatever decodes encodes to the same bytes.
 *
 * @module
 */

import * as v from "valibot";
import { BugError, PeerError } from "../errors.ts";
import {
  accountName,
  chainValue,
  code,
  keyId,
  messageId,
  opaque,
  partData,
  reference,
  ring,
  ringOrNone,
  role,
  roomKind,
  roomName,
  sentence,
  sequence,
  slowSeconds,
  timestamp,
  token,
  topic,
  typedName,
} from "./fields.ts";
import { MAX_HISTORY_PAGE, MAX_PRESENCE_CHANGES } from "./limits.ts";
import { presenceChange, request, result } from "./requests.ts";

export { isAccountName, isRoomName } from "../name_patterns.ts";

/** A message as its sender puts it into a room's log. */
const envelope = {
  room: roomName,
  id: messageId,
  sent_at: timestamp,
  key_id: keyId,
  token,
};

/** An entry of a room's log. */
const entry = { seq: sequence, sender: accountName, ...envelope, chain: chainValue };

/** What a client may send. */
const clientMessage = v.variant("type", [
  v.strictObject({ type: v.literal("login_start"), username: typedName, ke1: opaque }),
  v.strictObject({ type: v.literal("login_finish"), ke3: opaque }),
  v.strictObject({ type: v.literal("register_start"), request: opaque }),
  v.strictObject({
    type: v.literal("register_finish"),
    record: opaque,
    /** The vault's keys, wrapped under the new password's: if the account has a vault. */
    wrap: v.optional(opaque),
    /** The version of the wrap that it replaces; 0 if there is none. */
    wrap_version: v.optional(sequence),
  }),
  v.strictObject({ type: v.literal("create_start"), name: typedName, request: opaque }),
  v.strictObject({ type: v.literal("create_finish"), record: opaque }),
  v.strictObject({ type: v.literal("join"), room: roomName, after: v.optional(sequence) }),
  v.strictObject({ type: v.literal("leave"), room: roomName }),
  v.strictObject({ type: v.literal("send"), ...envelope }),
  v.strictObject({
    type: v.literal("history"),
    room: roomName,
    before: v.pipe(sequence, v.minValue(1)),
    limit: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(MAX_HISTORY_PAGE)),
  }),
  v.strictObject({ type: v.literal("request"), ref: reference, request }),
  /** Bytes of the request to come. */
  v.strictObject({ type: v.literal("part"), data: partData }),
  v.strictObject({ type: v.literal("ping") }),
]);

/** What a server may send. */
const serverMessage = v.variant("type", [
  v.strictObject({ type: v.literal("login_response"), ke2: opaque }),
  v.strictObject({ type: v.literal("welcome"), user: accountName }),
  v.strictObject({ type: v.literal("invited"), role, room: roomName }),
  v.strictObject({ type: v.literal("register_response"), response: opaque }),
  v.strictObject({ type: v.literal("registered") }),
  v.strictObject({
    type: v.literal("joined"),
    room: roomName,
    kind: roomKind,
    topic,
    slow: slowSeconds,
    /** Of a sealed room none: its members have them. */
    keys: ringOrNone,
    /** Of a direct room: the other one. */
    peer: v.optional(accountName),
    last_seq: sequence,
    head: chainValue,
  }),
  v.strictObject({ type: v.literal("left"), room: roomName, code, message: sentence }),
  v.strictObject({ type: v.literal("message"), ...entry }),
  v.strictObject({
    type: v.literal("ack"),
    room: roomName,
    id: messageId,
    seq: sequence,
    chain: chainValue,
  }),
  v.strictObject({ type: v.literal("past"), ...entry }),
  v.strictObject({
    type: v.literal("history_end"),
    room: roomName,
    before: sequence,
    previous: chainValue,
  }),
  v.strictObject({ type: v.literal("keys"), room: roomName, keys: ring }),
  v.strictObject({
    type: v.literal("settings"),
    room: roomName,
    topic,
    slow: slowSeconds,
    by: v.optional(accountName),
  }),
  v.strictObject({
    type: v.literal("presence"),
    room: roomName,
    changes: v.pipe(v.array(presenceChange), v.minLength(1), v.maxLength(MAX_PRESENCE_CHANGES)),
    more: sequence,
  }),
  v.strictObject({ type: v.literal("part"), ref: reference, data: partData }),
  v.strictObject({ type: v.literal("reply"), ref: reference, result }),
  /** Bytes of the commit whose entry comes next in the room. */
  v.strictObject({ type: v.literal("commit_part"), room: roomName, data: partData }),
  /** The account is a member of a sealed room from now on. */
  v.strictObject({
    type: v.literal("added"),
    room: roomName,
    by: accountName,
    peer: v.optional(accountName),
  }),
  v.strictObject({ type: v.literal("pong") }),
  v.strictObject({
    type: v.literal("error"),
    code,
    message: sentence,
    room: v.optional(roomName),
    id: v.optional(messageId),
    ref: v.optional(reference),
  }),
  v.strictObject({ type: v.literal("bye"), code, message: sentence }),
]);

/** A message from a client, by its `type`. */
export type ClientMessage = v.InferOutput<typeof clientMessage>;
/** A message from a server, by its `type`. */
export type ServerMessage = v.InferOutput<typeof serverMessage>;
/** The messages of one `type`. */
export type MessageOf<M extends { type: string }, T extends M["type"]> = Extract<M, { type: T }>;

/** Encodes a client's message. */
export const encodeClientMessage = encoder<ClientMessage>(clientMessage);
/** Encodes a server's message. */
export const encodeServerMessage = encoder<ServerMessage>(serverMessage);
/** Decodes a client's message; throws a {@linkcode PeerError} `message-invalid`. */
export const decodeClientMessage = decoder<ClientMessage>(clientMessage);
/** Decodes a server's message; throws a {@linkcode PeerError} `message-invalid`. */
export const decodeServerMessage = decoder<ServerMessage>(serverMessage);

/** Whether a text can be sent as a user name at all. */
export const isTypedName = (text: string): boolean => v.is(typedName, text);
/** Whether a text can be the id of a message. */
export const isMessageId = (text: string): boolean => v.is(messageId, text);

type Schema<T> = v.GenericSchema<unknown, T>;

function encoder<T>(schema: Schema<T>): (message: T) => Uint8Array {
  return (message) => {
    const result = v.safeParse(schema, message);
    if (!result.success) {
      throw new BugError(`Cannot encode a message: ${describe(result.issues)}`);
    }
    return new TextEncoder().encode(JSON.stringify(result.output));
  };
}

function decoder<T>(schema: Schema<T>): (bytes: Uint8Array) => T {
  return (bytes) => {
    const text = decodeUtf8(bytes);
    const result = v.safeParse(schema, parseJson(text));
    if (!result.success) throw invalid(describe(result.issues));
    if (JSON.stringify(result.output) !== text) throw invalid("not in its canonical form");
    return result.output;
  };
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalid("not UTF-8", cause);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid("not JSON", cause);
  }
}

/** Where and what, never the value or an unknown field's name: they are the peer's words. */
function describe(issues: readonly v.BaseIssue<unknown>[]): string {
  const issue = issues[0];
  if (issue?.expected === "never") return "it has an unknown field";
  const path = issue === undefined ? undefined : v.getDotPath(issue);
  return `${path ?? "the whole"} is not a valid ${issue?.expected ?? issue?.type ?? "value"}`;
}

function invalid(reason: string, cause?: unknown): PeerError {
  return new PeerError("message-invalid", `A message is not valid: ${reason}`, { cause });
}
