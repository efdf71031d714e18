/**
 * Who is meant by an `@name` in a text. There is no name for everyone, such as `@all`: one person
 * could ring every bell of a class with it.
 *
 * @module
 */

/** An @ that no letter, digit or mark precedes, as in an e-mail address; and all that follows. */
const MENTION =
  /(?<![\p{L}\p{M}\p{N}_@])@(?<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?![\p{L}\p{M}\p{N}])/gu;

/** What can end a name, and a sentence. */
const ENDINGS = /^[._-]*$/;

/**
 * Whether a text mentions an account: `@alice`, in upper or lower case, as a word of its own. A name
 * can have dots and dashes, but at its end they may be the sentence's: `@alice.` is alice too.
 */
export function mentions(text: string, user: string): boolean {
  const wanted = user.toLowerCase();
  for (const { groups } of text.matchAll(MENTION)) {
    const name = groups?.["name"]?.toLowerCase() ?? "";
    if (name.startsWith(wanted) && ENDINGS.test(name.slice(wanted.length))) return true;
  }
  return false;
}
