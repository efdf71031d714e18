/**
 * The fields that messages are made of, one schema each: what a name, a time or a token may be.
 *
 * @module
 */

import * as v from "valibot";
import { ACCOUNT_NAME, ROOM_NAME } from "../name_patterns.ts";
import {
  MAX_AWAY_CHARS,
  MAX_DEVICES,
  MAX_DURATION_SECONDS,
  MAX_PART_CHARS,
  MAX_REASON_CHARS,
  MAX_RING_KEYS,
  MAX_SENTENCE_CHARS,
  MAX_SLOW_SECONDS,
  MAX_TOKEN_CHARS,
  MAX_TOPIC_CHARS,
} from "./limits.ts";

/** Characters of one of OPAQUE's messages: the longest, the login response, has 427. */
export const opaque = v.pipe(v.string(), v.maxLength(1024), v.regex(/^[A-Za-z0-9_-]+$/));

/** Any text as a user name, since a wrong name is a refused login and not a broken protocol. */
export const typedName = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(128),
  v.check((text) => text.isWellFormed(), "not valid Unicode"),
);

/** The name of an account, as the server knows it. */
export const accountName = v.pipe(v.string(), v.regex(ACCOUNT_NAME));

/** The name of a room. */
export const roomName = v.pipe(v.string(), v.regex(ROOM_NAME));

/** What a client chooses to name a message: unique for its sender in a room. */
export const messageId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._:-]{1,64}$/));

/** ISO 8601 in UTC with milliseconds: 24 characters, and a time that exists. */
export const timestamp = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/),
  v.check((text) => {
    const time = Date.parse(text);
    return !Number.isNaN(time) && new Date(time).toISOString() === text;
  }, "a time that does not exist"),
);

/** A Fernet key's name: the first 8 hex digits of its SHA-256. */
export const keyId = v.pipe(v.string(), v.regex(/^[0-9a-f]{8}$/));
/** 32 bytes in base64url: the last character before the padding has two unused bits, both zero. */
export const fernetKey = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]=$/));
/** A Fernet token: version 0x80, and a time before the year 2106. */
export const token = v.pipe(
  v.string(),
  v.maxLength(MAX_TOKEN_CHARS),
  v.regex(/^gAAAA[A-Za-z0-9_=-]+$/),
);
/** A place in a room's log; 0 is before the first. */
export const sequence = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** A value of a room's hash chain. */
export const chainValue = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
/** What happened, for programs. */
export const code = v.pipe(v.string(), v.regex(/^[a-z][a-z-]{0,31}$/));
/** What happened, for people. */
export const sentence = v.pipe(v.string(), v.maxLength(MAX_SENTENCE_CHARS));

/** A room's Fernet keys, the newest first. */
export const ring = v.pipe(v.array(fernetKey), v.minLength(1), v.maxLength(MAX_RING_KEYS));

/** The same of any room. */
export const ringOrNone = v.pipe(v.array(fernetKey), v.maxLength(MAX_RING_KEYS));

/** One line of a person's words, in the clear: no control characters, and valid Unicode. */
export const line = (maxChars: number): v.GenericSchema<string> =>
  v.pipe(
    v.string(),
    v.maxLength(maxChars),
    v.check((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), "not one line of Unicode"),
  );

/** What a room is about; empty for nothing. */
export const topic = line(MAX_TOPIC_CHARS);
/** Why someone is away; empty for no reason. */
export const awayText = line(MAX_AWAY_CHARS);
/** Why an operator did something; empty for no reason. */
export const reason = line(MAX_REASON_CHARS);

/** Who makes a room's keys: the server, or the members' devices among themselves. */
export const roomKind = v.picklist(["open", "sealed"]);
/** What an account may do: an operator rules over the open rooms and those in them. */
export const role = v.picklist(["member", "operator"]);

/** Seconds between two messages of a member; 0 for no limit. */
export const slowSeconds = v.pipe(
  v.number(),
  v.safeInteger(),
  v.minValue(0),
  v.maxValue(MAX_SLOW_SECONDS),
);
/** Seconds that a ban or a mute lasts. */
export const durationSeconds = v.pipe(
  v.number(),
  v.safeInteger(),
  v.minValue(1),
  v.maxValue(MAX_DURATION_SECONDS),
);
/** An IP address, with its zone if it has one. */
export const address = v.pipe(v.string(), v.maxLength(64));

/** A client's number of a request. */
export const reference = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** Some of the bytes of what is too large for one message: base64url without padding. */
export const partData = v.pipe(
  v.string(),
  v.maxLength(MAX_PART_CHARS),
  v.regex(/^[A-Za-z0-9_-]+$/),
);
/** A device of an account: counts from 1. */
export const deviceNumber = v.pipe(
  v.number(),
  v.safeInteger(),
  v.minValue(1),
  v.maxValue(MAX_DEVICES),
);
/** A blob of an account's vault: `wrap`, `account`, `device/N` or `device/N/ROOM`. */
export const blobName = v.pipe(
  v.string(),
  v.regex(/^(?:wrap|account|device\/[1-9]\d?(?:\/[a-z0-9][a-z0-9_-]{0,31})?)$/),
);
/** A number of bytes. */
export const byteCount = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
