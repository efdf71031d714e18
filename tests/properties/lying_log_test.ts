/**
 * A client that follows a room's log, or reads it backwards, finds nothing wrong with a true log and
 * something with any other: what was left out, repeated, moved or altered.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { KnownPast } from "../../lib/client/history_page.ts";
import { RoomState } from "../../lib/client/room_state.ts";
import { FernetKey } from "../../lib/fernet.ts";
import { chainNext, chainStart } from "../../lib/log/chain.ts";
import type { LogEntry } from "../../lib/log/message_log.ts";
import { accountName, chainValue, keyId, messageId, timestamp, tokenText } from "./arbitraries.ts";

const ROOM = "lobby";
const KEYS = [FernetKey.generate().toString()];

type Said = Omit<LogEntry, "seq" | "chain">;

const said: fc.Arbitrary<Said> = fc.record({
  room: fc.constant(ROOM),
  sender: accountName,
  messageId,
  sentAt: timestamp,
  keyId,
  token: tokenText,
}, { noNullPrototype: true });

/** A true log of some entries. */
const logs = fc.uniqueArray(said, {
  minLength: 1,
  maxLength: 10,
  selector: ({ sender, messageId }) => `${sender} ${messageId}`,
}).map(chained);

/** The entries in this order, with their places and chain values. */
function chained(all: readonly Said[]): LogEntry[] {
  const log: LogEntry[] = [];
  for (const [at, one] of all.entries()) {
    const previous = log.at(-1)?.chain ?? chainStart(ROOM);
    log.push({ ...one, seq: at + 1, chain: chainNext(previous, { ...one, seq: at + 1 }) });
  }
  return log;
}

type Lie = (log: readonly LogEntry[]) => LogEntry[];

/** One or two lies about entries; together they may come to nothing. */
const lies: fc.Arbitrary<Lie> = fc.array(
  fc.tuple(fc.nat(), fc.nat(), fc.nat(3), said, chainValue),
  { minLength: 1, maxLength: 2 },
).map((steps) => (log) =>
  steps.reduce((told, step) => told.length === 0 ? told : lie(told, step), [...log])
);

function lie(
  log: LogEntry[],
  [one, other, kind, donor, chain]: [number, number, number, Said, string],
): LogEntry[] {
  const at = one % log.length;
  const entry = log[at] as LogEntry;
  const elsewhere = other % log.length;
  const values = { ...donor, chain, seq: elsewhere + 1, room: "physics" };
  const field = Object.keys(values)[other % Object.keys(values).length] as keyof LogEntry;
  switch (kind) {
    case 0:
      return log.toSpliced(at, 1);
    case 1:
      return log.toSpliced(elsewhere, 0, entry);
    case 2:
      return log.toSpliced(at, 1).toSpliced(elsewhere, 0, entry);
    default:
      return log.with(at, { ...entry, [field]: values[field] });
  }
}

function join(last_seq: number, head: string): RoomState {
  const settings = { kind: "open", topic: "", slow: 0 } as const;
  const joined = { type: "joined", room: ROOM, ...settings, keys: KEYS, last_seq, head } as const;
  return new RoomState(joined, "alice");
}

/** Whether a client that joins the empty room finds fault with these deliveries. */
function findsFault(deliveries: readonly LogEntry[]): boolean {
  const state = join(0, chainStart(ROOM));
  return deliveries.map((entry) => state.follow(entry)).some(({ fault }) => fault !== undefined);
}

Deno.test("whoever follows a log finds no fault with its beginning, and one with anything else", () => {
  fc.assert(
    fc.property(logs, lies, (log, lies) => {
      assert.equal(findsFault(log), false);
      const told = lies(log);
      const isBeginning = isDeepStrictEqual(told, log.slice(0, told.length));
      assert.equal(findsFault(told), !isBeginning);
    }),
    { numRuns: 500 },
  );
});

/** Whether a client that joins at the log's end finds fault with these pages, read backwards. */
function findsFaultBackwards(end: LogEntry, told: readonly LogEntry[], size: number): boolean {
  const past = new KnownPast(join(end.seq, end.chain));
  let rest = [...told];
  while (!past.isWhole) {
    const page = rest.slice(-size);
    rest = rest.slice(0, -size);
    const previous = rest.at(-1)?.chain ?? chainStart(ROOM);
    if (past.extend(page, previous) !== undefined) return true;
  }
  return rest.length > 0;
}

Deno.test("whoever reads a log backwards finds no fault with all of it, and one with anything else", () => {
  fc.assert(
    fc.property(
      logs,
      lies,
      fc.boolean(),
      fc.integer({ min: 1, max: 4 }),
      (log, lies, again, size) => {
        const end = log.at(-1) as LogEntry;
        assert.equal(findsFaultBackwards(end, log, size), false);
        const told = again ? chained(lies(log)) : lies(log); // whoever lies can compute a chain, too
        assert.equal(findsFaultBackwards(end, told, size), !isDeepStrictEqual(told, log));
      },
    ),
    { numRuns: 500 },
  );
});
