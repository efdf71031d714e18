/**
 * JSON of almost the right shape: fields that are missing, doubled, unknown, in another order or of
 * another type, and other spellings of the same.
 *
 * @module
 */

import type { SeededRandom } from "./seeded_random.ts";

type Fields = [key: string, json: string][];
type Edit = (random: SeededRandom, fields: Fields) => Fields;

/** Values that a field may not expect, as JSON. */
const ODD_VALUES = [
  ...["null", "true", "0", "-0", "1.0", "1e3", "-1", "1e400", "9007199254740993", "{}", "[]"],
  ...['""', '"\\ud800"', '"\\u0000"', '"é"', '"\\u00e9"', '"\ud83d\ude00"', '"\\/"', '["lobby"]'],
  ...[
    '{"__proto__":1}',
    '{"toString":"x"}',
    "[".repeat(40),
    "[[[[[[]]]]]]",
    `"${"x".repeat(200)}"`,
  ],
];

const ODD_KEYS = ["type", "x", "", "__proto__", "constructor", "toString", "length", "room", "id"];

const EDITS: readonly Edit[] = [
  (random, fields) => fields.toSpliced(random.below(fields.length), 1),
  (random, fields) => insert(random, fields, random.pick(fields)),
  (random, fields) => insert(random, fields, [random.pick(ODD_KEYS), random.pick(ODD_VALUES)]),
  (random, fields) => [...fields].sort(() => random.oneIn(2) ? 1 : -1),
  (random, fields) => change(random, fields, () => random.pick(ODD_VALUES)),
  (random, fields) => change(random, fields, () => random.pick(fields)[1]),
  (random, fields) => change(random, fields, (json) => `[${json}]`),
  (random, fields) => change(random, fields, (json) => ` ${json}`),
  (random, fields) => change(random, fields, (json) => escapeOne(random, json)),
];

/** The object's JSON with one or two changes to its fields. */
export function mutateJson(random: SeededRandom, object: object): string {
  let fields: Fields = Object.entries(object).map(([key, value]) => [key, JSON.stringify(value)]);
  for (let left = 1 + random.below(2); left > 0 && fields.length > 0; left -= 1) {
    fields = random.pick(EDITS)(random, fields);
  }
  return `{${fields.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(",")}}`;
}

function insert(random: SeededRandom, fields: Fields, field: Fields[number]): Fields {
  return fields.toSpliced(random.below(fields.length + 1), 0, field);
}

function change(random: SeededRandom, fields: Fields, to: (json: string) => string): Fields {
  const at = random.below(fields.length);
  return fields.map(([key, json], index) => [key, index === at ? to(json) : json]);
}

/** One character of a text as an escape that JSON does not need. */
function escapeOne(random: SeededRandom, json: string): string {
  const at = 1 + random.below(Math.max(1, json.length - 2));
  const escaped = `\\u${json.charCodeAt(at).toString(16).padStart(4, "0")}`;
  return json.slice(0, at) + escaped + json.slice(at + 1);
}
