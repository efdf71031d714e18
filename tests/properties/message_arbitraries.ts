/**
 * Any valid message, by its type. The tables are typed by the schemas: a type or a field that is new
 * there does not pass `deno check` until it is here.
 *
 * @module
 */

import fc from "fast-check";
import { MAX_HISTORY_PAGE, MAX_SENTENCE_CHARS } from "../../lib/protocol/limits.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../../lib/protocol/messages.ts";
import {
  accountName,
  anyText,
  chainValue,
  fernetKey,
  keyId,
  messageId,
  roomName,
  sequence,
  timestamp,
  tokenText,
  wellFormedText,
} from "./arbitraries.ts";

type Message = { type: string };

/** An arbitrary for each field of each type but the type itself; `undefined` leaves a field out. */
type Table<M extends Message> = {
  [T in M["type"]]: {
    [F in Exclude<keyof MessageOf<M, T>, "type">]-?: fc.Arbitrary<MessageOf<M, T>[F]>;
  };
};

/** Any message of each type. */
type Arbitraries<M extends Message> = {
  readonly [T in M["type"]]: fc.Arbitrary<MessageOf<M, T>>;
};

const opaque = fc.stringMatching(/^[A-Za-z0-9_-]{1,200}$/);
const typedName = wellFormedText(128).map((text) => text === "" ? " " : text);
const code = fc.stringMatching(/^[a-z][a-z-]{0,31}$/);
const sentence = anyText(MAX_SENTENCE_CHARS);
const ring = fc.array(fernetKey.map(String), { minLength: 1, maxLength: 4 });

const sent = { room: roomName, id: messageId, sent_at: timestamp, key_id: keyId, token: tokenText };
const logged = { seq: sequence, sender: accountName, ...sent, chain: chainValue };

const CLIENT: Table<ClientMessage> = {
  login_start: { username: typedName, ke1: opaque },
  login_finish: { ke3: opaque },
  register_start: { request: opaque },
  register_finish: { record: opaque },
  join: { room: roomName, after: optional(sequence) },
  send: sent,
  history: {
    room: roomName,
    before: sequence.filter((seq) => seq > 0),
    limit: fc.integer({ min: 1, max: MAX_HISTORY_PAGE }),
  },
  ping: {},
};

const SERVER: Table<ServerMessage> = {
  login_response: { ke2: opaque },
  welcome: { user: accountName },
  register_response: { response: opaque },
  registered: {},
  joined: {
    room: roomName,
    kind: fc.constant("open"),
    keys: ring,
    last_seq: sequence,
    head: chainValue,
  },
  message: logged,
  ack: { room: roomName, id: messageId, seq: sequence, chain: chainValue },
  past: logged,
  history_end: { room: roomName, before: sequence, previous: chainValue },
  keys: { room: roomName, keys: ring },
  pong: {},
  error: { code, message: sentence, id: optional(messageId) },
  bye: { code, message: sentence },
};

/** Any message that a client may send. */
export const clientMessages: Arbitraries<ClientMessage> = arbitraries<ClientMessage>(CLIENT);
/** Any message that a server may send. */
export const serverMessages: Arbitraries<ServerMessage> = arbitraries<ServerMessage>(SERVER);

function optional<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined });
}

function arbitraries<M extends Message>(table: Table<M>): Arbitraries<M> {
  const built = Object.entries(table).map((
    [type, fields],
  ) => [type, anyOf(type, fields as Fields)]);
  return Object.fromEntries(built);
}

type Fields = { [field: string]: fc.Arbitrary<unknown> };

function anyOf(type: string, fields: Fields): fc.Arbitrary<object> {
  return fc.record(fields).map((values) => {
    const present = Object.entries(values).filter(([, value]) => value !== undefined);
    return Object.fromEntries([["type", type], ...present]);
  });
}
