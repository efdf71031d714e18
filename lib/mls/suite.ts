/**
 * The one cipher suite and what our leaves say of themselves. X-Wing (X25519 with ML-KEM-768) keeps
 * what is recorded today from a quantum computer of later.
 *
 * @module
 */

// Both are imported by ts-mls while it runs. Named here, `deno compile` puts them into executables;
// the second one it uses without declaring it.
import "@hpke/hybridkem-x-wing";
import "@noble/hashes/sha2.js";
import {
  type Capabilities,
  type CiphersuiteImpl,
  type CiphersuiteName,
  type ClientConfig,
  type Credential as MlsCredential,
  defaultKeyPackageEqualityConfig,
  defaultKeyRetentionConfig,
  defaultLifetimeConfig,
  defaultPaddingConfig,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  type LeafNode,
} from "ts-mls";
import { type DeviceId, verifyCredential } from "./credential.ts";
import { invalid } from "./faults.ts";
import { ROOM_POLICY } from "./room_policy.ts";

/** Provisional: the IANA registry (RFC 9420 section 17.1) has no suite with X-Wing yet. */
export const SUITE: CiphersuiteName = "MLS_256_XWING_AES256GCM_SHA512_Ed25519";

/** What each of our leaves can do (RFC 9420 section 7.2). */
export const CAPABILITIES: Capabilities = {
  versions: ["mls10"],
  ciphersuites: [SUITE],
  extensions: [ROOM_POLICY],
  proposals: [],
  credentials: ["basic"],
};

/** How the library asks us, above all about credentials. */
export const CLIENT_CONFIG: ClientConfig = {
  keyRetentionConfig: defaultKeyRetentionConfig,
  lifetimeConfig: defaultLifetimeConfig,
  keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
  paddingConfig: defaultPaddingConfig,
  authService: {
    validateCredential: (credential, signatureKey) =>
      Promise.resolve().then(() => verifyBasic(credential, signatureKey)).then(() => true),
  },
};

let loaded: Promise<CiphersuiteImpl> | undefined;

/** The suite's functions. */
export function loadSuite(): Promise<CiphersuiteImpl> {
  return loaded ??= getCiphersuiteImpl(getCiphersuiteFromName(SUITE));
}

/** The device behind a leaf, and the key that it signs with. */
export interface LeafOwner extends DeviceId {
  /** Ed25519: 32 bytes. */
  readonly signatureKey: Uint8Array;
}

/**
 * Passes if a leaf is one of ours: certified by its account, with our capabilities and without
 * extensions (RFC 9420 section 7.3). Its signature is checked elsewhere.
 *
 * @throws {PeerError} `mls-invalid`.
 */
export function checkLeaf(leaf: LeafNode): LeafOwner {
  const { versions, ciphersuites, extensions, credentials } = leaf.capabilities;
  const able = versions.includes("mls10") && ciphersuites.includes(SUITE) &&
    extensions.includes(ROOM_POLICY) && credentials.includes("basic");
  if (!able || leaf.extensions.length > 0) {
    throw invalid("A device's capabilities are not those of Fernchat");
  }
  const id = verifyBasic(leaf.credential, leaf.signaturePublicKey);
  return { ...id, signatureKey: Uint8Array.from(leaf.signaturePublicKey) };
}

function verifyBasic(credential: MlsCredential, signatureKey: Uint8Array): DeviceId {
  return verifyCredential(basicIdentity(credential), signatureKey);
}

/** The bytes of our credential in one of MLS's. */
export function basicIdentity(credential: MlsCredential): Uint8Array {
  if (credential.credentialType !== "basic" || !("identity" in credential)) {
    throw invalid("A device's credential is of another type");
  }
  return credential.identity;
}
