/**
 * The rule of account names, for new accounts: those that were made before it go on working.
 *
 * 1. A name has 1 to 32 of the letters a-z, digits, dots, dashes and underscores, a letter or digit
 *    first. All of it is ASCII: no look-alike of another script, no blank, nothing invisible.
 * 2. It is not reserved, and does not look like what is reserved.
 * 3. It is not another account's name in other letters' cases, and does not look like one.
 *
 * What looks alike is what UTS #39 (Unicode Security Mechanisms), section 4 says: two names are
 * confusable if they are the same once each character is replaced by the one that it looks like. Of
 * its data file, four rows are within the characters of names: 0 like O, 1 like l, I like l, m like
 * rn. Two things are added, since names are compared without case: a name is looked at as it is
 * written and in small letters; and there, 1 is also like i.
 *
 * @module
 */

import { CallerError, EnvironmentError } from "../errors.ts";
import { foldName, sameName } from "../folded_name.ts";
import { quoteText } from "../json_line.ts";
import { isAccountName } from "../name_patterns.ts";

/** Who speaks for the server, whom `@name` may mean some day, and words that mean no one. */
const RESERVED: readonly string[] = [
  ...["admin", "administrator", "mod", "moderator", "op", "operator", "owner", "root", "sysop"],
  ...["console", "fernchat", "official", "security", "server", "service", "staff", "support"],
  ...["system", "all", "channel", "everyone", "here", "lobby", "room", "rooms"],
  ...["anonymous", "me", "nobody", "null", "someone", "undefined", "unknown", "you"],
];

/**
 * Passes if a new account can have the name, as far as the name alone tells.
 *
 * @throws {CallerError} `name-invalid`, `name-reserved`.
 */
export function checkName(name: string): void {
  if (!isAccountName(name)) {
    throw new CallerError("name-invalid", `Not a user name: ${quoteText(name)}`, {
      hint:
        "use 1 to 32 letters (a-z), digits, dots, dashes and underscores, a letter or digit first",
    });
  }
  const like = RESERVED.find((word) => looksLike(name, word));
  if (like === undefined) return;
  const reason = foldName(name) === like
    ? "it is reserved"
    : `it looks like ${like}, a reserved one`;
  throw new CallerError("name-reserved", `Cannot use the name ${name}: ${reason}`, {
    hint: "choose one that cannot be taken for the server's or an operator's own words",
  });
}

/**
 * Passes if a new account can have the name beside others.
 *
 * @param others the names of all accounts that stay.
 * @throws {EnvironmentError} `name-taken`, `name-similar`.
 */
export function checkDistinct(name: string, others: readonly string[]): void {
  if (others.some((other) => sameName(other, name))) {
    throw new EnvironmentError(
      "name-taken",
      `Cannot add ${name}: there is an account of that name`,
      {
        hint: "choose another name; case makes no difference",
      },
    );
  }
  const form = coarseForm(name);
  const like = others.find((other) => coarseForm(other) === form && looksLike(name, other));
  if (like === undefined) return;
  throw new EnvironmentError(
    "name-similar",
    `Cannot add ${name}: it looks like the account ${quoteText(like)}`,
    { hint: "choose another name; 0 and o, 1 and l and i, m and rn are taken for each other" },
  );
}

/** Whether two names can be taken for each other (UTS #39, section 4). */
export function looksLike(one: string, other: string): boolean {
  const known = new Set(appearances(other));
  return appearances(one).some((appearance) => known.has(appearance));
}

/** The same for names that look alike, and for some that do not: quick to compare with thousands. */
function coarseForm(name: string): string {
  return foldName(name).replace(/[01im]/g, (character) => COARSE[character] as string);
}

const COARSE: { readonly [character: string]: string } = { 0: "o", 1: "l", i: "l", m: "rn" };

const EXEMPLARS: { readonly [character: string]: string } = { 0: "O", 1: "l", I: "l", m: "rn" };

/** UTS #39, section 4: each character's exemplar. Within ASCII, its normalization does nothing. */
function skeleton(name: string): string {
  return name.replace(/[01Im]/g, (character) => EXEMPLARS[character] as string);
}

/** How a name can look, each marked with the case that it has there. */
function appearances(name: string): string[] {
  const small = foldName(name);
  return [
    `as written: ${skeleton(name)}`,
    ...[small, small.replaceAll("1", "i")].map((text) => `small: ${foldName(skeleton(text))}`),
  ];
}
