/**
 * What a server grants to a peer. Each bounds something that a hostile peer would otherwise use up.
 *
 * @module
 */

/** See each field. Those that an operator may set are flags of `server.ts`. */
export interface Limits {
  /** Milliseconds for the handshake: two small frames, also over a bad mobile network. */
  handshakeMs: number;
  /** Milliseconds from the handshake to the end of the login: a person types a password twice. */
  loginMs: number;
  /** Logins that may fail on one connection: typing errors, then a new connection is due. */
  loginsPerConnection: number;
  /** Connections at a time: half of the usual limit of 8,192 open files, and 60 MiB of buffers. */
  maxConnections: number;
  /** Of them from one address, or one IPv6 /64: a large class behind one router. */
  maxPerAddress: number;
  /** Of them without a login: people type for a minute, so a burst of logins needs many. */
  maxUnauthenticated: number;
  /** Messages a second that an account may send in the long run: a pasted file, not a flood. */
  messagesPerSecond: number;
  /** Messages that an account may send at once, after it was quiet. */
  messageBurst: number;
  /**
   * Bytes of tokens of one connection that may wait for the log before the server reads on: enough
   * to fill a commit.
   */
  maxPendingBytes: number;
  /**
   * Bytes of messages that may wait for a member to read: some thousand usual ones, so that a short
   * stall costs nobody the connection, and a thousand stalled members cost 1 GiB at the worst.
   */
  maxQueuedBytes: number;
  /** Bytes above which what can wait (history, catching up) waits for the member to read. */
  calmQueueBytes: number;
  /** Bytes of parts, over all connections, for requests to come or not done: sixteen of the largest. */
  maxStagedBytes: number;
  /** Milliseconds without a sign of a member after which it is gone: two of its pings. */
  silenceMs: number;
  /** Milliseconds between two looks at who is silent. */
  silenceCheckMs: number;
  /** Log lines of one kind in a minute, where peers can cause them without end. */
  linesPerMinute: number;
  /** Milliseconds that a peer has for its last words, when the server ends the connection. */
  farewellMs: number;
}

/** What a server grants if its operator does not say otherwise. */
export const DEFAULT_LIMITS: Limits = {
  handshakeMs: 10_000,
  loginMs: 120_000,
  loginsPerConnection: 5,
  maxConnections: 4_096,
  maxPerAddress: 512,
  maxUnauthenticated: 1_024,
  messagesPerSecond: 200,
  messageBurst: 2_000,
  maxPendingBytes: 256 * 1024,
  maxQueuedBytes: 1024 * 1024,
  calmQueueBytes: 128 * 1024,
  maxStagedBytes: 64 * 1024 * 1024,
  silenceMs: 35_000,
  silenceCheckMs: 5_000,
  linesPerMinute: 20,
  farewellMs: 10_000,
};

/**
 * The least for {@linkcode Limits.maxQueuedBytes}: a whole commit (256 KiB of tokens) reaches a member
 * at once, and must find room although the one before is still on its way.
 */
export const MIN_QUEUED_BYTES = 512 * 1024;

/** What a request for history costs of an account's messages: it reads some hundred rows. */
export const HISTORY_COST = 5;

/** What joining a room costs of an account's messages: it looks for the log's end, and reads on from there. */
export const JOIN_COST = 5;

/** What a request costs of an account's messages: it may read and list hundreds. */
export const REQUEST_COST = 5;

/** What a part costs of an account's messages: it is as long as the longest of them. */
export const PART_COST = 2;

/** Characters of tokens in one answer with history. */
export const MAX_HISTORY_CHARS = 256 * 1024;

/** Entries that a member who catches up is given at a time. */
export const CATCH_UP_ENTRIES = 32;

/** Milliseconds after a change of keys in which messages sealed with the key before are taken. */
export const KEY_GRACE_MS = 60_000;

/** Milliseconds that a stopping server waits for peers to take what is theirs. */
export const STOP_DEADLINE_MS = 2_000;
