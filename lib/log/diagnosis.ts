/**
 * What happened to a row that does not continue its room's chain. A chain value is SHA-256 over
 * everything before it, so a row that gives the right value in some place proves that it belongs
 * there; where nothing can be proven, the words say so.
 *
 * @module
 */

import { chainNext } from "./chain.ts";
import type { LogRow } from "./log_reader.ts";

/**
 * What is wrong, as far as it can be told. `altered` is also what remains when nothing else can be
 * proven; `wrong-start` is the same at a room's first row.
 */
export type FaultKind =
  | "altered"
  | "missing"
  | "inserted"
  | "swapped"
  | "wrong-start"
  | "rewritten" // a head that was noted tells otherwise
  | "cut-off"; // a head that was noted lies behind the log's end

/** The first place where a log is not what was written. */
export interface LogFault {
  kind: FaultKind;
  /** The row's `id`; none where rows are not there. */
  id?: number;
  room: string;
  seq: number;
  /** What is known, for people: no full stop. */
  says: string;
}

/** A room's last row that continued the chain. */
export interface RoomEnd {
  seq: number;
  chain: string;
  /** Its `id`; none at the room's start. */
  id?: number;
  /** The chain value before it; none at the room's start. */
  before?: string;
}

/** Where the chain breaks. */
export interface Break {
  /** The first row that does not fit. */
  row: LogRow;
  /** The end of its room that it should continue. */
  end: RoomEnd;
  /** The ends of all rooms. */
  ends: ReadonlyMap<string, RoomEnd>;
}

/** Rows that were removed in one place and the rest renumbered: found up to this many. */
const MAX_RENUMBERED = 1000;

/** Says what is wrong at a break. Reads the room's later rows, for those that belong there. */
export async function diagnose(at: Break, rest: AsyncIterator<LogRow>): Promise<LogFault> {
  return insertedBefore(at) ?? movedFromRoom(at) ?? await fromLaterRows(at, rest);
}

function fault(kind: FaultKind, { id, room, seq }: LogRow, says: string): LogFault {
  return { kind, id, room, seq, says };
}

/** Whether a row gives a chain value in some place of its room. */
function gives(chains: readonly string[], previous: string, row: LogRow, seq: number): boolean {
  return chains.includes(chainNext(previous, { ...row, seq }));
}

/** The row belongs where the last good one is, which thus was put in, with a right chain value. */
function insertedBefore({ row, end }: Break): LogFault | undefined {
  const { id, seq, before } = end;
  if (id === undefined || before === undefined) return undefined;
  if (!gives([row.chain], before, row, seq)) return undefined;
  const says = `it was put in, since the row with id ${row.id} belongs in its place`;
  return { kind: "inserted", id, room: row.room, seq, says };
}

function movedFromRoom({ row, ends }: Break): LogFault | undefined {
  for (const [room, { seq, chain }] of ends) {
    if (room === row.room || !gives([row.chain], chain, { ...row, room }, seq + 1)) continue;
    return fault("altered", row, `its room was altered: it belongs to ${room}, seq ${seq + 1}`);
  }
  return undefined;
}

async function fromLaterRows(at: Break, rest: AsyncIterator<LogRow>): Promise<LogFault> {
  const { row, end } = at;
  const ownPlace = gives([row.chain], end.chain, row, end.seq + 1);
  let [previous, following]: [LogRow, LogRow | undefined] = [row, undefined];
  for (let next = await rest.next(); !next.done; next = await rest.next()) {
    const later = next.value;
    if (later.room !== row.room) continue;
    following ??= later;
    const found = ownPlace ? swappedNumbers(at, previous, later) : belongsHere(at, previous, later);
    if (found !== undefined) return found;
    previous = later;
  }
  if (ownPlace) return fault("altered", row, `its seq was altered: it belongs at ${end.seq + 1}`);
  return notFound(at, following);
}

/** The row is in its place, but has the `seq` of a later one, which has the row's. */
function swappedNumbers(
  { row, end }: Break,
  previous: LogRow,
  later: LogRow,
): LogFault | undefined {
  if (later.seq !== end.seq + 1) return undefined;
  if (!gives([later.chain], previous.chain, later, row.seq)) return undefined;
  return fault("swapped", row, `it and the row with id ${later.id} were swapped`);
}

/** A later row belongs in the row's place. */
function belongsHere(at: Break, previous: LogRow, later: LogRow): LogFault | undefined {
  const { row, end } = at;
  const chains = [later.chain, row.chain]; // a swap may have left the chain values behind
  const seq = end.seq + 1;
  if (!gives(chains, end.chain, later, seq)) return undefined;
  const place = Math.max(row.seq, later.seq);
  const chain = previous === row ? chainNext(end.chain, { ...later, seq }) : previous.chain;
  if (place > seq && gives(chains, chain, row, place)) {
    return fault("swapped", row, `it and the row with id ${later.id} were swapped`);
  }
  const says = `it was put in, or moved here: the row with id ${later.id} belongs in its place`;
  return fault("inserted", row, says);
}

/** No row of the room belongs in this place. */
function notFound({ row, end }: Break, following: LogRow | undefined): LogFault {
  const seq = end.seq + 1;
  if (row.seq > seq) return fault("missing", row, missing(seq, row.seq - 1));
  if (row.seq < seq) {
    return fault("inserted", row, `it was put in: its room has a row ${row.seq} before it already`);
  }
  if (following === undefined) return unexplained(row, end);
  const own = chainNext(end.chain, row);
  if (gives([following.chain], own, following, following.seq)) {
    return fault("altered", row, "its chain value alone was altered: the next row shows it");
  }
  for (let removed = 1; removed <= MAX_RENUMBERED; removed += 1) {
    if (!gives([following.chain], row.chain, following, following.seq + removed)) continue;
    const says = `${removed} of the rows before it are missing, and the rest was renumbered`;
    return fault("missing", row, says);
  }
  return unexplained(row, end);
}

function missing(first: number, last: number): string {
  const rows = first === last
    ? `row with seq ${first} is`
    : `rows with seq ${first} to ${last} are`;
  return `the ${rows} not before it: removed, altered, or moved to another room`;
}

function unexplained(row: LogRow, { seq }: RoomEnd): LogFault {
  return seq === 0
    ? fault(
      "wrong-start",
      row,
      "it does not fit its room's start: altered, or moved from another room",
    )
    : fault(
      "altered",
      row,
      "its fields do not give its chain value: it, or what is before it, was altered",
    );
}
