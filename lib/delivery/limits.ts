/**
 * What the server keeps for accounts in sealed rooms: how much of each, so that nobody fills its disk
 * unseen.
 *
 * @module
 */

/** See each field. */
export interface DeliveryLimits {
  /** Bytes of an account's blobs: the states of one room's largest, or of hundreds of usual ones. */
  vaultBytes: number;
  /** Blobs of an account: those of 16 devices in 63 rooms each, and a list that is one message. */
  vaultBlobs: number;
  /** Sealed rooms that an account has made, and is in: each is a conversation that it began. */
  roomsMade: number;
  /** Members of a sealed room: a large class, and commits that are made in a second. */
  roomMembers: number;
  /** Key packages in one answer, so that the list of them is one message. */
  claimedPackages: number;
  /** Their bytes: as much as one request may bring. */
  claimedBytes: number;
}

/** See {@linkcode DeliveryLimits}. */
export const DELIVERY_LIMITS: DeliveryLimits = {
  vaultBytes: 64 * 1024 * 1024,
  vaultBlobs: 1_024,
  roomsMade: 64,
  roomMembers: 512,
  claimedPackages: 1_024,
  claimedBytes: 4 * 1024 * 1024,
};
