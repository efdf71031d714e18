/**
 * What a device needs to read a sealed room's log: which epoch's key an entry was sealed with, and
 * who could sign in that epoch. Values do not change: a new epoch makes a new archive.
 *
 * @module
 */

import { encodeBase64url } from "../base64url.ts";
import { BugError, EnvironmentError } from "../errors.ts";
import { type FernetKey, KeyRing } from "../fernet.ts";

/** Epochs that are kept: with the longest numbers, half a MiB. What is older cannot be read any more. */
export const MAX_EPOCHS_KEPT = 4096;

/** Devices that are kept, those of now and of kept epochs: with the longest names, 1 MiB. */
export const MAX_SIGNERS_KEPT = 4096;

/** An epoch's key. */
export interface EpochKey {
  readonly epoch: number;
  /** The entry of the commit that began it: its own entries come after that. 0 for a room's first. */
  readonly seq: number;
  readonly key: FernetKey;
}

/** A device in its time as a member. */
export interface Signer {
  /** The account's name. */
  readonly user: string;
  /** The key that its messages are signed with: 32 bytes, Ed25519. */
  readonly deviceKey: Uint8Array;
  /** The account's identity key: 32 bytes. */
  readonly identity: Uint8Array;
  /** The first epoch that it was in. */
  readonly from: number;
  /** The first epoch that it was not in any more; else it is a member yet. */
  readonly to?: number;
}

/** A member of an epoch, as lib/mls has it. */
export interface EpochMember {
  readonly user: string;
  readonly identity: Uint8Array;
  readonly signatureKey: Uint8Array;
}

/** See the module's description. */
export class Archive {
  /** In their order; there may be gaps where this device was not a member. */
  readonly epochs: readonly EpochKey[];
  /** In the order in which they came. */
  readonly signers: readonly Signer[];
  #byDevice: Map<string, Signer[]> | undefined;

  constructor(epochs: readonly EpochKey[] = [], signers: readonly Signer[] = []) {
    this.epochs = epochs;
    this.signers = signers;
  }

  /** The newest epoch. */
  get current(): EpochKey | undefined {
    return this.epochs.at(-1);
  }

  /**
   * The epoch that an entry at this place of the log was sealed in. A commit is sealed in the epoch
   * that it ends. For an entry that was sealed while this device was no member, it is the one before:
   * compare the key's id with the entry's.
   *
   * @returns `undefined` before the first epoch that is kept.
   */
  keyAt(seq: number): EpochKey | undefined {
    let [low, high] = [0, this.epochs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.epochs[middle] as EpochKey).seq < seq) low = middle + 1;
      else high = middle;
    }
    return this.epochs[low - 1];
  }

  /**
   * The newest epoch whose key has this id. An id has 32 bits, so where the place of an entry is
   * known, ask {@linkcode keyAt}.
   */
  keyById(keyId: string): EpochKey | undefined {
    return this.epochs.findLast(({ key }) => key.id === keyId);
  }

  /** Whose device this was in that epoch: not before it came, and not from the epoch on that it left. */
  signerAt(deviceKey: Uint8Array, epoch: number): Signer | undefined {
    this.#byDevice ??= Map.groupBy(this.signers, (signer) => encodeBase64url(signer.deviceKey));
    return this.#byDevice.get(encodeBase64url(deviceKey))?.find(({ from, to = Infinity }) =>
      from <= epoch && epoch < to
    );
  }

  /**
   * The archive with one more epoch, and with who came and who went. Beyond the limits the oldest
   * epochs are given up.
   *
   * @param seq the entry of the commit that begins it; 0 for a room's first.
   * @param members all of this epoch; their signature keys differ (RFC 9420 section 7.3).
   * @throws {EnvironmentError} `room-too-large` above {@linkcode MAX_SIGNERS_KEPT} devices.
   */
  begin(epoch: number, seq: number, key: FernetKey, members: readonly EpochMember[]): Archive {
    const last = this.current;
    if (last !== undefined && (epoch <= last.epoch || seq <= last.seq)) {
      throw new BugError(
        `Cannot begin epoch ${epoch} at ${seq} after ${last.epoch} at ${last.seq}`,
      );
    }
    if (members.length > MAX_SIGNERS_KEPT) {
      throw new EnvironmentError(
        "room-too-large",
        `Cannot be in a room of ${members.length} devices: the limit is ${MAX_SIGNERS_KEPT}`,
      );
    }
    const epochs = [...this.epochs, { epoch, seq, key }];
    return new Archive(epochs, change(this.signers, epoch, members)).#withinLimits();
  }

  /** The newest epochs alone, and the devices that were members in these. */
  keepNewest(count: number): Archive {
    if (count >= this.epochs.length) return this;
    const epochs = this.epochs.slice(-count);
    const oldest = epochs[0]?.epoch ?? Infinity;
    return new Archive(epochs, this.signers.filter(({ to = Infinity }) => to > oldest));
  }

  /**
   * All keys, the newest first.
   *
   * @throws {CallerError} `key-ring-empty` before the first epoch.
   */
  ring(): KeyRing {
    return new KeyRing(this.epochs.map(({ key }) => key).toReversed());
  }

  #withinLimits(): Archive {
    const kept = this.keepNewest(MAX_EPOCHS_KEPT);
    return kept.signers.length <= MAX_SIGNERS_KEPT
      ? kept
      : kept.keepNewest(kept.epochs.length >> 1).#withinLimits();
  }
}

/** Ends the time of who is no member any more, and begins that of who is one now. */
function change(
  signers: readonly Signer[],
  epoch: number,
  members: readonly EpochMember[],
): Signer[] {
  const present = new Map(members.map((member) => [nameOf(member, member.signatureKey), member]));
  const next = signers.map((signer) => {
    if (signer.to !== undefined) return signer;
    const stays = present.delete(nameOf(signer, signer.deviceKey));
    return stays ? signer : { ...signer, to: epoch };
  });
  for (const { user, signatureKey: deviceKey, identity } of present.values()) {
    next.push({ user, deviceKey, identity, from: epoch });
  }
  return next;
}

/** The same for the same device of the same account with the same identity. */
function nameOf({ user, identity }: Omit<EpochMember, "signatureKey">, key: Uint8Array): string {
  return [encodeBase64url(key), encodeBase64url(identity), user].join();
}
