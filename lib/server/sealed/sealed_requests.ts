/**
 * What a connection can ask for about sealed rooms: one handler for each request.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Accounts } from "../../auth/accounts.ts";
import type { ClaimedPackage } from "../../delivery/key_packages.ts";
import { CallerError } from "../../errors.ts";
import { MAX_KEY_PACKAGE_BYTES } from "../../protocol/limits.ts";
import type { MessageLog } from "../../log/message_log.ts";
import type { Request, RequestOf, Result } from "../../protocol/requests.ts";
import type { Visitor } from "../people.ts";
import type { SealedService } from "./sealed_service.ts";
import { cut, partsInvalid } from "./staging.ts";

/** What these requests work with. */
export interface SealedContext {
  accounts: Accounts;
  sealed: SealedService;
  log: MessageLog;
}

/** An answer, and the bytes before it. */
export interface SealedAnswer {
  result: Result;
  bytes?: Uint8Array;
}

/** A request about sealed rooms. */
export type SealedRequest = RequestOf<keyof typeof HANDLERS>;

type Handler<D extends Request["do"]> = (
  context: SealedContext,
  asker: Visitor,
  request: RequestOf<D>,
  bytes: Uint8Array,
) => SealedAnswer | Promise<SealedAnswer>;

const DONE: SealedAnswer = { result: { is: "done" } };

const HANDLERS = {
  blobs: ({ sealed }, { user }) => ({
    result: { is: "blobs", blobs: sealed.delivery.vault.list(user) },
  }),
  get: ({ sealed }, { user }, { name }) => {
    const blob = sealed.delivery.vault.find(user, name);
    if (blob === undefined) return { result: { is: "blob", version: 0 } };
    return { result: { is: "blob", version: blob.version }, bytes: blob.data };
  },
  put,
  lease: ({ sealed: { leases } }, asker, { device, lease, fresh }) => {
    if (device !== undefined && lease !== undefined) {
      return { result: { is: "lease", ...leases.renew(asker, { device, lease }) } };
    }
    const granted = fresh ? leases.grantNew(asker) : leases.grant(asker);
    return { result: { is: "lease", ...granted } };
  },
  publish: ({ sealed: { delivery, leases } }, asker, { device, lease, sizes }, bytes) => {
    const packages = cut(bytes, sizes);
    if (packages.some(({ length }) => length === 0 || length > MAX_KEY_PACKAGE_BYTES)) {
      throw partsInvalid();
    }
    leases.check(asker, { device, lease });
    delivery.packages.replace(asker.user, device, packages);
    return DONE;
  },
  claim: ({ accounts, sealed }, _, { users }) => {
    const names = new Set(users.map((user) => accounts.get(user).name));
    return packagesOf(sealed.delivery.packages.claim([...names]));
  },
  look: ({ accounts, sealed }, _, { user }) =>
    packagesOf(sealed.delivery.packages.look(accounts.get(user).name)),
  create_sealed: ({ accounts, sealed }, asker, request, state) => {
    const { room, key_id: keyId, device, lease } = request;
    const peer = request.peer === undefined ? undefined : accounts.get(request.peer).name;
    if (state.length === 0) throw partsInvalid();
    sealed.create(asker, { room, peer, keyId, device, lease, state });
    return DONE;
  },
  direct: ({ accounts, sealed }, asker, { user }) => {
    const room = sealed.delivery.rooms.findDirect(asker.user, accounts.get(user).name);
    return { result: room === undefined ? { is: "direct" } : { is: "direct", room } };
  },
  commit,
  welcome,
  resign: ({ sealed }, { user }, { room }) => {
    sealed.resign(room, user);
    return DONE;
  },
} satisfies { [D in Request["do"]]?: Handler<D> };

/** Whether a request is about sealed rooms. */
export function isSealedRequest(request: Request): request is SealedRequest {
  return Object.hasOwn(HANDLERS, request.do);
}

/**
 * Does what is asked for, and gives the answer.
 *
 * @param bytes what came before the request.
 * @throws {FernchatError} if it cannot be, with a code and a sentence for who asked.
 */
export async function answerSealed(
  context: SealedContext,
  asker: Visitor,
  request: SealedRequest,
  bytes: Uint8Array,
): Promise<SealedAnswer> {
  const takes = ["put", "publish", "create_sealed", "commit"].includes(request.do);
  if (bytes.length > 0 && !takes) throw partsInvalid();
  const handler = HANDLERS[request.do] as Handler<SealedRequest["do"]>;
  return await handler(context, asker, request, bytes);
}

function put(
  { sealed: { delivery, leases } }: SealedContext,
  asker: Visitor,
  { name, version, lease = 0 }: RequestOf<"put">,
  data: Uint8Array,
): SealedAnswer {
  const { user } = asker;
  if (data.length === 0) throw partsInvalid();
  const save = (): void => delivery.vault.put(user, name, version, data);
  const [, device, room] = name.split("/");
  if (device === undefined) save();
  else {
    leases.check(asker, { device: Number(device), lease });
    if (room === undefined) save();
    else delivery.saveState(user, Number(device), room, save);
  }
  return DONE;
}

async function commit(
  { accounts, sealed }: SealedContext,
  asker: Visitor,
  request: RequestOf<"commit">,
  bytes: Uint8Array,
): Promise<SealedAnswer> {
  const { user } = asker;
  const { room, epoch, key_id: keyId, id: messageId, sent_at: sentAt, token } = request;
  const { device, lease, sizes } = request;
  const [commit, welcome, state] = cut(bytes, sizes) as [Uint8Array, Uint8Array, Uint8Array];
  if (commit.length === 0) throw partsInvalid();
  if ((welcome.length === 0) !== (request.welcomes.length === 0)) throw partsInvalid();
  const nameOf = (name: string): string => accounts.get(name).name;
  const adds = [...new Set(request.adds.map(nameOf))];
  const removes = namesOf(accounts, request.removes);
  const promotes = [...new Set((request.promotes ?? []).map(nameOf))];
  const demotes = namesOf(accounts, request.demotes ?? []);
  const welcomes = request.welcomes.map((one) => ({ ...one, user: nameOf(one.user) }));
  sealed.delivery.rooms.get(room, user);
  sealed.leases.check(asker, { device, lease });
  await sealed.commit(
    {
      ...{ room, user, device, lease, epoch, keyId, adds, removes },
      ...{ promotes, demotes, welcomes, commit, welcome, state },
    },
    { messageId, sentAt, token },
  );
  return DONE;
}

/** The names as their accounts have them; some may be of accounts that are not there any more. */
function namesOf(accounts: Accounts, names: readonly string[]): string[] {
  return [...new Set(names.map((name) => accounts.find(name)?.name ?? name))];
}

async function welcome(
  { sealed: { delivery }, log }: SealedContext,
  { user }: Visitor,
  { room, device }: RequestOf<"welcome">,
): Promise<SealedAnswer> {
  delivery.rooms.get(room, user);
  const found = delivery.commits.findWelcome(user, device, room);
  const [entry] = found === undefined ? [] : await log.read(room, found.seq - 1, 1);
  if (found === undefined || entry === undefined) {
    throw new CallerError("no-welcome", `No welcome to ${room} waits for device ${device}`);
  }
  return { result: { is: "welcome", seq: found.seq, head: entry.chain }, bytes: found.data };
}

function packagesOf(claimed: readonly ClaimedPackage[]): SealedAnswer {
  const packages = claimed.map(({ user, device, data: { length: size } }) => ({
    ...{ user, device, size },
  }));
  const bytes = Buffer.concat(claimed.map(({ data }) => data));
  return { result: { is: "packages", packages }, bytes };
}
