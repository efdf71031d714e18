/**
 * What a server grants to a peer. Each bounds something that a hostile peer would otherwise use up.
 *
 * @module
 */

/** Milliseconds for the handshake: two small frames, also over a bad mobile network. */
export const HANDSHAKE_DEADLINE_MS = 10_000;

/** Milliseconds from the handshake to the end of the login: a person types a password twice. */
export const LOGIN_DEADLINE_MS = 120_000;

/** Logins that may fail on one connection: typing errors, then a new connection is due. */
export const MAX_LOGINS_PER_CONNECTION = 5;

/** Connections at a time: half of the usual limit of 8,192 open files, and 60 MiB of buffers. */
export const MAX_CONNECTIONS = 4_096;

/** Messages of one connection that wait for the log; a client sends on as its acks arrive. */
export const MAX_PENDING_MESSAGES = 4_096;

/** Milliseconds that a stopping server waits for peers to take what is theirs. */
export const STOP_DEADLINE_MS = 2_000;
