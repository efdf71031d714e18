/**
 * The key schedule, the records and the log's chain, written a second time from PROTOCOL.md's words
 * in Python (`protocol_oracle.py`), come out the same.
 *
 * `FERNCHAT_PYTHON` names the interpreter; without it the tests are ignored where no Python has
 * `cryptography`.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { FernetKey } from "../../lib/fernet.ts";
import { chainNext, chainStart } from "../../lib/log/chain.ts";
import { RecordOpener, RecordSealer, RecordType } from "../../lib/protocol/record.ts";
import { decodePayload } from "../../lib/rooms/payload.ts";
import { hex, unhex } from "../protocol/pipe.ts";
import vectors from "../testdata/protocol.json" with { type: "json" };
import xwing from "../testdata/xwing.json" with { type: "json" };
import { findPython } from "./fernet_support.ts";

/** A record before it is sealed or after it was opened, as the oracle knows it. */
interface PlainRecord {
  type: number;
  content: string;
}

const python = findPython();
const SECRET = new Uint8Array(32).fill(7);
const USAGE = { records: 5, bytes: 2 ** 30 };

/** Contents of 1 to 70 bytes, then of many blocks. */
const contents = [...Array(70).keys(), 1000, 65536].map((at) => new Uint8Array(at + 1).fill(at));

/** Runs the oracle for one question. */
async function ask<Answer>(
  question: { command: string; [name: string]: unknown },
): Promise<Answer> {
  const script = decodeURIComponent(new URL("protocol_oracle.py", import.meta.url).pathname);
  const pipes = { stdin: "piped", stdout: "piped" } as const;
  const process = new Deno.Command(python!, { args: [script], ...pipes }).spawn();
  const input = process.stdin.getWriter();
  await input.write(new TextEncoder().encode(`${JSON.stringify(question)}\n`));
  await input.close();
  const { stdout } = await process.output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

function testWithPython(name: string, test: () => Promise<void>): void {
  Deno.test({ name: `Python ${name}`, ignore: python === undefined, fn: test });
}

/** All contents as records of this side, a key update before every sixth. */
function sealHere(): Uint8Array[] {
  const sealer = new RecordSealer(SECRET, USAGE);
  return contents.flatMap((content) => sealer.seal(RecordType.messages, content));
}

/** The same contents and key updates, not sealed. */
function plainRecords(): PlainRecord[] {
  const opener = new RecordOpener(SECRET);
  return sealHere().map((record) => {
    const { type, content } = opener.open(record);
    return { type, content: hex(content) };
  });
}

Deno.test("our chain is the vectors', and their tokens hold their envelopes", () => {
  const { entries, fernetKey, room } = vectors.inputs;
  const key = FernetKey.parse(fernetKey);
  assert.deepEqual(chainOf(room, entries), vectors.outputs.chain);
  for (const { key_id, token, ...envelope } of entries) {
    assert.equal(key_id, key.id);
    const { text } = decodePayload(envelope, key.decryptText(token));
    assert.match(text, /^(hello|Zürich 漢字 😀)$/);
  }
});

testWithPython("computes every output of the protocol's vectors", async () => {
  const share = xwing.vectors[vectors.inputs.xwingVector]!;
  const { publicKey: clientShare, cipherText: serverShare, sharedSecret } = share;
  const inputs = { ...vectors.inputs, clientShare, serverShare, sharedSecret };
  assert.deepEqual(await ask({ command: "vectors", inputs }), vectors.outputs);
});

testWithPython("seals the same records, over many key updates", async () => {
  const records = plainRecords();
  assert.ok(records.filter(({ type }) => type === RecordType.keyUpdate).length > 10);
  const sealed = await ask({ command: "seal", secret: hex(SECRET), records });
  assert.deepEqual(sealed, sealHere().map(hex));
});

testWithPython("opens our records, over many key updates", async () => {
  const records = sealHere().map(hex);
  const opened = await ask({ command: "open", secret: hex(SECRET), records });
  assert.deepEqual(opened, plainRecords());
});

testWithPython("refuses what we refuse: a record altered, repeated or too early", async () => {
  const [first, second] = sealHere() as [Uint8Array, Uint8Array];
  const altered = first.with(0, first[0]! ^ 1);
  const records = [second, altered, first, first, second].map(hex);
  const opened = await ask<(PlainRecord | null)[]>({
    command: "open",
    secret: hex(SECRET),
    records,
  });
  const opener = new RecordOpener(SECRET);
  assert.deepEqual(opened.map((one) => one !== null), records.map((one) => opens(opener, one)));
  assert.deepEqual(opened.map((one) => one !== null), [false, false, true, false, true]);
});

testWithPython("chains the same values over any entries", async () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "\0", "\n", "é", "漢", "😀"),
    maxLength: 40,
  });
  const entry = fc.record({
    room: text,
    seq: fc.maxSafeNat(),
    sender: text,
    sent_at: text,
    key_id: text,
    id: text,
    token: text,
  });
  const entries = fc.sample(entry, { numRuns: 200, seed: 1 });
  const values = await ask({ command: "chain", room: "lobby", entries });
  assert.deepEqual(values, chainOf("lobby", entries));
});

/** The start value and the value after each entry, by lib/. */
function chainOf(start: string, entries: typeof vectors.inputs.entries): string[] {
  const values = [chainStart(start)];
  for (const { room, seq, sender, sent_at: sentAt, key_id: keyId, id, token } of entries) {
    const stored = { room, seq, sender, sentAt, keyId, messageId: id, token };
    values.push(chainNext(values.at(-1)!, stored));
  }
  return values;
}

function opens(opener: RecordOpener, record: string): boolean {
  try {
    opener.open(unhex(record));
    return true;
  } catch {
    return false;
  }
}
