/**
 * The blob `account`: the account's identity, the keys of the people that it has met, and the sealed
 * rooms that it has been in.
 *
 * @module
 */

import * as v from "valibot";
import { bytesIn, encodeBase64url } from "../base64url.ts";
import { accountName, roomName, timestamp } from "../protocol/fields.ts";
import { checkForm, decodeJson, encodeJson } from "./canonical_json.ts";
import { type Contact, Contacts, MAX_CONTACTS, MAX_FORMER, type SeenKey } from "./contacts.ts";
import { KnownRooms, MAX_KNOWN_ROOMS } from "./known_rooms.ts";

/** See the module's description. */
export interface AccountRecord {
  /** Of the identity's Ed25519 key: 32 bytes. */
  seed: Uint8Array;
  contacts: Contacts;
  rooms: KnownRooms;
}

const key32 = bytesIn(32);
const seenKey = { key: key32, since: timestamp };

const schema = v.strictObject({
  seed: key32,
  // A list, not an object by name: there may be people whose name is "42" or "constructor".
  pins: v.pipe(
    v.array(v.strictObject({
      name: accountName,
      ...seenKey,
      verified: v.boolean(),
      changed: v.exactOptional(v.strictObject(seenKey)),
      former: v.exactOptional(v.pipe(v.array(key32), v.minLength(1), v.maxLength(MAX_FORMER))),
    })),
    v.maxLength(MAX_CONTACTS),
  ),
  rooms: v.pipe(v.array(roomName), v.maxLength(MAX_KNOWN_ROOMS)),
});

/** The record as bytes. */
export function encodeAccountRecord({ seed, contacts, rooms }: AccountRecord): Uint8Array {
  const pins = Array.from(contacts, pinOf);
  return encodeJson({ seed: encodeBase64url(seed), pins, rooms: [...rooms] });
}

/**
 * The record again; nothing in it is unsaved.
 *
 * @throws {PeerError} `vault-invalid` for whatever {@linkcode encodeAccountRecord} does not give.
 */
export function decodeAccountRecord(bytes: Uint8Array): AccountRecord {
  const { seed, pins, rooms } = decodeJson(schema, bytes);
  const record = { seed, contacts: new Contacts(pins), rooms: new KnownRooms(rooms) };
  checkForm(bytes, encodeAccountRecord(record));
  return record;
}

function pinOf({ name, verified, changed, former, ...seen }: Contact): object {
  return {
    ...{ name, ...textOf(seen), verified },
    ...(changed === undefined ? {} : { changed: textOf(changed) }),
    ...(former === undefined ? {} : { former: former.map(encodeBase64url) }),
  };
}

function textOf({ key, since }: SeenKey): object {
  return { key: encodeBase64url(key), since };
}
