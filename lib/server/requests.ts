/**
 * What a connection can ask for beside its messages: one handler for each request. Operators' deeds
 * go through the database first, where they are also noted; then what is live follows.
 *
 * @module
 */

import type { Accounts } from "../auth/accounts.ts";
import type { Sanctions } from "../auth/sanctions.ts";
import { EnvironmentError } from "../errors.ts";
import { MAX_LISTED, MAX_LISTED_SESSIONS } from "../protocol/limits.ts";
import type { Request, RequestOf, Result, ResultOf } from "../protocol/requests.ts";
import type { Operations } from "./operations.ts";
import { type People, reviewSessions, type Visitor } from "./people.ts";
import type { Presence } from "./presence.ts";
import type { RoomDirectory } from "./room_directory.ts";
import type { SealedRequest } from "./sealed/sealed_requests.ts";
import type { SealedService } from "./sealed/sealed_service.ts";
import { describeBan, sentence } from "./standing.ts";

/** What all connections' requests work with. */
export interface RequestContext {
  accounts: Accounts;
  sanctions: Sanctions;
  operations: Operations;
  directory: RoomDirectory;
  people: People;
  presence: Presence;
  sealed: SealedService;
}

/** A request that is not about sealed rooms alone. */
export type OpenRequest = Exclude<Request, SealedRequest>;

/** Who asks. */
export type Asker = Pick<Visitor, "user" | "isIn">;

type Handler<D extends Request["do"]> = (
  context: RequestContext,
  asker: Asker,
  request: RequestOf<D>,
) => Result;

const DONE: Result = { is: "done" };

const HANDLERS: { [D in OpenRequest["do"]]: Handler<D> } = {
  rooms: listRooms,
  names: listNames,
  whois,
  away: ({ presence }, { user }, { text }) => {
    presence.setAway(user, text);
    return DONE;
  },
  back: ({ presence }, { user }) => {
    presence.setBack(user);
    return DONE;
  },
  create_room: ({ operations, directory }, { user }, { room, topic }) => {
    operations.createRoom(user, room, topic);
    directory.refresh(user);
    return DONE;
  },
  topic: ({ operations, directory }, { user }, { room, topic }) => {
    operations.setTopic(user, room, topic);
    directory.refresh(user);
    return DONE;
  },
  slow: ({ operations, directory }, { user }, { room, seconds }) => {
    operations.setSlow(user, room, seconds);
    directory.refresh(user);
    return DONE;
  },
  kick,
  ban: ({ operations, people }, { user }, { user: target, seconds, reason }) => {
    const { account: name, until } = operations.ban(user, target, { seconds, reason });
    const message = describeBan({ until, reason });
    for (const visitor of people.sessionsOf(name)) visitor.end("banned", message);
    return DONE;
  },
  unban: ({ operations }, { user }, { user: target }) => {
    operations.unban(user, target);
    return DONE;
  },
  mute: (context, { user }, { user: target, seconds, reason }) => {
    const { operations } = context;
    reviewSessions(context, operations.mute(user, target, { seconds, reason }).account);
    return DONE;
  },
  unmute: (context, { user }, { user: target }) => {
    reviewSessions(context, context.operations.unmute(user, target).account);
    return DONE;
  },
};

/**
 * Does what is asked for, and gives the answer.
 *
 * @throws {EnvironmentError} if it cannot be, with a code and a sentence for who asked.
 */
export function answer(context: RequestContext, asker: Asker, request: OpenRequest): Result {
  return (HANDLERS[request.do] as Handler<OpenRequest["do"]>)(context, asker, request);
}

/** Those that the asker is a member of come first: the list has an end. */
function listRooms(context: RequestContext, { user }: Asker): ResultOf<"rooms"> {
  const { directory, presence, sealed } = context;
  const members = (room: string): number => presence.count(room);
  const own = sealed.delivery.rooms.roomsOf(user).map((membership) => {
    const { room } = membership;
    const peer = sealed.peerOf(membership, user);
    const direct = peer === undefined ? {} : { peer };
    return { room, kind: "sealed" as const, topic: "", members: members(room), ...direct };
  });
  const open = directory.list().map(([room, { kind, topic }]) => {
    return { room, kind, topic, members: members(room) };
  });
  const all = [...own, ...open];
  const rooms = all.slice(0, MAX_LISTED);
  return { is: "rooms", rooms, more: all.length - rooms.length };
}

function listNames(
  context: RequestContext,
  asker: Asker,
  { room }: RequestOf<"names">,
): ResultOf<"names"> {
  const { accounts, presence } = context;
  requireRoom(context, asker, room);
  const all = presence.names(room);
  const operators = accounts.operators();
  const names = all.slice(0, MAX_LISTED).map((user) => ({
    user,
    role: operators.has(user) ? "operator" as const : "member" as const,
    ...awayOf(presence, user),
  }));
  return { is: "names", room, names, more: all.length - names.length };
}

function whois(
  { accounts, sanctions, people, presence }: RequestContext,
  asker: Asker,
  request: RequestOf<"whois">,
): ResultOf<"whois"> {
  const { name: user, role } = accounts.get(request.user);
  const mayKnowWhere = accounts.find(asker.user)?.role === "operator" || asker.user === user;
  const all = people.sessionsOf(user).toReversed();
  const sessions = all.slice(0, MAX_LISTED_SESSIONS).map(({ since, address }) => ({
    since,
    ...(mayKnowWhere ? { address } : {}),
  }));
  const rooms = presence.roomsOf(user).filter((room) => asker.isIn(room));
  return {
    is: "whois",
    user,
    role,
    ...awayOf(presence, user),
    muted: sanctions.find(user, "mute") !== undefined,
    sessions,
    more: all.length - sessions.length,
    rooms,
  };
}

function kick(
  context: RequestContext,
  asker: Asker,
  { room, user: target, reason }: RequestOf<"kick">,
): Result {
  const { accounts, operations, people } = context;
  const { user } = asker;
  requireRoom(context, asker, room);
  const { name } = accounts.get(target);
  const sessions = people.sessionsOf(name).filter((visitor) => visitor.isIn(room));
  if (sessions.length === 0) {
    throw new EnvironmentError("not-in-room", `${name} is not in ${room}`);
  }
  operations.kick(user, name, room, reason);
  const message = sentence(`${user} put you out`, reason);
  for (const visitor of sessions) visitor.remove(room, "kicked", message);
  return DONE;
}

function awayOf(presence: Presence, user: string): { away?: string } {
  const away = presence.awayText(user);
  return away === undefined ? {} : { away };
}

/** A sealed room is there for its members alone. */
function requireRoom({ directory, sealed }: RequestContext, { user }: Asker, room: string): void {
  if (directory.look(room) ?? sealed.placeOf(room, user) !== undefined) return;
  throw new EnvironmentError("room-unknown", `There is no room ${room} here`);
}
