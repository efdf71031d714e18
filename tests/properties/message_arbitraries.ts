/**
 * Any valid message, by its type. The tables are typed by the schemas: a type or a field that is new
 * there does not pass `deno check` until it is here.
 *
 * @module
 */

import fc from "fast-check";
import {
  MAX_AWAY_CHARS,
  MAX_DEVICES,
  MAX_DURATION_SECONDS,
  MAX_HISTORY_PAGE,
  MAX_REASON_CHARS,
  MAX_SENTENCE_CHARS,
  MAX_SLOW_SECONDS,
  MAX_TOPIC_CHARS,
} from "../../lib/protocol/limits.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../../lib/protocol/messages.ts";
import type {
  PresenceChange,
  Request,
  RequestOf,
  Result,
  ResultOf,
} from "../../lib/protocol/requests.ts";
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
const ringOrNone = fc.array(fernetKey.map(String), { maxLength: 4 });

const sent = { room: roomName, id: messageId, sent_at: timestamp, key_id: keyId, token: tokenText };
const logged = { seq: sequence, sender: accountName, ...sent, chain: chainValue };

/** One line of valid Unicode. */
const line = (maxChars: number): fc.Arbitrary<string> =>
  wellFormedText(maxChars).map((text) => text.replaceAll(/\p{Cc}/gu, ""));
const role = fc.constantFrom("member" as const, "operator" as const);
const reference = sequence.filter((number) => number > 0);
const slowSeconds = fc.integer({ min: 0, max: MAX_SLOW_SECONDS });
const reason = line(MAX_REASON_CHARS);
const roomKind = fc.constantFrom("open" as const, "sealed" as const);
const device = fc.integer({ min: 1, max: MAX_DEVICES });
const leased = { device, lease: sequence };
const accounts = fc.array(accountName, { maxLength: 4 });
const partData = fc.stringMatching(/^[A-Za-z0-9_-]{1,200}$/);
const blobName = fc.oneof(
  fc.constantFrom("wrap", "account"),
  device.map((device) => `device/${device}`),
  fc.tuple(device, roomName).map(([device, room]) => `device/${device}/${room}`),
);
const timed = {
  user: typedName,
  seconds: optional(fc.integer({ min: 1, max: MAX_DURATION_SECONDS })),
  reason,
};

const REQUESTS: {
  [D in Request["do"]]: {
    [F in Exclude<keyof RequestOf<D>, "do">]-?: fc.Arbitrary<RequestOf<D>[F]>;
  };
} = {
  rooms: {},
  names: { room: roomName },
  whois: { user: typedName },
  away: { text: line(MAX_AWAY_CHARS) },
  back: {},
  create_room: { room: roomName, topic: line(MAX_TOPIC_CHARS) },
  topic: { room: roomName, topic: line(MAX_TOPIC_CHARS) },
  slow: { room: roomName, seconds: slowSeconds },
  kick: { room: roomName, user: typedName, reason },
  ban: timed,
  unban: { user: typedName },
  mute: timed,
  unmute: { user: typedName },
  blobs: {},
  get: { name: blobName },
  put: { name: blobName, version: sequence, lease: optional(sequence) },
  lease: {
    device: optional(device),
    lease: optional(sequence),
    fresh: optional(fc.constant(true as const)),
  },
  publish: { ...leased, sizes: fc.array(sequence, { minLength: 1, maxLength: 4 }) },
  claim: { users: accounts.filter(({ length }) => length > 0) },
  look: { user: typedName },
  create_sealed: { room: roomName, peer: optional(accountName), key_id: keyId, ...leased },
  direct: { user: typedName },
  commit: {
    ...sent,
    epoch: sequence,
    adds: accounts,
    removes: accounts,
    promotes: optional(accounts),
    demotes: optional(accounts),
    welcomes: fc.array(anyRecord({ user: accountName, device }), { maxLength: 4 }),
    ...leased,
    sizes: fc.tuple(sequence, sequence, sequence),
  },
  welcome: { room: roomName, device },
  resign: { room: roomName },
};

const RESULTS: {
  [I in Result["is"]]: {
    [F in Exclude<keyof ResultOf<I>, "is">]-?: fc.Arbitrary<ResultOf<I>[F]>;
  };
} = {
  rooms: {
    rooms: fc.array(
      optionalLast(
        { room: roomName, kind: roomKind, topic: line(MAX_TOPIC_CHARS), members: sequence },
        ...["peer", accountName] as const,
      ),
      { maxLength: 4 },
    ),
    more: sequence,
  },
  names: {
    room: roomName,
    names: fc.array(optionalLast({ user: accountName, role }, "away", line(MAX_AWAY_CHARS)), {
      maxLength: 4,
    }),
    more: sequence,
  },
  whois: {
    user: accountName,
    role,
    away: optional(line(MAX_AWAY_CHARS)),
    muted: fc.boolean(),
    sessions: fc.array(optionalLast({ since: timestamp }, "address", fc.ipV6()), { maxLength: 4 }),
    more: sequence,
    rooms: fc.array(roomName, { maxLength: 4 }),
  },
  done: {},
  blobs: {
    blobs: fc.array(anyRecord({ name: blobName, version: sequence, size: sequence }), {
      maxLength: 4,
    }),
  },
  blob: { version: sequence },
  lease: leased,
  packages: {
    packages: fc.array(anyRecord({ user: accountName, device, size: sequence }), { maxLength: 4 }),
  },
  direct: { room: optional(roomName) },
  welcome: { seq: sequence, head: chainValue },
};

const requests: fc.Arbitrary<Request> = variants<Request>("do", REQUESTS);
const results: fc.Arbitrary<Result> = variants<Result>("is", RESULTS);
const presenceChanges: fc.Arbitrary<PresenceChange> = optionalLast(
  { user: accountName, change: fc.constantFrom("joined", "left", "away", "back") },
  "text",
  line(MAX_AWAY_CHARS),
);

const CLIENT: Table<ClientMessage> = {
  login_start: { username: typedName, ke1: opaque },
  login_finish: { ke3: opaque },
  register_start: { request: opaque },
  register_finish: { record: opaque, wrap: optional(opaque), wrap_version: optional(sequence) },
  create_start: { name: typedName, request: opaque },
  create_finish: { record: opaque },
  leave: { room: roomName },
  request: { ref: reference, request: requests },
  join: { room: roomName, after: optional(sequence) },
  send: sent,
  history: {
    room: roomName,
    before: sequence.filter((seq) => seq > 0),
    limit: fc.integer({ min: 1, max: MAX_HISTORY_PAGE }),
  },
  part: { data: partData },
  ping: {},
};

const SERVER: Table<ServerMessage> = {
  login_response: { ke2: opaque },
  welcome: { user: accountName },
  register_response: { response: opaque },
  registered: {},
  joined: {
    room: roomName,
    kind: roomKind,
    topic: line(MAX_TOPIC_CHARS),
    slow: slowSeconds,
    keys: ringOrNone,
    peer: optional(accountName),
    last_seq: sequence,
    head: chainValue,
  },
  message: logged,
  ack: { room: roomName, id: messageId, seq: sequence, chain: chainValue },
  past: logged,
  history_end: { room: roomName, before: sequence, previous: chainValue },
  keys: { room: roomName, keys: ring },
  invited: { role, room: roomName },
  left: { room: roomName, code, message: sentence },
  settings: {
    room: roomName,
    topic: line(MAX_TOPIC_CHARS),
    slow: slowSeconds,
    by: optional(accountName),
  },
  presence: {
    room: roomName,
    changes: fc.array(presenceChanges, { minLength: 1, maxLength: 8 }),
    more: sequence,
  },
  part: { ref: reference, data: partData },
  reply: { ref: reference, result: results },
  commit_part: { room: roomName, data: partData },
  added: { room: roomName, by: accountName, peer: optional(accountName) },
  pong: {},
  error: {
    code,
    message: sentence,
    room: optional(roomName),
    id: optional(messageId),
    ref: optional(reference),
  },
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
  const built = Object.entries(table).map(([type, fields]) => [
    type,
    anyOf("type", type, fields as Fields),
  ]);
  return Object.fromEntries(built);
}

type Fields = { [field: string]: fc.Arbitrary<unknown> };

/** Any object of one of several forms, which are told apart by the field `key`. */
function variants<V>(key: string, forms: { [name: string]: Fields }): fc.Arbitrary<V> {
  const each = Object.entries(forms).map(([name, fields]) => anyOf(key, name, fields));
  return fc.oneof(...each) as fc.Arbitrary<V>;
}

/** Any object with these fields, and perhaps one more behind them. */
function optionalLast<T>(
  fields: Fields,
  name: string,
  value: fc.Arbitrary<unknown>,
): fc.Arbitrary<T> {
  return fc.record({ ...fields, [name]: optional(value) }).map(withoutUndefined) as fc.Arbitrary<T>;
}

function anyOf(key: string, name: string, fields: Fields): fc.Arbitrary<object> {
  return fc.record(fields).map((values) => ({ [key]: name, ...withoutUndefined(values) }));
}

/** Objects as JSON has them, with a prototype. */
function anyRecord<T>(fields: { [F in keyof T]: fc.Arbitrary<T[F]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

function withoutUndefined(values: { [field: string]: unknown }): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
