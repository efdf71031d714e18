/**
 * What a search looks for: words and "quoted phrases", all of which must occur, and `from:NAME`.
 *
 * Texts are compared folded: compatibility forms are one (Ｆｕｌｌ and full, ﬁ and fi), upper and
 * lower case, accents on Latin, Greek and Cyrillic letters do not count, nor what is invisible. A
 * word is found inside longer ones too: not every script has blanks.
 *
 * @module
 */

import { CallerError } from "../errors.ts";
import { isAccountName } from "../name_patterns.ts";

/** Where something is found in a text: from an index to before another, in UTF-16 units. */
export type Place = [start: number, end: number];

const PART = /(?<from>from:)?(?:"(?<phrase>[^"]*)"?|(?<word>\S+)|(?<=from:))/giu;

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** See the module's description. */
export class SearchQuery {
  readonly #words: readonly string[];
  readonly #from: string | undefined;

  /**
   * Reads what was typed.
   *
   * @throws {CallerError} `search-invalid` if there is nothing to look for, or nobody.
   */
  constructor(typed: string) {
    const parts = [...typed.matchAll(PART)].map(({ groups = {} }) => groups);
    const names = parts.filter(({ from }) => from).map(({ phrase, word }) => phrase ?? word ?? "");
    const others = parts.filter(({ from }) => !from);
    this.#words = others.map(({ phrase, word }) => fold(phrase ?? word ?? "").trim()).filter(
      Boolean,
    );
    this.#from = checkFrom(names);
    if (this.#words.length === 0 && this.#from === undefined) {
      throw invalid("There is nothing to search for");
    }
  }

  /** Whether a message of this account can be meant. */
  canBeFrom(sender: string): boolean {
    return this.#from === undefined || this.#from === sender.toLowerCase();
  }

  /** Whether all words are in a text. */
  isIn(text: string): boolean {
    const folded = fold(text);
    return this.#words.every((word) => folded.includes(word));
  }

  /** Where the words are in a text: in order, and apart. */
  placesIn(text: string): Place[] {
    const { folded, origins } = foldByGraphemes(text);
    const places = this.#words.flatMap((word) =>
      occurrences(folded, word).map((at): Place => [
        origins[at]?.[0] ?? 0,
        origins[at + word.length - 1]?.[1] ?? text.length,
      ])
    );
    return merge(places);
  }
}

function checkFrom(names: readonly string[]): string | undefined {
  const [name] = names;
  if (name === undefined) return undefined;
  if (names.length === 1 && isAccountName(name)) return name.toLowerCase();
  throw invalid("Not one account's name behind from:");
}

/** A text as it is compared. */
function fold(text: string): string {
  return text.normalize("NFKD")
    .replaceAll(/[\u0300-\u036f\p{Default_Ignorable_Code_Point}]/gu, "")
    .replaceAll(/\r\n|\s/gu, " ")
    // Through upper case: "ß" is "ss" then; and a sigma at a word's end is one like others.
    .toUpperCase().toLowerCase().replaceAll("ς", "σ")
    .normalize("NFC");
}

/** The same, and for each unit of it the grapheme that it comes from: "ß" gives two. */
function foldByGraphemes(text: string): { folded: string; origins: Place[] } {
  let folded = "";
  const origins: Place[] = [];
  for (const { segment, index } of graphemes.segment(text)) {
    const units = fold(segment);
    folded += units;
    for (let at = 0; at < units.length; at += 1) origins.push([index, index + segment.length]);
  }
  return { folded, origins };
}

function occurrences(text: string, word: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + word.length)) {
    found.push(at);
  }
  return found;
}

function merge(places: Place[]): Place[] {
  const merged: Place[] = [];
  for (const [start, end] of places.toSorted(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

function invalid(message: string): CallerError {
  return new CallerError("search-invalid", message, {
    hint: 'write /search WORDS, with "a phrase" or from:NAME if you like',
  });
}
