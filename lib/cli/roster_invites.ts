/**
 * Invites for a whole roster: all of them and the file with their links, or nothing.
 *
 * @module
 */

import { sanitizeText } from "../client/terminal/sanitize.ts";
import { EnvironmentError } from "../errors.ts";
import type { DrawnInvite, Invitations, InviteWish } from "../server/invitations.ts";
import { complain } from "./program.ts";
import { Progress } from "./progress.ts";
import { formatRoster, readRoster } from "./roster.ts";

/** What is to be made. */
export interface RosterOrder {
  /** The roster's file. */
  roster: string;
  /** Where its rows go with their links; `undefined` if the caller writes them. */
  out: string | undefined;
  /** What each invite is like, but for its label. */
  wish: InviteWish;
  linkOf(drawn: DrawnInvite): string;
}

/** An invite takes a millisecond: with fewer there is nothing to wait for. */
const MIN_STEPS = 500;

/**
 * Makes an invite for each row. The file of links is complete before the first invite is in the
 * database: none can be lost, and a link that does not work yet harms nobody.
 *
 * @returns the invites, and the roster with their links, line by line.
 * @throws {EnvironmentError} `roster-unreadable`, `out-unusable`, or if the database fails.
 * @throws {CallerError} `roster-invalid`.
 */
export async function issueRoster(
  invitations: Invitations,
  { roster: path, out, wish, linkOf }: RosterOrder,
): Promise<{ drawn: DrawnInvite[]; lines: string[] }> {
  const roster = await readRoster(path);
  complain(describeHeader(roster.header));
  const drawn = drawAll(invitations, wish, roster.labels);
  const lines = formatRoster(roster, drawn.map(linkOf));
  if (out !== undefined) writeSecretly(out, lines);
  try {
    invitations.issue(drawn);
  } catch (error) {
    if (out !== undefined) Deno.removeSync(out);
    throw error;
  }
  const isShown = out === undefined && Deno.stdout.isTerminal();
  return { drawn, lines: isShown ? lines.map((line) => sanitizeText(line.trimEnd())) : lines };
}

function drawAll(
  invitations: Invitations,
  wish: InviteWish,
  labels: readonly string[],
): DrawnInvite[] {
  using progress = new Progress(labels.length, { unit: "invites", minSteps: MIN_STEPS });
  return labels.map((label) => {
    const drawn = invitations.draw({ ...wish, label });
    progress.step();
    return drawn;
  });
}

/** A person who was taken for a title, or the other way round, is noticed here. */
function describeHeader(header: readonly string[] | undefined): string {
  return header === undefined
    ? "The roster's first row is taken for a person: none of its fields is a usual title"
    : `The roster's first row is taken for titles: ${header.join(", ")}`;
}

/** A new file for its owner alone; what is there already stays as it is. */
function writeSecretly(path: string, lines: readonly string[]): void {
  let isOurs = false;
  try {
    using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
    isOurs = true;
    const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    file.syncSync();
  } catch (cause) {
    if (isOurs) Deno.removeSync(path);
    const [reason, hint] = cause instanceof Deno.errors.AlreadyExists
      ? ["there is a file already", "name a new one"]
      : [cause instanceof Error ? cause.message : String(cause), "no invite was made"];
    throw new EnvironmentError("out-unusable", `Cannot write ${path}: ${reason}`, { cause, hint });
  }
}
