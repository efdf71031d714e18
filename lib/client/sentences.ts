/**
 * Events of a room as lines for people. What others wrote is in them as it came: sanitize it.
 *
 * @module
 */

import { formatDuration } from "../durations.ts";
import type { PresenceChange } from "../protocol/requests.ts";
import type { RoomKind } from "../rooms/open_room.ts";
import { type CalledRoom, nameOfRoom } from "./room_names.ts";
import type { LeftEvent, PresenceEvent, SlowEvent, TopicEvent } from "./events.ts";

/** People that are named in a line; the others are counted. */
const MAX_NAMED = 2;

type Change = PresenceChange["change"];

/** In the order in which a line tells them. */
const CHANGES: { [change in Change]: { one: string; many: string } } = {
  joined: { one: "joined", many: "joined" },
  left: { one: "left", many: "left" },
  away: { one: "is away", many: "are away" },
  back: { one: "is back", many: "are back" },
};

/**
 * `alice, bob and 38 others joined; carol is away: lunch`, without what is about `user`.
 *
 * @returns nothing if there is nothing else.
 */
export function describePresence(
  { changes, more }: Pick<PresenceEvent, "changes" | "more">,
  user: string,
): string | undefined {
  const others = changes.filter((change) => change.user !== user);
  const parts = (Object.keys(CHANGES) as Change[]).flatMap((change) => {
    const people = others.filter((one) => one.change === change);
    return people.length === 0 ? [] : [describeChange(change, people)];
  });
  if (more > 0) parts.push(`and ${more} more came, went, or are away or back`);
  return parts.length === 0 ? undefined : parts.join("; ");
}

/**
 * Where someone is: `You are in physics, an open room: the server can read it.`, and its topic.
 *
 * @param manner what stands before the room's name: `in`, or `alice in`.
 */
export function describePlace(
  { room, kind, peer, topic }: CalledRoom & { kind: RoomKind; topic: string },
  manner: string,
): string[] {
  const who = kind === "open"
    ? "an open room: the server can read it"
    : `a sealed room: only ${peer === undefined ? "its members" : "the two of you"} can read it`;
  const line = `You are ${manner} ${nameOfRoom({ room, peer })}, ${who}.`;
  return topic === "" ? [line] : [line, `Topic: ${topic}`];
}

/** `bob made the topic of lobby: exams`. */
export function describeTopic(
  { room, topic, by }: Pick<TopicEvent, "room" | "topic" | "by">,
): string {
  if (topic === "") {
    return by === undefined ? `${room} has no topic` : `${by} took the topic of ${room} away`;
  }
  return by === undefined
    ? `The topic of ${room}: ${topic}`
    : `${by} changed the topic of ${room}: ${topic}`;
}

/** `bob slowed lobby down: one message every 10 seconds`. */
export function describeSlow(
  { room, seconds, by }: Pick<SlowEvent, "room" | "seconds" | "by">,
): string {
  const who = by === undefined ? "" : `, says ${by}`;
  if (seconds === 0) return `${room} is not slow any more${who}`;
  return `${room} is slow now: one message in ${formatDuration(seconds)}${who}`;
}

/** `You are out of physics: bob kicked you`. */
export function describeLeft({ room, reason, message }: LeftEvent): string {
  return reason === "left" ? `You left ${room}` : `You are out of ${room}: ${message}`;
}

/** `alice`, `alice and bob`, or `alice, bob and 38 others`. */
export function listNames(names: readonly string[]): string {
  const [first = "", second] = names;
  if (second === undefined) return first;
  const others = names.length - MAX_NAMED;
  if (others === 0) return `${first} and ${second}`;
  return `${first}, ${second} and ${others === 1 ? "1 other" : `${others} others`}`;
}

function describeChange(change: Change, people: readonly PresenceChange[]): string {
  const [only] = people;
  const { one, many } = CHANGES[change];
  const said = `${listNames(people.map(({ user }) => user))} ${people.length === 1 ? one : many}`;
  return people.length === 1 && only?.text ? `${said}: ${only.text}` : said;
}
