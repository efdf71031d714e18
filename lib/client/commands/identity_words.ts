/**
 * What two people compare, in lines of less than 80 columns.
 *
 * @module
 */

import type { SafetyNumber } from "../../mls/safety_number.ts";
import { calendarDate } from "../output.ts";
import type { ComparableKey, Identity } from "../sealed/identities.ts";

/** Groups of digits in a line: the halves of the number are the two accounts'. */
const GROUPS_IN_LINE = 6;
/** The same of words: of at most eight letters each. */
const WORDS_IN_LINE = 8;

/** The safety number of two people, and what to do with it. */
export function describeIdentity(identity: Identity, self: string): string[] {
  const { user, pinned, verified, changed } = identity;
  if (changed !== undefined) return describeChanged({ ...identity, changed }, self);
  const state = verified ? "verified" : "not compared yet";
  return [
    `Safety number of ${self} and ${user}, ${state}:`,
    ...digitsOf(pinned.number),
    "The same in words:",
    ...wordsOf(pinned.number),
    `If nobody is in between, ${user} sees it too by /verify ${self}`,
    "Compare it in person or by phone, not in this chat",
    `If it is right, /verified ${user} notes it`,
  ];
}

/** What it means that it was compared. */
export function describeConfirmed(user: string, isNewKey: boolean): string[] {
  return [
    `${user} is verified: the identity key is that of whom you compared with`,
    "Should the key ever change, you are warned, and asked to compare again",
    ...(isNewKey ? [`/invite ${user} lets the new devices into a room of yours`] : []),
  ];
}

function describeChanged(
  { user, pinned, verified, changed }: Identity & { changed: ComparableKey },
  self: string,
): string[] {
  const state = verified ? "verified" : "not compared";
  return [
    `WARNING: ${user} has another identity key, since ${calendarDate(changed.since)}`,
    `The safety number before, ${state}, since ${calendarDate(pinned.since)}:`,
    ...digitsOf(pinned.number),
    "The safety number now:",
    ...digitsOf(changed.number),
    "The same in words:",
    ...wordsOf(changed.number),
    "Half of it changed. It does so when a password was reset, but also when",
    `somebody else poses as ${user}. Ask, but not in this chat:`,
    `the real one sees the number of now by /verify ${self}`,
    `Then /verified ${user} notes it. Until then you send nothing there,`,
    "and the new key is let in nowhere",
  ];
}

function digitsOf({ digits }: SafetyNumber): string[] {
  return inLines(digits.split(" "), GROUPS_IN_LINE);
}

function wordsOf({ words }: SafetyNumber): string[] {
  return inLines(words, WORDS_IN_LINE);
}

function inLines(parts: readonly string[], perLine: number): string[] {
  const count = Math.ceil(parts.length / perLine);
  return Array.from({ length: count }, (_, line) => {
    return `  ${parts.slice(line * perLine, (line + 1) * perLine).join(" ")}`;
  });
}
