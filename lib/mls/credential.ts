/**
 * What a device shows of itself: whose it is, and the account's signature that says so. It is the
 * identity of an MLS basic credential (RFC 9420 section 5.3); checking it is what the RFC leaves to
 * an Authentication Service (RFC 9750 section 3).
 *
 * @module
 */

import { foldName } from "../folded_name.ts";
import { decodeFrames, encodeFrames } from "../framing.ts";
import { isAccountName } from "../name_patterns.ts";
import { PUBLIC_KEY_BYTES, sign, SIGNATURE_BYTES, verify } from "./ed25519.ts";
import { invalid } from "./faults.ts";
import type { IdentityKey } from "./identity.ts";

/** A credential's bytes: frames of a label, the name, the number, the identity key, a signature. */
export type Credential = Uint8Array;

/** Whose a device is. */
export interface DeviceId {
  /** The account's name. */
  readonly user: string;
  /** Which of the account's devices: 1 to 99. */
  readonly device: number;
  /** The account's identity key: 32 bytes. */
  readonly identity: Uint8Array;
}

const LABEL = new TextEncoder().encode("fernchat device v1");
/** Bytes of a credential: 172 with the longest name. */
const MAX_CREDENTIAL_BYTES = 256;
const DEVICE_NUMBER = /^[1-9]\d?$/;

/** A credential for a device: the account's identity signs the device's signature key. */
export function certifyDevice(
  identity: IdentityKey,
  user: string,
  device: number,
  signatureKey: Uint8Array,
): Credential {
  const signature = sign(identity.seed, certified(user, device, signatureKey));
  const [name, number] = texts(user, device);
  return encodeFrames([LABEL, name, number, identity.publicKey, signature]);
}

/**
 * Whose device a credential speaks of. What it says is not checked: {@linkcode verifyCredential}.
 *
 * @throws {PeerError} `mls-invalid` if the bytes are not a credential.
 */
export function decodeCredential(credential: Credential): DeviceId {
  return decode(credential).id;
}

/**
 * Passes if the credential's account has certified this signature key, and tells whose device it is.
 *
 * @throws {PeerError} `mls-invalid` if not.
 */
export function verifyCredential(credential: Credential, signatureKey: Uint8Array): DeviceId {
  const { id, signature } = decode(credential);
  if (!verify(id.identity, certified(id.user, id.device, signatureKey), signature)) {
    throw invalid(`A device of ${id.user} is not certified by the account`);
  }
  return id;
}

function decode(credential: Credential): { id: DeviceId; signature: Uint8Array } {
  const frames = split(credential);
  const [label, name, number, identity, signature] = frames.map((frame) => Uint8Array.from(frame));
  if (
    frames.length !== 5 || asText(label) !== asText(LABEL) ||
    identity?.length !== PUBLIC_KEY_BYTES || signature?.length !== SIGNATURE_BYTES
  ) {
    throw invalid("A credential is not of this protocol");
  }
  const user = asText(name);
  const device = asText(number);
  if (!isAccountName(user) || !DEVICE_NUMBER.test(device)) {
    throw invalid("A credential is of no account's device");
  }
  return { id: { user, device: Number(device), identity }, signature };
}

function split(credential: Credential): Uint8Array[] {
  if (credential.length > MAX_CREDENTIAL_BYTES) throw invalid("A credential is too long");
  try {
    return decodeFrames(credential);
  } catch (cause) {
    throw invalid("A credential is cut off", cause);
  }
}

/** What the identity key signs: names are compared without case, so they are signed so. */
function certified(user: string, device: number, signatureKey: Uint8Array): Uint8Array {
  return encodeFrames([LABEL, ...texts(foldName(user), device), signatureKey]);
}

function texts(user: string, device: number): [Uint8Array, Uint8Array] {
  const encoder = new TextEncoder();
  return [encoder.encode(user), encoder.encode(String(device))];
}

/** Latin-1: what is not ASCII cannot become ASCII. */
function asText(bytes: Uint8Array | undefined): string {
  return String.fromCharCode(...(bytes ?? []));
}
