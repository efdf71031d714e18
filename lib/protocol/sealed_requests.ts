/**
 * What a client asks of a server for sealed rooms: to keep what it cannot read, to hand out key
 * packages, to order commits (PROTOCOL.md section 12). In RFC 9750's words, a server is their
 * Delivery Service, and nothing more.
 *
 * @module
 */

import * as v from "valibot";
import {
  accountName,
  blobName,
  byteCount,
  chainValue,
  deviceNumber,
  keyId,
  messageId,
  roomName,
  sequence,
  timestamp,
  token,
  typedName,
} from "./fields.ts";
import { MAX_DEVICES, MAX_INVITED, MAX_KEY_PACKAGES } from "./limits.ts";

/** A device that acts on its stored state: its number, and that of the lease under which it does. */
const leased = { device: deviceNumber, lease: sequence };
/** A device of somebody's. */
const deviceOf = v.strictObject({ user: accountName, device: deviceNumber });
/** Accounts that a commit adds, removes, or asks key packages of. */
const accounts = v.pipe(v.array(accountName), v.maxLength(MAX_INVITED));

/**
 * Requests of sealed rooms (PROTOCOL.md section 12). Bytes that belong to one are sent before it,
 * as `part` messages; those that belong to an answer come before it.
 */
export const sealedRequests = [
  // The vault.
  v.strictObject({ do: v.literal("blobs") }),
  v.strictObject({ do: v.literal("get"), name: blobName }),
  v.strictObject({
    do: v.literal("put"),
    name: blobName,
    /** The version before: 0 for none. The stored one is one higher. */
    version: sequence,
    /** Under which the device of the name is held; for names of devices alone. */
    lease: v.optional(sequence),
  }),
  v.strictObject({
    do: v.literal("lease"),
    /** To go on as that device after an outage, with the lease that it had. */
    device: v.optional(deviceNumber),
    lease: v.optional(sequence),
    /** To be a device that has no record in the vault yet. */
    fresh: v.optional(v.literal(true)),
  }),
  // Key packages. All that the device had published are replaced.
  v.strictObject({
    do: v.literal("publish"),
    ...leased,
    sizes: v.pipe(v.array(byteCount), v.minLength(1), v.maxLength(MAX_KEY_PACKAGES)),
  }),
  /** One of each device of these accounts, and it is used up. */
  v.strictObject({ do: v.literal("claim"), users: v.pipe(accounts, v.minLength(1)) }),
  /** One of each device of an account, to look at. */
  v.strictObject({ do: v.literal("look"), user: typedName }),
  // Rooms.
  v.strictObject({
    do: v.literal("create_sealed"),
    room: roomName,
    /** Makes it a direct room. */
    peer: v.optional(accountName),
    /** Of epoch 0. */
    key_id: keyId,
    ...leased,
  }),
  v.strictObject({ do: v.literal("direct"), user: typedName }),
  v.strictObject({
    do: v.literal("commit"),
    room: roomName,
    /** The epoch that it ends. */
    epoch: sequence,
    /** The key of the epoch that it begins. */
    key_id: keyId,
    /** Its entry in the room's log, sealed with the key of the epoch that it ends. */
    id: messageId,
    sent_at: timestamp,
    token,
    adds: accounts,
    removes: accounts,
    /** Members whom it makes admins, and whom it makes none. */
    promotes: v.optional(accounts),
    demotes: v.optional(accounts),
    /** To whom its welcome is addressed. */
    welcomes: v.pipe(v.array(deviceOf), v.maxLength(MAX_INVITED * MAX_DEVICES)),
    ...leased,
    /** Of the parts before it: the commit, the welcome or 0, the device's new state or 0. */
    sizes: v.strictTuple([byteCount, byteCount, byteCount]),
  }),
  v.strictObject({ do: v.literal("welcome"), room: roomName, device: deviceNumber }),
  v.strictObject({ do: v.literal("resign"), room: roomName }),
] as const;

/** What those give. */
export const sealedResults = [
  v.strictObject({
    is: v.literal("blobs"),
    blobs: v.array(v.strictObject({ name: blobName, version: sequence, size: byteCount })),
  }),
  /** Its bytes came before it. Version 0: there is none. */
  v.strictObject({ is: v.literal("blob"), version: sequence }),
  v.strictObject({ is: v.literal("lease"), ...leased }),
  v.strictObject({
    is: v.literal("packages"),
    packages: v.array(
      v.strictObject({ user: accountName, device: deviceNumber, size: byteCount }),
    ),
  }),
  v.strictObject({ is: v.literal("direct"), room: v.optional(roomName) }),
  /** The welcome came before it. The place of its commit in the log, and the chain there. */
  v.strictObject({ is: v.literal("welcome"), seq: sequence, head: chainValue }),
] as const;
