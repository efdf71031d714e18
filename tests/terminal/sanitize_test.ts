import assert from "node:assert/strict";
import fc from "fast-check";
import { sanitizeText } from "../../lib/client/terminal/sanitize.ts";

/** What is wrong with the text, the text, what must be shown. */
const HOSTILE: [string, string, string][] = [
  ["clearing the screen", "\x1b[2Jhi", "␛[2Jhi"],
  ["retitling the window", "\x1b]0;pwned\x07", "␛]0;pwned␇"],
  ["8-bit CSI", "\x9b31mred", "\\u{9b}31mred"],
  ["8-bit OSC and ST", "\x9d52;c;eA==\x9c", "\\u{9d}52;c;eA==\\u{9c}"],
  ["next line NEL", "a\x85b", "a\\u{85}b"],
  ["rubbing out", "safe\b\b\b\bevil", "safe␈␈␈␈evil"],
  ["returning to the margin", "safe\revil", "safe␍evil"],
  ["NUL and DEL", "a\0b\x7fc", "a␀b␡c"],
  ["a tab", "a\tb", "a b"],
  ["a forged line", "hi\n[12:00:00] user2: lies", "hi ⏎ [12:00:00] user2: lies"],
  ["a Windows newline", "a\r\nb", "a ⏎ b"],
  ["line and paragraph separators", "a\u2028b\u2029c", "a\\u{2028}b\\u{2029}c"],
  ["right-to-left override", "exe\u202etxt.", "exe\\u{202e}txt."],
  ["isolates", "\u2066a\u2069", "\\u{2066}a\\u{2069}"],
  ["direction marks", "a\u200e\u200f\u061cb", "a\\u{200e}\\u{200f}\\u{61c}b"],
  ["zero-width space", "us\u200ber1", "us\\u{200b}er1"],
  ["zero-width non-joiner in Latin", "us\u200cer1", "us\\u{200c}er1"],
  ["zero-width joiner in Latin", "us\u200der1", "us\\u{200d}er1"],
  ["soft hyphen and word joiner", "a\u00ad\u2060b", "a\\u{ad}\\u{2060}b"],
  ["byte order mark", "\ufeffa", "\\u{feff}a"],
  ["Hangul filler, blank but a letter", "\u3164", "\\u{3164}"],
  ["text hidden in tags", "ok\u{e0001}\u{e0068}", "ok\\u{e0001}\\u{e0068}"],
  ["bytes hidden in variation selectors", "a\ufe00\u{e0101}", "a\\u{fe00}\\u{e0101}"],
  ["an emoji selector on a letter", "a\ufe0f", "a\\u{fe0f}"],
  ["a joiner after an emoji, before nothing", "😀\u200d", "😀\\u{200d}"],
  ["interlinear annotation", "\ufff9a\ufffab\ufffb", "\\u{fff9}a\\u{fffa}b\\u{fffb}"],
  ["lone surrogates", "a\ud800b\udc00", "a\\u{d800}b\\u{dc00}"],
  ["private use", "\ue000\u{f0000}", "\\u{e000}\\u{f0000}"],
  ["noncharacters", "\ufffe\ufdd0\u{10ffff}", "\\u{fffe}\\u{fdd0}\\u{10ffff}"],
  ["zalgo", "Z" + "\u0301".repeat(50) + "!", "Z\u0301\u0301\u0301\u0301!"],
  ["enclosing marks", "a" + "\u20e0".repeat(9), "a\u20e0\u20e0\u20e0\u20e0"],
  [
    "zalgo held together by joiners",
    "क" + "\u0941\u0941\u0941\u0941\u200d".repeat(9),
    "क\u0941\u0941\u0941\u0941\\u{200d}",
  ],
  ["Hangul vowels piled up", "\u1100" + "\u1161".repeat(9), "\u1100\u1161\u1161\u1161\u1161"],
  ["what is no vowel among the Hangul vowels", "\ud7ca\u0301", "\\u{d7ca}\u0301"],
  ["a mark over what came before the text", "\u20e0hi", "◌\u20e0hi"],
];

/** What people write must stay as it is. */
const HONEST = [
  "plain text, \\ and all ~",
  "naïve café, ße, ﬁ",
  "nai\u0308ve, décomposé: e\u0301",
  "Tiếng Việt: e\u0302\u0301",
  "你好，世界　全角",
  "한국어, 日本語, 葛\u{e0100}城市",
  "שָׁלוֹם עֲלֵיכֶם",
  "العربية ۝, می\u200cخواهم",
  "हिन्दी क्\u200dष, தமிழ்",
  "བོད་སྐད།",
  "👨‍👩‍👧‍👦 👍🏽 ❤️ 🏳️‍🌈 🇪🇺 1️⃣ ☎︎ 👩🏽‍💻",
  "∑ → ½ € ␛ ⏎",
];

Deno.test("sanitizeText() shows hostile text as harmless text", async (t) => {
  for (const [what, hostile, shown] of HOSTILE) {
    await t.step(what, () => assert.equal(sanitizeText(hostile), shown));
  }
});

Deno.test("sanitizeText() leaves what people write as it is", () => {
  for (const text of HONEST) assert.equal(sanitizeText(text), text);
});

Deno.test("sanitizeText() makes one line of several", () => {
  assert.equal(sanitizeText("é\r\nb\nc\n"), "é ⏎ b ⏎ c ⏎ ");
  assert.equal(sanitizeText("a\n\u0301"), "a ⏎ ◌\u0301");
});

/** Strings rich in what matters: pieces of the hostile and honest tables, and any code units. */
const nasty = fc.array(
  fc.oneof(
    fc.constantFrom(
      ...[...HOSTILE.map(([, text]) => text), ...HONEST].flatMap((text) => [...text]),
    ),
    fc.string({ unit: "binary" }),
    fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  ),
).map((pieces) => pieces.join(""));

/** Nothing of this may ever reach a terminal. */
// deno-lint-ignore no-control-regex
const FORBIDDEN = /[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f]/;

Deno.test("sanitizeText() lets no control or bidi character through, and is idempotent", () => {
  fc.assert(
    fc.property(nasty, (text) => {
      const once = sanitizeText(text);
      assert.doesNotMatch(once, FORBIDDEN);
      assert.doesNotMatch(once, /\p{Co}|\p{Cn}|\p{Cs}|[\u{e0000}-\u{e007f}]/u);
      assert.doesNotMatch(once, /(?:[\p{Mn}\p{Me}][\u200c\u200d]?){10}/u);
      assert.ok(once.isWellFormed());
      assert.ok(once.length <= 8 * text.length);
      assert.equal(sanitizeText(once), once);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("sanitizeText() is quick on a long hostile text", () => {
  for (const unit of ["\u0301", "\u200d", "😀\u200d", "\x1b", "\u202e", "क्\u200d", "1\ufe0f"]) {
    const started = performance.now();
    sanitizeText(unit.repeat(65_536));
    // Linear takes 0.1 s at most; quadratic would take minutes.
    assert.ok(performance.now() - started < 5000, `quadratic for ${escape(unit)}`);
  }
});
