/**
 * What a search finds in a text, and where.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { SearchQuery } from "../../lib/client/search_query.ts";
import { CallerError } from "../../lib/errors.ts";
import { assertThrows } from "../attacks/server.ts";

/** What was typed, and texts in which it is, and in which it is not. */
const CASES: readonly [typed: string, inside: string[], outside: string[]][] = [
  ["exam", ["The exam is on Friday", "EXAMINATION", "re-exam"], ["ex am", "exa-m", ""]],
  ["exam friday", ["Friday: exam", "exam, fridays"], ["exam", "friday"]],
  ['"on friday"', ["exam On Friday", "on\nfriday"], ["friday on", "on a friday"]],
  ['"on friday', ["exam on friday"], ["friday on"]],
  ['due "on friday"', ["on Friday it is due"], ["on friday", "due friday on"]],
  ["zurich", ["Zürich", "ZU\u0308RICH"], ["Zuerich"]],
  ["Zürich", ["zurich"], ["zrich"]],
  ["strasse", ["Straße", "STRASSE"], ["Strase"]],
  ["οδος", ["ΟΔΟΣ", "οδός"], ["οδ"]],
  ["full", ["Ｆｕｌｌ width"], ["fu ll"]],
  ["find", ["ﬁnd"], ["fnd"]],
  ["漢字", ["この漢字は"], ["漢 字"]],
  ["하", ["하나"], ["한국"]],
  ["secret", ["se\u00adcr\u200bet"], ["secre t"]],
  ["5€", ["15€"], ["5 €"]],
  ["/search", ["type /search words"], ["search"]],
];

for (const [typed, inside, outside] of CASES) {
  Deno.test(`a search for ${typed}`, () => {
    const query = new SearchQuery(typed);
    for (const text of inside) assert.ok(query.isIn(text), `not in ${JSON.stringify(text)}`);
    for (const text of outside) assert.ok(!query.isIn(text), `in ${JSON.stringify(text)}`);
  });
}

Deno.test("from:NAME is about who said it, in upper or lower case, alone or with words", () => {
  for (const typed of ["from:bob", "FROM:Bob", 'from:"bob"', "exam from:bob"]) {
    const query = new SearchQuery(typed);
    assert.ok(query.canBeFrom("bob") && query.canBeFrom("BOB"), typed);
    assert.ok(!query.canBeFrom("bobby"), typed);
    assert.ok(query.isIn("the exam"), typed);
  }
  assert.ok(!new SearchQuery("exam from:bob").isIn("bob"));
  assert.ok(new SearchQuery("exam").canBeFrom("anyone"));
});

Deno.test("a search for nothing, or from nobody, is refused", () => {
  for (const typed of ["", "  ", '""', '" "', "\u0301", "from:", "from:a from:b", "from:ü"]) {
    assertThrows(() => new SearchQuery(typed), CallerError, "search-invalid");
  }
});

Deno.test("the places are those of the words as they stand in the text", () => {
  const places = (typed: string, text: string): string[] =>
    new SearchQuery(typed).placesIn(text).map(([start, end]) => text.slice(start, end));
  assert.deepEqual(places("a", "banana"), ["a", "a", "a"]);
  assert.deepEqual(places("exam friday", "FRIDAY: exam"), ["FRIDAY", "exam"]);
  assert.deepEqual(places("zurich", "in ZU\u0308RICH!"), ["ZU\u0308RICH"]);
  assert.deepEqual(places("ss", "Straße"), ["ß"]);
  assert.deepEqual(places("f", "oﬁne"), ["ﬁ"]);
  assert.deepEqual(places("ban nan", "banana"), ["banan"], "what overlaps is one");
  assert.deepEqual(places("from:bob", "bob"), []);
});

Deno.test("whatever a text is, each of its parts is found in it, and places lie inside it", () => {
  const texts = fc.string({ unit: "binary", maxLength: 40 });
  fc.assert(fc.property(texts, fc.nat(), fc.nat(20), (text, from, length) => {
    const start = from % (text.length + 1);
    const part = text.slice(start, start + length).replaceAll('"', "");
    const query = parse(`"${part}"`);
    if (query === undefined || !text.isWellFormed()) return;
    let end = 0;
    for (const place of query.placesIn(text)) {
      assert.ok(place[0] >= end && place[1] > place[0] && place[1] <= text.length);
      end = place[1];
    }
  }));
  const words = fc.stringMatching(/^[a-zA-Zäöüßéñ漢字]{1,12}$/);
  fc.assert(fc.property(words, words, words, (before, word, after) => {
    const query = new SearchQuery(`"${word}"`);
    assert.ok(query.isIn(`${before}${word}${after}`));
    assert.ok(query.placesIn(`${before} ${word} ${after}`).length > 0);
  }));
});

function parse(typed: string): SearchQuery | undefined {
  try {
    return new SearchQuery(typed);
  } catch (error) {
    assert.ok(error instanceof CallerError);
    return undefined;
  }
}
