/**
 * Sizes that both sides enforce on what they receive, each before anything is allocated for it.
 *
 * @module
 */

/** Bytes of a text as UTF-8: four pages. What is longer is a file, not a chat message. */
export const MAX_TEXT_BYTES = 16 * 1024;

/**
 * Characters of a token: the longest text, each byte of it escaped by JSON as `\u0000` (6 bytes),
 * 1 KiB for the other fields, and a third more for base64.
 */
export const MAX_TOKEN_CHARS = Math.ceil((6 * MAX_TEXT_BYTES + 1024) / 3) * 4;

/** Bytes of a message: the longest token and 2 KiB for the fields beside it. */
export const MAX_MESSAGE_BYTES = MAX_TOKEN_CHARS + 2 * 1024;

/** Characters of a sentence for people in `error` and `bye`: a few lines of a terminal. */
export const MAX_SENTENCE_CHARS = 500;

/** Keys of a room's ring: a new one each day for some years, and still within one frame. */
export const MAX_RING_KEYS = 1024;

/** Entries of a room's history that can be asked for at once: a few screens. */
export const MAX_HISTORY_PAGE = 200;

/** Rooms that one connection is in at a time: more than a person follows. */
export const MAX_ROOMS_JOINED = 32;

/** Characters of a room's topic: three lines of a terminal. */
export const MAX_TOPIC_CHARS = 250;

/** Characters of why someone is away. */
export const MAX_AWAY_CHARS = 100;

/** Characters of why an operator did something. */
export const MAX_REASON_CHARS = 200;

/** Seconds between two messages of a member in the slowest room: a day. */
export const MAX_SLOW_SECONDS = 24 * 60 * 60;

/** Seconds of the longest ban or mute that has an end: ten years. */
export const MAX_DURATION_SECONDS = 10 * 366 * 24 * 60 * 60;

/** Changes of presence that are told one by one in one message; the others are counted. */
export const MAX_PRESENCE_CHANGES = 64;

/** Characters of one `part` of what is too large for one message: 72 KiB as base64url. */
export const MAX_PART_CHARS = 96 * 1024;

/** Bytes of parts that a connection may have sent, or been sent, for one request or one commit. */
export const MAX_STAGED_BYTES = 4 * 1024 * 1024;

/** Bytes of a vault's blob: a room's state with some 1,000 devices. */
export const MAX_BLOB_BYTES = 2 * 1024 * 1024;

/** Bytes of a key package: 2.9 KiB with the longest name. */
export const MAX_KEY_PACKAGE_BYTES = 8 * 1024;

/** Devices of one account: sessions of its that are in sealed rooms at the same time. */
export const MAX_DEVICES = 16;

/** Key packages that a device may have published: invitations while nobody is there. */
export const MAX_KEY_PACKAGES = 16;

/** Accounts that one commit may add, and that one `claim` may ask for. */
export const MAX_INVITED = 256;

/** Rooms or people that one answer lists; what there is beyond is counted. */
export const MAX_LISTED = 500;

/** Sessions of one account that `whois` lists. */
export const MAX_LISTED_SESSIONS = 32;

/** Bytes of a record's content in which several waiting messages are sent as one. */
export const RECORD_BATCH_BYTES = 64 * 1024;

/** Bytes of a frame once logged in: a record with the longest message, or a full batch. */
export const MAX_FRAME_BYTES = MAX_MESSAGE_BYTES + 64;

/** Bytes of a frame before the login is done: hellos are 1.2 KiB, OPAQUE's messages below 1 KiB. */
export const MAX_FRAME_BYTES_BEFORE_LOGIN = 2 * 1024;
