/**
 * Verifies a log against its hash chain, and against heads that somebody noted.
 *
 * The chain needs no secret, so whoever can write to the database can also recompute it: from the
 * first edited row to the end, the result is a chain like any other. Only a head that was noted
 * elsewhere before tells. The same goes for rows cut off at a room's end, and for a whole room.
 *
 * @module
 */

import { chainNext, chainStart } from "./chain.ts";
import { diagnose, type LogFault, type RoomEnd } from "./diagnosis.ts";
import type { LogRow } from "./log_reader.ts";
import type { Head } from "./message_log.ts";

/** A room's head that a client or a stopping server told, and somebody kept. */
export interface NotedHead extends Head {
  room: string;
}

/** What verifying found. */
export interface Verdict {
  /** Rows that were read up to the fault, or all of them. */
  rows: number;
  /** Each room's end so far, in the order of their first rows. */
  heads: NotedHead[];
  /** The first fault in the order of the rows; a tail that is cut off comes last. */
  fault?: LogFault;
}

/**
 * Recomputes the chain of every room, in memory that grows with the number of rooms alone.
 *
 * @param rows in the order of their ids: all of the log, or all of some rooms
 * @param noted heads of rooms that are among them
 * @param onRow is told of each row before it is checked
 */
export async function verifyLog(
  rows: AsyncIterable<LogRow>,
  noted: readonly NotedHead[] = [],
  onRow: () => void = () => {},
): Promise<Verdict> {
  const ends = new Map<string, RoomEnd>();
  const byRoom = Map.groupBy(noted, ({ room }) => room);
  const rest = rows[Symbol.asyncIterator]();
  let count = 0;
  const verdict = (fault: LogFault | undefined): Verdict => ({
    rows: count,
    heads: [...ends].map(([room, { seq, chain }]) => ({ room, seq, chain })),
    ...(fault === undefined ? {} : { fault }),
  });
  for (let next = await rest.next(); !next.done; next = await rest.next()) {
    const row = next.value;
    onRow();
    count += 1;
    const end = ends.get(row.room) ?? startOf(row.room);
    if (row.seq !== end.seq + 1 || row.chain !== chainNext(end.chain, row)) {
      return verdict(await diagnose({ row, end, ends: withNoted(ends, byRoom) }, rest));
    }
    const { id, seq, chain } = row;
    ends.set(row.room, { id, seq, chain, before: end.chain });
    const fault = contradiction(row, byRoom.get(row.room) ?? []);
    if (fault !== undefined) return verdict(fault);
  }
  return verdict(missingEnd(ends, noted));
}

function startOf(room: string): RoomEnd {
  return { seq: 0, chain: chainStart(room) };
}

/** The ends of all rooms that are known by name: a row may have been moved from there. */
function withNoted(
  ends: ReadonlyMap<string, RoomEnd>,
  noted: ReadonlyMap<string, unknown>,
): Map<string, RoomEnd> {
  const starts = [...noted.keys()].map((room) => [room, startOf(room)] as const);
  return new Map([...starts, ...ends]);
}

/** The row continues the chain, but it is not the row that the head was noted of. */
function contradiction(row: LogRow, noted: readonly Head[]): LogFault | undefined {
  if (noted.every(({ seq, chain }) => seq !== row.seq || chain === row.chain)) return undefined;
  const { id, room, seq } = row;
  const says =
    "its chain value is not the noted one: it, or a row before it, was changed and the " +
    "chain recomputed";
  return { kind: "rewritten", id, room, seq, says };
}

function missingEnd(
  ends: ReadonlyMap<string, RoomEnd>,
  noted: readonly NotedHead[],
): LogFault | undefined {
  for (const { room, seq, chain } of noted) {
    const end = ends.get(room) ?? startOf(room);
    if (end.seq < seq) {
      const says =
        `the log ends at seq ${end.seq}, and the noted head is seq ${seq}: rows were removed`;
      return { kind: "cut-off", room, seq: end.seq + 1, says };
    }
    if (seq === 0 && chain !== chainStart(room)) {
      const says = "the noted value is not what this room's chain starts from";
      return { kind: "rewritten", room, seq, says };
    }
  }
  return undefined;
}
