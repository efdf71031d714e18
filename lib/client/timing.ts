/**
 * How long a client waits, and for what. All in milliseconds; tests have less patience.
 *
 * @module
 */

/** See the module's description. */
export interface Timing {
  /** Between two signs of life of this client (PROTOCOL.md section 7.8: at most 15 s). */
  pingMs: number;
  /** A server that is silent for longer is gone. */
  silenceMs: number;
  /** Between two looks whether it is. */
  lookMs: number;
  /** For an answer in the login and to a join. */
  answerMs: number;
  /** For the server's own close, after its good-bye or this side's. */
  closeMs: number;
  /** Before the vault is opened for a client that has not asked for anything sealed. */
  settleMs: number;
  /** The shortest wait before another attempt to connect. */
  leastDelayMs: number;
  /** The longest one. */
  mostDelayMs: number;
}

/** What holds where nothing else is said. */
export const TIMING: Timing = {
  pingMs: 10_000, // each is answered: three answers are missing before a server is given up
  silenceMs: 35_000, // and 5 s to look: noticed well within the 45 s that are promised
  lookMs: 5_000,
  answerMs: 25_000, // a server may hold a login back for 10 s, and a busy one needs some more
  closeMs: 2_000,
  settleMs: 500, // who only says a line and leaves does not wait for keys that are of no use to it
  leastDelayMs: 250,
  mostDelayMs: 15_000,
};
