/**
 * What a group is for and who rules over it: an extension of its group context (RFC 9420 section
 * 8.1), so that all members have agreed on it, and no server can tell them otherwise.
 *
 * @module
 */

import * as v from "valibot";
import { decodeBase64url, encodeBase64url } from "../base64url.ts";
import { sameName } from "../folded_name.ts";
import { isAccountName, isRoomName } from "../name_patterns.ts";
import { sameBytes } from "../same_bytes.ts";
import { PUBLIC_KEY_BYTES } from "./ed25519.ts";
import { invalid } from "./faults.ts";
import { MAX_ADMINS } from "./limits.ts";

/** The extension's type: of the range for private use (RFC 9420 section 17.3). */
export const ROOM_POLICY = 0xf0c1;

/** What members have agreed on. */
export interface RoomPolicy {
  /** The room's name. */
  readonly room: string;
  /** A direct room is for two accounts, whatever devices they have. */
  readonly kind: "room" | "direct";
  /** Identity keys of those who may remove others and change this: 1 to 64, each once. */
  readonly admins: readonly Uint8Array[];
  /** The two accounts of a direct room. */
  readonly peers?: readonly [string, string];
}

const accountName = v.pipe(v.string(), v.check(isAccountName));
const key = v.pipe(
  v.string(),
  v.check((text) => decodeBase64url(text)?.length === PUBLIC_KEY_BYTES),
);
const keys = v.pipe(
  v.array(key),
  v.minLength(1),
  v.maxLength(MAX_ADMINS),
  v.check((list) => new Set(list).size === list.length),
);
const common = { room: v.pipe(v.string(), v.check(isRoomName)), admins: keys };
const schema = v.variant("kind", [
  v.strictObject({ ...common, kind: v.literal("room") }),
  v.strictObject({
    ...common,
    kind: v.literal("direct"),
    peers: v.pipe(
      v.strictTuple([accountName, accountName]),
      v.check(([one, other]) => !sameName(one, other)),
    ),
  }),
]);

/** A policy's one form: JSON in UTF-8, its fields in this order. */
export function encodePolicy({ room, kind, admins, peers }: RoomPolicy): Uint8Array {
  const fields = { room, kind, admins: admins.map(encodeBase64url), peers };
  return new TextEncoder().encode(JSON.stringify(fields));
}

/**
 * Reads a policy.
 *
 * @throws {PeerError} `mls-invalid` if the bytes are not the one form of any policy.
 */
export function decodePolicy(bytes: Uint8Array): RoomPolicy {
  const policy = parse(bytes);
  if (!sameBytes(encodePolicy(policy), bytes)) throw invalid("A room's policy is not in its form");
  return policy;
}

function parse(bytes: Uint8Array): RoomPolicy {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const { admins, ...rest } = v.parse(schema, JSON.parse(text));
    return { ...rest, admins: admins.map((admin) => decodeBase64url(admin) as Uint8Array) };
  } catch (cause) {
    throw invalid("A room's policy is not valid", cause);
  }
}

/** Whether an identity is an admin's. */
export function isAdmin(policy: RoomPolicy, identity: Uint8Array): boolean {
  return policy.admins.some((admin) => sameBytes(admin, identity));
}

/** Whether an account may be in the room at all. */
export function mayBeIn(policy: RoomPolicy, user: string): boolean {
  return policy.peers === undefined || policy.peers.some((peer) => sameName(peer, user));
}

/** Whether two policies differ in their admins at most. */
export function sameRoom(one: RoomPolicy, other: RoomPolicy): boolean {
  const bare = (policy: RoomPolicy): Uint8Array => encodePolicy({ ...policy, admins: [] });
  return sameBytes(bare(one), bare(other));
}
