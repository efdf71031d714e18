/**
 * The server's `invite` commands: flags to options. What is said about a new link goes to stderr:
 * stdout has the link alone, or the roster, or JSON.
 *
 * @module
 */

import { type Command, Option } from "commander";
import type { Role } from "../auth/accounts.ts";
import { type Invite, MAX_INVITE_USES, stateOf } from "../auth/invites.ts";
import { DEFAULT_PORT, parseAddress } from "../client/address.ts";
import { formatInviteLink } from "../client/invite_link.ts";
import { parseDuration } from "../durations.ts";
import { CallerError } from "../errors.ts";
import { LOBBY } from "../rooms/open_room.ts";
import type { DrawnInvite, InviteWish } from "../server/invitations.ts";
import type { Operations } from "../server/operations.ts";
import { operatorCommand, type OperatorFlags, type Outcome } from "./operator_command.ts";
import { complain, say } from "./program.ts";

interface Flags extends OperatorFlags {
  uses?: string;
  expires?: string;
  role?: Role;
  room?: string;
  address?: string;
  label?: string;
  roster?: string;
  out?: string;
}

const DEFAULTS = { expires: "7d", address: `localhost:${DEFAULT_PORT}` };

const NEVER = "never";

const CREATE_HELP = `
Whoever has the link can make an account with it: send it as you would send a
password. On a terminal its QR code is shown too, for a camera. The link is
nowhere else: a lost one is revoked and made anew.

A roster is a CSV file with one row a person. Each gets an invite for one
account; the rows come back with the links in a column "invite", on stdout or in
--out. The first row holds titles if one of them is usual, such as "name".`;

/** Adds `invite create`, `list` and `revoke`. */
export function addInviteCommands(program: Command, defaultDb: string): void {
  const invite = program.command("invite")
    .description("links with which people make accounts: create, list, revoke");
  operatorCommand(
    invite.command("create").description("make an invite, or one for each row of a roster"),
    { defaultDb, create: true },
    create,
  )
    .option("--uses <number>", "accounts that can be made with it (default: 1)")
    .option("--expires <when>", `30m, 12h, 7d, 2w or ${NEVER} (default: ${DEFAULTS.expires})`)
    .addOption(
      new Option("--role <role>", "what they may do (default: member)")
        .choices(["member", "operator"]),
    )
    .option("--room <name>", `the room where they begin (default: ${LOBBY})`)
    .option("--address <address>", `the server's, as they reach it (default: ${DEFAULTS.address})`)
    .option("--label <text>", "for whom it is, for your own eyes")
    .option("--roster <file>", "make one invite for each row of a CSV file")
    .option("--out <file>", "write the roster with its links there, for your eyes alone")
    .addHelpText("after", CREATE_HELP);
  operatorCommand(
    invite.command("list").description("show all invites, without their links"),
    { defaultDb },
    list,
  );
  operatorCommand(
    invite.command("revoke <id>").description("end an invite; the id's first digits are enough"),
    { defaultDb },
    revoke,
  );
}

async function create(operations: Operations, flags: Flags): Promise<Outcome> {
  const wish = parseWish(flags);
  const address = parseAddress(flags.address ?? DEFAULTS.address);
  operations.rooms.getOpen(wish.room);
  const linkOf = ({ code }: DrawnInvite): string => formatInviteLink({ address, code });
  const outcome = flags.roster === undefined
    ? await createOne(operations, flags, wish, linkOf)
    : await createAll(operations, flags, wish, linkOf);
  if (flags.address === undefined) {
    complain(`With ${DEFAULTS.address} it works on this machine only: pass --address HOST:PORT`);
  }
  return outcome;
}

async function createOne(
  { invitations }: Operations,
  flags: Flags,
  wish: InviteWish,
  linkOf: (drawn: DrawnInvite) => string,
): Promise<Outcome> {
  if (flags.out !== undefined) throw usage("--out is for a roster's links", "pass --roster FILE");
  const drawn = invitations.draw(wish);
  invitations.issue([drawn]);
  const link = linkOf(drawn);
  if (!flags.json) {
    await showQrCode(link);
    complain(`An invite for ${describe(wish)}`);
  }
  return { lines: [link], json: [asEvent(drawn, link)] };
}

/** Loaded only here: neither a starting server nor the other commands need it. */
async function createAll(
  { invitations }: Operations,
  flags: Flags,
  wish: InviteWish,
  linkOf: (drawn: DrawnInvite) => string,
): Promise<Outcome> {
  if (flags.uses !== undefined || flags.label !== undefined) {
    const message = "A roster's invites are for one account each, and labelled by their rows";
    throw usage(message, "leave --uses and --label out");
  }
  const { issueRoster } = await import("./roster_invites.ts");
  const { drawn, lines } = await issueRoster(invitations, {
    wish,
    linkOf,
    roster: flags.roster as string,
    out: flags.out,
  });
  const made = `${drawn.length} invites, each for ${describe(wish)}`;
  if (flags.json) return { lines: [], json: drawn.map((one) => asEvent(one, linkOf(one))) };
  complain(`Made ${made}${flags.out === undefined ? "" : `: the links are in ${flags.out}`}`);
  if (flags.out === undefined) say(lines.join("\n"));
  return { lines: [], json: [] };
}

function list({ invitations }: Operations): Promise<Outcome> {
  return listed(invitations.store.list());
}

async function listed(invites: readonly Invite[]): Promise<Outcome> {
  const json = [{ invites: invites.map((invite) => ({ ...invite, state: stateOf(invite) })) }];
  if (invites.length === 0) {
    return { lines: ["No invites yet: make one with `invite create`"], json };
  }
  const { formatTable } = await import("./table.ts");
  const columns = [
    ...[{ title: "ID" }, { title: "FOR", max: 18 }, { title: "ROLE" }],
    ...[{ title: "ROOM", max: 10 }, { title: "USED" }, { title: "STATE" }],
  ];
  return { lines: formatTable(columns, invites.map(formatInvite)), json };
}

function formatInvite(invite: Invite): string[] {
  const { id, label, role, room, uses, uses_left, expires_at } = invite;
  const state = stateOf(invite);
  const until = state === "open" && expires_at !== null ? ` until ${minutes(expires_at)}` : "";
  return [id, label, role, room, `${uses - uses_left}/${uses}`, `${state}${until}`];
}

function revoke({ invitations }: Operations, _: Flags, prefix = ""): Outcome {
  const { id, label } = invitations.revoke(prefix);
  return {
    lines: [`Revoked the invite ${id}${label === "" ? "" : ` for ${label}`}`],
    json: [{ event: "invite-revoked", id, label }],
  };
}

function parseWish({ uses, expires, role, room, label }: Flags): InviteWish {
  const when = expires ?? DEFAULTS.expires;
  return {
    label: label ?? "",
    role: role ?? "member",
    room: room ?? LOBBY,
    uses: uses === undefined ? 1 : parseUses(uses),
    seconds: when === NEVER ? undefined : parseDuration(when),
  };
}

function parseUses(text: string): number {
  const uses = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && uses >= 1 && uses <= MAX_INVITE_USES) return uses;
  throw usage(`Cannot make an invite with ${text} uses`, `pass --uses 1 to ${MAX_INVITE_USES}`);
}

/** `one member, to begin in lobby; good until 2026-12-01 08:00 UTC`: with a short room, 80 columns. */
function describe({ uses, role, room, seconds }: InviteWish): string {
  const who = uses === 1 ? `one ${role}` : `${uses} ${role}s`;
  return `${who}, to begin in ${room}; ${describeEnd(seconds)}`;
}

function describeEnd(seconds: number | undefined): string {
  if (seconds === undefined) return "it does not expire";
  const end = new Date(Date.now() + seconds * 1_000);
  return `good until ${minutes(end.toISOString())} UTC`;
}

function minutes(time: string): string {
  return time.slice(0, 16).replace("T", " ");
}

function asEvent({ invite }: DrawnInvite, link: string): unknown {
  const { id, label, role, room, uses, expires_at } = invite;
  return { event: "invite-created", link, id, label, role, room, uses, expires_at };
}

async function showQrCode(link: string): Promise<void> {
  const { isPlain } = await import("./progress.ts");
  if (!Deno.stdout.isTerminal() || isPlain()) return;
  const { drawQrCode } = await import("./qr_code.ts");
  const lines = drawQrCode(link, Deno.consoleSize().columns);
  if (lines !== undefined) say(lines.join("\n"));
}

function usage(message: string, hint: string): CallerError {
  return new CallerError("usage", message, { hint });
}
