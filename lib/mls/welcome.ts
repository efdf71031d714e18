/**
 * Joining by a welcome (RFC 9420 section 12.4.3.1). The MLS library's own function does it with a
 * check of the tree that refuses right ones (tree.ts), so the steps are taken here, one by one.
 *
 * @module
 */

import type { CiphersuiteImpl, ClientState, GroupInfo, KeyPackage, RatchetTree } from "ts-mls";
import type { Welcome } from "ts-mls";
import { verifyGroupInfoConfirmationTag, verifyGroupInfoSignature } from "ts-mls/groupInfo.js";
import type { GroupSecrets } from "ts-mls/groupSecrets.js";
import { makeKeyPackageRef } from "ts-mls/keyPackage.js";
import { deriveKeySchedule } from "ts-mls/keySchedule.js";
import { pathToRoot } from "ts-mls/pathSecrets.js";
import { mergePrivateKeyPaths, toPrivateKeyPath } from "ts-mls/privateKeyPath.js";
import type { PrivateKeyPath } from "ts-mls";
import { decodeRatchetTree, encodeRatchetTree, findLeafIndex } from "ts-mls/ratchetTree.js";
import { leafToNodeIndex, toLeafIndex } from "ts-mls/treemath.js";
import { firstCommonAncestor } from "ts-mls/updatePath.js";
import { decryptGroupInfo, decryptGroupSecrets } from "ts-mls/welcome.js";
import { sameBytes } from "../same_bytes.ts";
import { checkRoster, type Member } from "./commit_rules.ts";
import { type DeviceKeys, ownsKey } from "./device_keys.ts";
import { invalid } from "./faults.ts";
import { decodeKeyPackage, type OwnKeyPackage, privateParts } from "./key_package.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import { decodeMessage } from "./message.ts";
import { checkPathKeys } from "./path_keys.ts";
import { membersOf, readPolicy, trim } from "./state.ts";
import { CLIENT_CONFIG, loadSuite, SUITE } from "./suite.ts";
import { checkTree } from "./tree.ts";

/** What a welcome gives. */
export interface Joined {
  readonly state: ClientState;
  /** The key package that it was addressed to. */
  readonly used: OwnKeyPackage;
  /** Who sent it. */
  readonly by: Member;
}

/** A key package of ours that a welcome is for. */
interface Addressed {
  used: OwnKeyPackage;
  keyPackage: KeyPackage;
  reference: Uint8Array;
}

/**
 * Opens a welcome and checks the group behind it.
 *
 * @throws {PeerError} `mls-invalid`, or `mls-refused` for members who cannot be together.
 */
export async function openWelcome(
  keys: DeviceKeys,
  bytes: Uint8Array,
  own: readonly OwnKeyPackage[],
): Promise<Joined> {
  const { welcome } = decodeMessage("mls_welcome", bytes, MAX_MESSAGE_BYTES);
  const suite = await loadSuite();
  const addressed = await findAddressed(welcome, keys, own, suite);
  const secrets = await openSecrets(welcome, addressed, keys, suite);
  const info = await openGroupInfo(welcome, secrets, suite);
  const tree = treeOf(info);
  await checkTree(tree, info.groupContext, suite);
  const state = await enter(info, tree, secrets, addressed, keys, suite);
  const members = membersOf(state);
  const by = members.find(({ leaf }) => leaf === info.signer);
  await checkGroupInfo(info, by, secrets, suite);
  checkRoster(readPolicy(info.groupContext.extensions), members);
  checkPathKeys(undefined, state);
  return { state: trim(state), used: addressed.used, by: by as Member };
}

/** The key package that is named by its reference (RFC 9420 section 5.2). */
async function findAddressed(
  { secrets, cipherSuite }: Welcome,
  keys: DeviceKeys,
  own: readonly OwnKeyPackage[],
  suite: CiphersuiteImpl,
): Promise<Addressed> {
  if (cipherSuite !== SUITE) throw invalid("A welcome is of another cipher suite");
  for (const used of own) {
    const keyPackage = decodeKeyPackage(used.public);
    const reference = await makeKeyPackageRef(keyPackage, suite.hash);
    const named = secrets.some(({ newMember }) => sameBytes(newMember, reference));
    if (named && ownsKey(keys, keyPackage.leafNode.signaturePublicKey)) {
      return { used, keyPackage, reference };
    }
  }
  throw invalid("A welcome is for none of this device's key packages");
}

async function openSecrets(
  welcome: Welcome,
  { used, reference }: Addressed,
  keys: DeviceKeys,
  { hpke }: CiphersuiteImpl,
): Promise<GroupSecrets> {
  const privateKey = await hpke.importPrivateKey(privateParts(used, keys).initPrivateKey);
  const secrets = await decryptGroupSecrets(privateKey, reference, welcome, hpke);
  if (secrets === undefined) throw invalid("A welcome's secrets are damaged");
  if (secrets.psks.length > 0) throw invalid("A welcome asks for a pre-shared key");
  return secrets;
}

async function openGroupInfo(
  welcome: Welcome,
  { joinerSecret }: GroupSecrets,
  suite: CiphersuiteImpl,
): Promise<GroupInfo> {
  const info = await decryptGroupInfo(welcome, joinerSecret, noPsk(suite), suite);
  const context = info?.groupContext;
  if (info === undefined || context?.version !== "mls10" || context.cipherSuite !== SUITE) {
    throw invalid("A welcome is to a group of another cipher suite or protocol");
  }
  return info;
}

/** The tree comes in the group info's one extension (RFC 9420 section 12.4.3.3). */
function treeOf({ extensions }: GroupInfo): RatchetTree {
  const [extension, ...others] = extensions;
  if (extension?.extensionType !== "ratchet_tree" || others.length > 0) {
    throw invalid("A welcome comes without its group's tree");
  }
  const { extensionData } = extension;
  const tree = decodeRatchetTree(extensionData, 0)?.[0];
  if (tree === undefined || !sameBytes(encodeRatchetTree(tree), extensionData)) {
    throw invalid("A welcome's tree is damaged");
  }
  return tree;
}

async function enter(
  { groupContext, confirmationTag, signer }: GroupInfo,
  tree: RatchetTree,
  { joinerSecret, pathSecret }: GroupSecrets,
  { used, keyPackage }: Addressed,
  keys: DeviceKeys,
  suite: CiphersuiteImpl,
): Promise<ClientState> {
  const leaf = findLeafIndex(tree, keyPackage.leafNode);
  if (leaf === undefined) throw invalid("A welcome is to a group that this device is not in");
  const { hpkePrivateKey, signaturePrivateKey } = privateParts(used, keys);
  const own = { leafIndex: leaf, privateKeys: { [leafToNodeIndex(leaf)]: hpkePrivateKey } };
  const above = pathSecret && await keysAbove(tree, leaf, signer, pathSecret, suite);
  const [keySchedule] = await deriveKeySchedule(
    ...[joinerSecret, noPsk(suite)] as const,
    ...[groupContext, suite.kdf] as const,
  );
  return {
    ...{ groupContext, confirmationTag, keySchedule, ratchetTree: tree, signaturePrivateKey },
    privatePath: above === undefined ? own : mergePrivateKeyPaths(above, own),
    secretTree: [],
    unappliedProposals: {},
    historicalReceiverData: new Map(),
    groupActiveState: { kind: "active" },
    clientConfig: CLIENT_CONFIG,
  };
}

/** Private keys of the nodes that the committer and we have in common. */
async function keysAbove(
  tree: RatchetTree,
  leaf: ReturnType<typeof toLeafIndex>,
  signer: number,
  pathSecret: Uint8Array,
  suite: CiphersuiteImpl,
): Promise<PrivateKeyPath> {
  const ancestor = firstCommonAncestor(tree, leaf, toLeafIndex(signer));
  return await toPrivateKeyPath(
    await pathToRoot(tree, ancestor, pathSecret, suite.kdf),
    leaf,
    suite,
  );
}

async function checkGroupInfo(
  info: GroupInfo,
  by: Member | undefined,
  { joinerSecret }: GroupSecrets,
  suite: CiphersuiteImpl,
): Promise<void> {
  if (by === undefined) throw invalid("A welcome is from nobody in its group");
  if (!await verifyGroupInfoSignature(info, by.signatureKey, suite.signature)) {
    throw invalid("A welcome has a wrong signature");
  }
  if (!await verifyGroupInfoConfirmationTag(info, joinerSecret, noPsk(suite), suite)) {
    throw invalid("A welcome's keys are not those that its group confirmed");
  }
}

/** psk_secret where there are no pre-shared keys (RFC 9420 section 8.4). */
function noPsk({ kdf }: CiphersuiteImpl): Uint8Array {
  return new Uint8Array(kdf.size);
}
