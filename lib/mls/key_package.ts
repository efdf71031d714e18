/**
 * Key packages (RFC 9420 section 10): a device publishes them, so that others can add it to a group
 * while it is away.
 *
 * @module
 */

import {
  encodeMlsMessage,
  generateKeyPackageWithKey,
  type KeyPackage,
  type Lifetime,
} from "ts-mls";
import type { PrivateKeyPackage } from "ts-mls";
import { verifyKeyPackage } from "ts-mls/keyPackage.js";
import { verifyLeafNodeSignatureKeyPackage } from "ts-mls/leafNode.js";
import { decodeFrames, encodeFrames } from "../framing.ts";
import { sameBytes } from "../same_bytes.ts";
import type { DeviceKeys } from "./device_keys.ts";
import { invalid, orInvalid } from "./faults.ts";
import { MAX_KEY_PACKAGE_BYTES } from "./limits.ts";
import { decodeMessage } from "./message.ts";
import { CAPABILITIES, checkLeaf, type LeafOwner, loadSuite, SUITE } from "./suite.ts";
import { checkPublicKey } from "./xwing.ts";

/** A key package of this device's. */
export interface OwnKeyPackage {
  /** To publish: an MLSMessage, 2.9 KiB. */
  readonly public: Uint8Array;
  /** To keep: the private parts, 72 bytes. */
  readonly private: Uint8Array;
}

/** Another device's key package, checked. */
export interface ForeignKeyPackage extends LeafOwner {
  /** As it came. */
  readonly bytes: Uint8Array;
}

const DAY_SECONDS = 24 * 60 * 60;
/** How long a key package can be used: who has not been there for a year cannot be added. */
const LIFETIME_SECONDS = 366 * DAY_SECONDS;
/** How far the clocks of two devices may differ. */
const SKEW_SECONDS = 7 * DAY_SECONDS;

/** Makes a key package for this device. */
export async function createKeyPackage(keys: DeviceKeys): Promise<OwnKeyPackage> {
  const { publicPackage, privatePackage } = await generate(keys);
  const { initPrivateKey, hpkePrivateKey } = privatePackage;
  return {
    public: encodeMlsMessage({
      version: "mls10",
      wireformat: "mls_key_package",
      keyPackage: publicPackage,
    }),
    private: encodeFrames([initPrivateKey, hpkePrivateKey]),
  };
}

/** The same, as the library has it. */
export async function generate(
  keys: DeviceKeys,
): Promise<{ publicPackage: KeyPackage; privatePackage: PrivateKeyPackage }> {
  return await generateKeyPackageWithKey(
    { credentialType: "basic", identity: keys.credential },
    CAPABILITIES,
    lifetimeFrom(Math.floor(Date.now() / 1000)),
    [],
    { signKey: keys.signatureSeed, publicKey: keys.signatureKey },
    await loadSuite(),
  );
}

function lifetimeFrom(now: number): Lifetime {
  const notBefore = BigInt(now - SKEW_SECONDS);
  return { notBefore, notAfter: notBefore + BigInt(LIFETIME_SECONDS) };
}

/**
 * Reads a key package and checks all that can be checked (RFC 9420 section 10.1): its suite, its
 * signatures, its time, its keys, and that the account has certified the device.
 *
 * @throws {PeerError} `mls-invalid`.
 */
export async function readKeyPackage(bytes: Uint8Array): Promise<ForeignKeyPackage> {
  const keyPackage = decodeKeyPackage(bytes);
  const owner = await checkKeyPackage(keyPackage);
  return { ...owner, bytes: Uint8Array.from(bytes) };
}

/** A key package as the library has it, unchecked. */
export function decodeKeyPackage(bytes: Uint8Array): KeyPackage {
  return decodeMessage("mls_key_package", bytes, MAX_KEY_PACKAGE_BYTES).keyPackage;
}

async function checkKeyPackage(keyPackage: KeyPackage): Promise<LeafOwner> {
  const { version, cipherSuite, leafNode, extensions } = keyPackage;
  if (version !== "mls10" || cipherSuite !== SUITE || extensions.length > 0) {
    throw invalid("A key package is of another cipher suite or protocol");
  }
  const owner = checkLeaf(leafNode);
  checkLifetime(leafNode.lifetime, BigInt(Math.floor(Date.now() / 1000)), owner.user);
  checkAddedKeys(keyPackage);
  const { signature } = await loadSuite();
  const genuine = await orInvalid(
    "A key package cannot be verified",
    async () =>
      await verifyLeafNodeSignatureKeyPackage(leafNode, signature) &&
      await verifyKeyPackage(keyPackage, signature),
  );
  if (!genuine) throw invalid("A key package's signature is wrong");
  return owner;
}

/** RFC 9420 section 7.2: not yet, not any more, or for longer than we accept. */
function checkLifetime({ notBefore, notAfter }: Lifetime, now: bigint, user: string): void {
  if (notBefore > now || notAfter < now || notAfter - notBefore > BigInt(LIFETIME_SECONDS)) {
    throw invalid(`A key package of ${user} is out of date, or a clock is wrong`);
  }
}

/**
 * Passes if one can encrypt to both keys of a key package, and they differ (RFC 9420 section 10.1).
 *
 * @throws {PeerError} `mls-invalid`.
 */
export function checkAddedKeys({ initKey, leafNode }: KeyPackage): void {
  checkPublicKey(initKey);
  checkPublicKey(leafNode.hpkePublicKey);
  if (sameBytes(initKey, leafNode.hpkePublicKey)) throw invalid("A key package repeats a key");
}

/**
 * The private parts of one of this device's key packages.
 *
 * @throws {PeerError} `mls-invalid`.
 */
export function privateParts(own: OwnKeyPackage, keys: DeviceKeys): PrivateKeyPackage {
  const [initPrivateKey, hpkePrivateKey, rest] = framesOf(own.private);
  if (initPrivateKey?.length !== 32 || hpkePrivateKey?.length !== 32 || rest !== undefined) {
    throw invalid("A key package's private part is damaged");
  }
  return { initPrivateKey, hpkePrivateKey, signaturePrivateKey: keys.signatureSeed };
}

function framesOf(bytes: Uint8Array): Uint8Array[] {
  try {
    return decodeFrames(Uint8Array.from(bytes));
  } catch (cause) {
    throw invalid("A key package's private part is damaged", cause);
  }
}
