/**
 * A group's state as the MLS library has it: what we read in it, what we leave out, how it is kept.
 *
 * @module
 */

import { type ClientState, decodeGroupState, encodeGroupState, type Extension } from "ts-mls";
import { decodeCredential } from "./credential.ts";
import type { Member } from "./commit_rules.ts";
import { invalid, orInvalidNow } from "./faults.ts";
import { MAX_STATE_BYTES } from "./limits.ts";
import { decodePolicy, encodePolicy, ROOM_POLICY, type RoomPolicy } from "./room_policy.ts";
import { basicIdentity, CLIENT_CONFIG, SUITE } from "./suite.ts";

export type { ClientState } from "ts-mls";

/** The first byte of an encoded state. */
const STATE_VERSION = 1;

/**
 * A state without what Fernchat never uses. The secret tree (RFC 9420 section 9) is for MLS's own
 * private messages, and the library would keep those of former epochs too; and it would keep the
 * private keys of nodes that are blank by now.
 */
export function trim(state: ClientState): ClientState {
  const { privatePath, ratchetTree } = state;
  const current = Object.entries(privatePath.privateKeys)
    .filter(([node]) => ratchetTree[Number(node)] !== undefined);
  return {
    ...state,
    secretTree: [],
    historicalReceiverData: new Map(),
    privatePath: { ...privatePath, privateKeys: Object.fromEntries(current) },
  };
}

/** A state of one who has been removed: the members as they were, and no secret any more. */
export function removedState(state: ClientState): ClientState {
  const none = new Uint8Array();
  return trim({
    ...state,
    keySchedule: {
      ...{ initSecret: none, senderDataSecret: none, exporterSecret: none, externalSecret: none },
      ...{ confirmationKey: none, membershipKey: none, resumptionPsk: none },
      epochAuthenticator: none,
    },
    privatePath: { ...state.privatePath, privateKeys: {} },
    signaturePrivateKey: none,
    groupActiveState: { kind: "removedFromGroup" },
  });
}

/** A state in the form that is kept. It holds the group's secrets. */
export function encodeState(state: ClientState): Uint8Array {
  const body = encodeGroupState(state);
  const bytes = new Uint8Array(1 + body.length);
  bytes[0] = STATE_VERSION;
  bytes.set(body, 1);
  return bytes;
}

/**
 * A state that was kept.
 *
 * @throws {PeerError} `mls-invalid` if the bytes are no state, or one that does not hold together.
 */
export function decodeState(bytes: Uint8Array): ClientState {
  if (bytes.length > MAX_STATE_BYTES) throw invalid("A group's state is too long");
  const copy = Uint8Array.from(bytes); // the library's values are views into it
  const decoded = orInvalidNow("A group's state is damaged", () => decodeGroupState(copy, 1));
  if (copy[0] !== STATE_VERSION || decoded === undefined || decoded[1] !== copy.length - 1) {
    throw invalid("A group's state is damaged");
  }
  const state = trim({ ...decoded[0], clientConfig: CLIENT_CONFIG });
  const { version, cipherSuite } = state.groupContext;
  if (version !== "mls10" || cipherSuite !== SUITE) throw invalid("A group is of another suite");
  return state;
}

/** The devices in a state's tree. Their credentials were checked when they came. */
export function membersOf({ ratchetTree }: ClientState): Member[] {
  return ratchetTree.flatMap((node, at) => {
    if (node?.nodeType !== "leaf") return [];
    const id = decodeCredential(basicIdentity(node.leaf.credential));
    return [{ ...id, signatureKey: Uint8Array.from(node.leaf.signaturePublicKey), leaf: at / 2 }];
  });
}

/** The one extension of our group contexts. */
export function policyExtension(policy: RoomPolicy): Extension {
  return { extensionType: ROOM_POLICY, extensionData: encodePolicy(policy) };
}

/**
 * The policy in a list of extensions that may hold nothing else.
 *
 * @throws {PeerError} `mls-invalid`.
 */
export function readPolicy(extensions: readonly Extension[]): RoomPolicy {
  const [extension, ...others] = extensions;
  if (extension?.extensionType !== ROOM_POLICY || others.length > 0) {
    throw invalid("A group has no room policy, or other extensions");
  }
  return decodePolicy(extension.extensionData);
}
