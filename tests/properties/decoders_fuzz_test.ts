/**
 * One million random inputs, over everything that reads what others wrote. Each is taken for exactly
 * what it says or refused with a typed error; nothing hangs, and memory stays within its bound. Which
 * kinds of input each decoder gets is in `fuzzed_*.ts`. A failure names its seed: run the file again
 * with the variable `FERNCHAT_FUZZ_SEED` set to it, or to any other text for other inputs.
 *
 * Some take longer than a second, because there are a million of them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { runJsonMode } from "../../lib/client/json_mode.ts";
import type { ClientEvent } from "../../lib/client/events.ts";
import { ExitCode } from "../../lib/errors.ts";
import { ALICE, TestServer } from "../attacks/server.ts";
import { utf8 } from "../protocol/pipe.ts";
import { inPieces } from "./chunked.ts";
import { fuzz, SEED } from "./fuzz.ts";
import { LINE_DECODERS } from "./fuzzed_lines.ts";
import { LOGIN_DECODERS } from "./fuzzed_logins.ts";
import { MESSAGE_DECODERS } from "./fuzzed_messages.ts";
import { STREAM_DECODERS } from "./fuzzed_streams.ts";
import { TOKEN_DECODERS } from "./fuzzed_tokens.ts";
import { mutateJson } from "./json_mutations.ts";
import { mutateText, randomText } from "./mutations.ts";
import { SeededRandom } from "./seeded_random.ts";

const DECODERS = [
  ...STREAM_DECODERS,
  ...MESSAGE_DECODERS,
  ...LOGIN_DECODERS,
  ...TOKEN_DECODERS,
  ...LINE_DECODERS,
];

/** Lines of the client's JSON mode, in one run of it on a connection to a real server. */
const JSON_LINES = 3_000;

Deno.test("the random inputs are one million", () => {
  const inputs = DECODERS.reduce((sum, decoder) => sum + decoder.inputs, JSON_LINES);
  assert.equal(inputs, 1_000_000);
});

for (const decoder of DECODERS) {
  Deno.test(`${decoder.name}: ${decoder.inputs} random inputs`, () => fuzz(decoder));
}

const COMMANDS = [
  { type: "send", room: "lobby", text: "hello" },
  { type: "send", room: "lobby", text: "hi", id: "m-1" },
  { type: "send", room: "lobby", text: "hi", id: "no id" },
  { type: "send", room: "lobby", text: "\ud800" },
  { type: "send", room: "physics", text: "hi" },
  { type: "command", line: "/head" },
  { type: "command", line: "/nothing" },
];

function jsonLine(random: SeededRandom): string {
  const command = random.pick(COMMANDS);
  const json = JSON.stringify(command);
  const line = random.oneIn(8)
    ? randomText(random, 20)
    : random.oneIn(2)
    ? mutateText(random, json, [json])
    : mutateJson(random, command);
  return line.replaceAll(/[\r\n]/g, " ");
}

/** DESIGN.md section 6; a blank line is nothing. */
function isCommand(line: string): boolean {
  if (line.trim() === "") return true;
  const { type, ...fields } = JSON.parse(line);
  const names = Object.keys(fields).sort().join();
  return Object.values(fields).every((value) => typeof value === "string") &&
    (type === "command" ? names === "line" : type === "send" && /^(?:id,)?room,text$/.test(names));
}

Deno.test(`JSON mode: ${JSON_LINES} random lines`, async () => {
  const random = new SeededRandom(`${SEED}/JSON mode`);
  const lines = Array.from({ length: JSON_LINES }, () => jsonLine(random));
  await using server = await TestServer.start([ALICE]);
  const events: ClientEvent[] = [];
  const exitCode = await runJsonMode(await server.connect(ALICE), {
    input: inPieces(utf8(lines.join("\n")), [1000]),
    output: {
      write(line): Promise<number> {
        events.push(JSON.parse(new TextDecoder().decode(line)));
        return Promise.resolve(line.length);
      },
    },
    complain: (line) => assert.fail(line),
  }, 0);
  const errors = events.filter((event) => event.type === "error");
  const refused = new Set(
    errors.map(({ message }) => /^Line (\d+) was not sent/.exec(message)?.[1]),
  );
  for (const [at, line] of lines.entries()) {
    assert.ok(refused.has(String(at + 1)) || isCommand(line), `taken: ${line}`);
  }
  const codes = ["command-unknown", "id-invalid", "input-invalid", "room-unknown", "text-invalid"];
  assert.deepEqual([...new Set(errors.map(({ code }) => code))].sort(), codes, SEED);
  assert.ok(events.some(({ type }) => type === "ack"), "no line was good");
  assert.deepEqual(events.at(-1), { type: "closed", reason: "left", message: "You left" });
  assert.equal(exitCode, ExitCode.failure);
});
