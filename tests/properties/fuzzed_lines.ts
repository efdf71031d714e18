/**
 * The parsers of what people type, pass and pipe in, and of what goes to their terminals.
 *
 * @module
 */

import assert from "node:assert/strict";
import { verifyCommand } from "../../lib/cli/log_verify.ts";
import { formatAddress, parseAddress } from "../../lib/client/address.ts";
import { interpret } from "../../lib/client/commands/interpret.ts";
import { inputLines } from "../../lib/client/input_lines.ts";
import { KeyDecoder } from "../../lib/client/terminal/keys.ts";
import { sanitizeText } from "../../lib/client/terminal/sanitize.ts";
import { CallerError, FernchatError } from "../../lib/errors.ts";
import { concat } from "../attacks/proxy.ts";
import { utf8 } from "../protocol/pipe.ts";
import { inPieces } from "./chunked.ts";
import { assertSame, type Decoder, decoder } from "./fuzz.ts";
import { mutate, mutateText, randomText } from "./mutations.ts";
import type { SeededRandom } from "./seeded_random.ts";

/** Random text, or one of these, as it is or altered. */
function like(examples: readonly string[]): (random: SeededRandom) => string {
  return (random) => {
    if (random.oneIn(8)) return randomText(random, 40);
    const example = random.pick(examples);
    return random.oneIn(8) ? example : mutateText(random, example, examples);
  };
}

/** Random bytes, or one of these texts, altered, in pieces. */
function pieces(examples: readonly string[]): (random: SeededRandom) => Uint8Array[] {
  const donors = examples.map(utf8);
  return (random) => {
    const bytes = random.oneIn(4)
      ? random.bytes(random.length(100))
      : mutate(random, random.pick(donors), donors);
    const cut = random.below(bytes.length + 1);
    return [bytes.subarray(0, cut), bytes.subarray(cut)];
  };
}

const addresses = decoder({
  name: "parseAddress()",
  inputs: 60_000,
  throws: CallerError,
  ends: ["taken", "address-invalid", "port-invalid"],
  make: like(["localhost", "127.0.0.1:5555", "[::1]:80", "[2001:db8::7]", "a.example:65535"]),
  decode(text): void {
    const address = parseAddress(text);
    const { hostname, port } = address;
    const forms = [hostname, `[${hostname}]`].flatMap((host) => [host, `${host}:${port}`]);
    const written = formatAddress(address);
    assert.ok(forms.includes(written) && /^[^:]+:\d+$|^\[.*\]:\d+$/.test(written), written);
    assert.ok(text.startsWith(hostname) || text.startsWith(`[${hostname}]`));
  },
});

const typedLines = decoder({
  name: "interpret()",
  inputs: 90_000,
  throws: CallerError,
  ends: ["taken", "command-unknown"],
  make: like(["hello", "/help head", "//text", "/head", " exit ", "/quit now", "/?", ""]),
  decode: (line) => void interpret(line),
});

const CHAIN = "0123456789abcdef".repeat(4);
const notedHeads = decoder({
  name: "log verify --head",
  inputs: 8_000,
  throws: FernchatError,
  ends: ["head-malformed", "database-missing"], // a good head is followed by a look for a database
  make: like([`lobby 7 ${CHAIN}`, `Log head: a_b-c 0 ${CHAIN}`, `-- lobby 12345 ${CHAIN}`]),
  decode: (text) => verifyCommand({ db: "/nowhere/chat_logs.db", heads: [text], json: true }),
});

const pipedLines = decoder({
  name: "inputLines()",
  inputs: 6_000, // each reads into a buffer of 64 KiB of its own
  throws: CallerError,
  ends: ["taken"],
  make: pieces(["one\r\ntwo\n", "é\n\n", "no end", '{"type":"command","line":"/head"}\n']),
  async decode(input): Promise<void> {
    const bytes = concat(input);
    const sizes = input.map(({ length }) => length + 1);
    const lines = await Array.fromAsync(inputLines(inPieces(bytes, sizes)));
    const sent = splitLines(bytes);
    assert.equal(lines.length, sent.length);
    for (const [at, line] of lines.entries()) {
      if ("text" in line) assertSame(utf8(line.text), sent[at] as Uint8Array);
    }
  },
});

/** The lines' bytes without their ends; a last line without an end is one, an empty one is none. */
function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    lines.push(bytes.subarray(start, bytes[end - 1] === 0x0d && end > start ? end - 1 : end));
    start = end + 1;
  }
  return lines;
}

// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f-\x9f]/;

const keys = decoder({
  name: "KeyDecoder",
  inputs: 20_000,
  throws: CallerError,
  ends: ["taken"],
  make: pieces(["é\x1b[D", "\x1b[200~pasted\n\x1b[201~", "\x1bOA\x1b\x7f", "\x1b[[A\x03", "a\x1b"]),
  decode(input): void {
    const decoder = new KeyDecoder();
    const pressed = [...input.flatMap((bytes) => decoder.push(bytes)), ...decoder.flush()];
    for (const key of pressed) if (key.kind === "text") assert.doesNotMatch(key.text, CONTROL);
  },
});

const shownTexts = decoder({
  name: "sanitizeText()",
  inputs: 75_000,
  throws: CallerError,
  ends: ["taken"],
  make: like(["\x1b[2Jhi", "exe\u202etxt.", "a\r\nb", "👩‍🔬 é", "می\u200cخواهم", "Z\u0301\u0301"]),
  decode(text): void {
    const shown = sanitizeText(text);
    assert.doesNotMatch(shown, CONTROL);
    assert.ok(shown.isWellFormed() && shown.length <= 8 * text.length);
  },
});

/** See the module's description. */
export const LINE_DECODERS: readonly Decoder[] = [
  addresses,
  typedLines,
  notedHeads,
  pipedLines,
  keys,
  shownTexts,
];
