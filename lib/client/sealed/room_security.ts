/**
 * What holds in a sealed room now, as its own keys say: nothing of it is the server's word.
 *
 * @module
 */

import { foldName, sameName } from "../../folded_name.ts";
import type { Head } from "../../log/message_log.ts";
import type { Member } from "../../mls/group.ts";
import { SUITE } from "../../mls/suite.ts";
import { sameBytes } from "../../same_bytes.ts";
import { adminsAmong } from "./membership_news.ts";
import type { OwnAccount } from "./own_account.ts";
import type { SealedCipher } from "./sealed_cipher.ts";

/**
 * Whether a member's identity was compared: `changed` if it is, or may be, another one than the one
 * that is known; `former` if it is one in whose place another one was acknowledged.
 */
export type MemberTrust = "own" | "verified" | "unverified" | "changed" | "former";

/** An account that is a member. */
export interface MemberSecurity {
  user: string;
  devices: number;
  /** Whether it may remove others. */
  isAdmin: boolean;
  /** Whether it has asked to be shut out. */
  isLeaving: boolean;
  trust: MemberTrust;
}

/** See the module's description. */
export interface RoomSecurity {
  /** MLS's name of the cipher suite. */
  suite: string;
  epoch: number;
  /** Of the epoch's Fernet key: 8 hex digits. */
  keyId: string;
  /** In the order of their names. */
  members: MemberSecurity[];
  /** How far the log was followed. */
  head: Head;
  /** Why the room cannot be followed any more, if so. */
  broken?: unknown;
}

/** What holds in a room. */
export function securityOf(cipher: SealedCipher, account: OwnAccount): RoomSecurity {
  const { state: { group, head }, keyId, broken } = cipher;
  const accounts = Map.groupBy(group.members, ({ user }) => foldName(user));
  const members = [...accounts.values()]
    .map((devices) => describe(devices, cipher, account))
    .toSorted((one, other) => foldName(one.user) < foldName(other.user) ? -1 : 1);
  const room = { suite: SUITE, epoch: group.epoch, keyId, members, head };
  return broken === undefined ? room : { ...room, broken };
}

/** @param devices all of an account's: they have one identity (PROTOCOL.md section 12.4). */
function describe(
  devices: readonly Member[],
  { state: { group: { own, policy }, leaving } }: SealedCipher,
  account: OwnAccount,
): MemberSecurity {
  const { user, identity } = devices[0] as Member;
  return {
    user,
    devices: devices.length,
    isAdmin: adminsAmong(devices, policy).length > 0,
    isLeaving: leaving.has(foldName(user)),
    trust: sameName(user, own.user) ? "own" : trustIn(user, identity, account),
  };
}

function trustIn(user: string, identity: Uint8Array, account: OwnAccount): MemberTrust {
  const contact = account.find(user);
  if (contact === undefined) return "unverified";
  if (contact.changed !== undefined) return "changed";
  if (contact.former?.some((key) => sameBytes(key, identity))) return "former";
  if (!sameBytes(contact.key, identity)) return "changed";
  return contact.verified ? "verified" : "unverified";
}
