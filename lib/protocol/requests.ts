/**
 * What a client can ask a server to do or to tell, beside the messages of a room, and the answers
 * (PROTOCOL.md section 7.10). Each request has a number; its answer, or its error, repeats it.
 *
 * @module
 */

import * as v from "valibot";
import {
  accountName,
  address,
  awayText,
  durationSeconds,
  reason,
  role,
  roomKind,
  roomName,
  sequence,
  slowSeconds,
  timestamp,
  topic,
  typedName,
} from "./fields.ts";
import { MAX_LISTED, MAX_LISTED_SESSIONS } from "./limits.ts";
import { sealedRequests, sealedResults } from "./sealed_requests.ts";

/** One person's coming, going or being away, as a room is told. */
export const presenceChange = v.strictObject({
  user: accountName,
  change: v.picklist(["joined", "left", "away", "back"]),
  /** With `away`: why. */
  text: v.optional(awayText),
});

/** A person in a room. */
const present = v.strictObject({ user: accountName, role, away: v.optional(awayText) });

/**
 * A room, as a list shows it: open ones, and sealed ones that the asker is a member of. `members`
 * counts those who are there now.
 */
const listedRoom = v.strictObject({
  room: roomName,
  kind: roomKind,
  topic,
  members: sequence,
  /** Of a direct room: the other one. */
  peer: v.optional(accountName),
});

/** A connection of somebody's; operators are told from where. */
const session = v.strictObject({ since: timestamp, address: v.optional(address) });

/** Whom an operator means; any text, since a wrong name is an error of theirs and not of the wire. */
const target = { user: typedName };
/** What ends by itself, or without `seconds` not. */
const timed = { ...target, seconds: v.optional(durationSeconds), reason };

/** What can be asked for, by its `do`. */
export const request = v.variant("do", [
  ...sealedRequests,
  v.strictObject({ do: v.literal("rooms") }),
  v.strictObject({ do: v.literal("names"), room: roomName }),
  v.strictObject({ do: v.literal("whois"), ...target }),
  v.strictObject({ do: v.literal("away"), text: awayText }),
  v.strictObject({ do: v.literal("back") }),
  v.strictObject({ do: v.literal("create_room"), room: roomName, topic }),
  v.strictObject({ do: v.literal("topic"), room: roomName, topic }),
  v.strictObject({ do: v.literal("slow"), room: roomName, seconds: slowSeconds }),
  v.strictObject({ do: v.literal("kick"), room: roomName, ...target, reason }),
  v.strictObject({ do: v.literal("ban"), ...timed }),
  v.strictObject({ do: v.literal("unban"), ...target }),
  v.strictObject({ do: v.literal("mute"), ...timed }),
  v.strictObject({ do: v.literal("unmute"), ...target }),
]);

/** What a request gives, by its `is`. */
export const result = v.variant("is", [
  ...sealedResults,
  v.strictObject({
    is: v.literal("rooms"),
    rooms: v.pipe(v.array(listedRoom), v.maxLength(MAX_LISTED)),
    more: sequence,
  }),
  v.strictObject({
    is: v.literal("names"),
    room: roomName,
    names: v.pipe(v.array(present), v.maxLength(MAX_LISTED)),
    more: sequence,
  }),
  v.strictObject({
    is: v.literal("whois"),
    user: accountName,
    role,
    away: v.optional(awayText),
    muted: v.boolean(),
    /** The newest first; empty if nobody is there under that name. */
    sessions: v.pipe(v.array(session), v.maxLength(MAX_LISTED_SESSIONS)),
    more: sequence,
    /** Rooms in which both are. */
    rooms: v.pipe(v.array(roomName), v.maxLength(MAX_LISTED)),
  }),
  v.strictObject({ is: v.literal("done") }),
]);

/** One person's change of presence. */
export type PresenceChange = v.InferOutput<typeof presenceChange>;
/** A request, by its `do`. */
export type Request = v.InferOutput<typeof request>;
/** An answer, by its `is`. */
export type Result = v.InferOutput<typeof result>;
/** The requests of one `do`. */
export type RequestOf<D extends Request["do"]> = Extract<Request, { do: D }>;
/** The answers of one `is`. */
export type ResultOf<I extends Result["is"]> = Extract<Result, { is: I }>;
