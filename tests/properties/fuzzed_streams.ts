/**
 * The decoders of a stream of bytes: frames, records, and both under a channel.
 *
 * @module
 */

import assert from "node:assert/strict";
import { PeerError } from "../../lib/errors.ts";
import { decodeFrames, encodeFrames, FrameReader } from "../../lib/framing.ts";
import { SecureChannel } from "../../lib/protocol/channel.ts";
import { trafficSecrets } from "../../lib/protocol/key_schedule.ts";
import { MAX_FRAME_BYTES_BEFORE_LOGIN } from "../../lib/protocol/limits.ts";
import { decodeClientMessage, encodeClientMessage } from "../../lib/protocol/messages.ts";
import { type OpenedRecord, RecordOpener, RecordType } from "../../lib/protocol/record.ts";
import { concat } from "../attacks/proxy.ts";
import { unhex } from "../protocol/pipe.ts";
import vectors from "../testdata/protocol.json" with { type: "json" };
import { inPieces, streamOf } from "./chunked.ts";
import { assertSame, type Decoder, decoder } from "./fuzz.ts";
import { clientSamples } from "./fuzzed_messages.ts";
import { mutate } from "./mutations.ts";
import { RecordForger } from "./record_forger.ts";
import type { SeededRandom } from "./seeded_random.ts";

/** A limit that the inputs often exceed. */
const MAX_FRAME = 120;

/** Frames, whole ones or with changes, or random bytes. */
function frames(random: SeededRandom): Uint8Array {
  if (random.oneIn(8)) return random.bytes(random.length(64));
  const count = random.below(4);
  const payloads = Array.from({ length: count }, () => random.bytes(random.length(60)));
  const bytes = encodeFrames(payloads);
  return random.oneIn(4) ? bytes : mutate(random, bytes, [bytes]);
}

const decodingFrames = decoder({
  name: "decodeFrames()",
  inputs: 250_000,
  throws: PeerError,
  ends: ["taken", "frame-truncated"],
  make: frames,
  decode: (bytes) => assertSame(encodeFrames(decodeFrames(bytes)), bytes),
});

const readingFrames = decoder({
  name: "FrameReader",
  inputs: 60_000,
  throws: PeerError,
  ends: ["taken", "frame-truncated", "frame-too-large"],
  make: (random) => ({
    bytes: frames(random),
    sizes: Array.from({ length: 3 }, () => 1 + random.length(40)),
  }),
  async decode({ bytes, sizes }): Promise<void> {
    const reader = new FrameReader(inPieces(bytes, sizes), MAX_FRAME);
    const payloads: Uint8Array[] = [];
    for (let next = await reader.next(); next !== null; next = await reader.next()) {
      assert.ok(next.length <= MAX_FRAME);
      payloads.push(next);
    }
    assertSame(encodeFrames(payloads), bytes);
  },
});

/** A record on its way, and what has to be in it if it is the next one and well formed. */
interface Sent {
  record: Uint8Array;
  opens?: { type: number; content: Uint8Array };
}

/** One opener for all inputs: a refusal must leave its state. After a close, a new one. */
class FuzzedOpener implements Decoder<Sent> {
  readonly name = "RecordOpener";
  readonly inputs = 40_000;
  readonly throws = PeerError;
  readonly ends = ["taken", "record-invalid"];
  #generation = 0;
  #opener = new RecordOpener(new Uint8Array(32));
  #forger = new RecordForger(new Uint8Array(32));
  #earlier: Uint8Array[] = [];

  make(random: SeededRandom): Sent {
    if (random.oneIn(16)) return { record: random.bytes(random.length(80)) };
    if (random.oneIn(16) && this.#earlier.length > 0) return { record: random.pick(this.#earlier) };
    const type = random.oneIn(4) ? random.below(6) : RecordType.messages;
    const content = random.bytes(random.oneIn(4) ? 0 : random.length(60));
    if (random.oneIn(32)) return { record: this.#forger.seal(new Uint8Array()) };
    const record = this.#forger.seal(concat([Uint8Array.of(type), content]));
    if (random.oneIn(2)) return { record: this.#altered(random, record) };
    const isShaped = type === RecordType.messages
      ? content.length > 0
      : (type === RecordType.keyUpdate || type === RecordType.close) && content.length === 0;
    return isShaped ? { record, opens: { type, content } } : { record };
  }

  decode({ record, opens }: Sent): void {
    if (opens === undefined) {
      this.#opener.open(record);
      assert.fail("what opened is not the next record");
    }
    const { type, content } = this.#openDue(record);
    assert.equal(type, opens.type);
    assertSame(content, opens.content);
    this.#earlier = [...this.#earlier.slice(-7), record];
    this.#forger.advance();
    if (type === RecordType.keyUpdate) this.#forger.updateKey();
    if (type === RecordType.close) this.#replace(record);
  }

  /** Whatever was refused before, the record that is due opens. */
  #openDue(record: Uint8Array): OpenedRecord {
    try {
      return this.#opener.open(record);
    } catch (cause) {
      throw new Error("the next record does not open", { cause });
    }
  }

  /** A change that is one: two may cancel each other out. */
  #altered(random: SeededRandom, record: Uint8Array): Uint8Array {
    const altered = mutate(random, record, [record]);
    const isSame = altered.length === record.length &&
      altered.every((byte, at) => byte === record[at]);
    return isSame ? record.subarray(1) : altered;
  }

  #replace(close: Uint8Array): void {
    const behind = this.#forger.seal(Uint8Array.of(RecordType.messages, 1));
    for (const late of [close, behind]) assert.throws(() => this.#opener.open(late), PeerError);
    const secret = new Uint8Array(32).fill(++this.#generation);
    this.#opener = new RecordOpener(secret);
    this.#forger = new RecordForger(secret);
  }
}

const handshake = {
  secret: unhex(vectors.outputs.handshakeSecret),
  transcript: unhex(vectors.outputs.transcript),
};
const traffic = trafficSecrets(handshake.secret, "hs", handshake.transcript);

/** Records of messages, of garbage and of both; as a rule a close; changed in one of two streams. */
function conversation(random: SeededRandom): Uint8Array {
  const forger = new RecordForger(traffic.clientToServer);
  const records = Array.from({ length: random.below(4) }, () => {
    const message = random.pick(clientSamples);
    const content = random.oneIn(3) ? mutate(random, message, clientSamples) : message;
    const inside = encodeFrames([content]);
    const plaintext = random.oneIn(8) ? mutate(random, inside, [inside]) : inside;
    const record = forger.seal(concat([Uint8Array.of(RecordType.messages), plaintext]));
    forger.advance();
    return record;
  });
  if (!random.oneIn(6)) records.push(forger.seal(Uint8Array.of(RecordType.close)));
  const bytes = encodeFrames(records);
  return random.oneIn(2) ? bytes : mutate(random, bytes, clientSamples);
}

const channel = decoder({
  name: "SecureChannel with decodeClientMessage()",
  inputs: 3_000, // 0.2 ms each: keys are derived
  throws: PeerError,
  ends: [
    ...["taken", "connection-cut", "frame-truncated", "frame-too-large", "record-invalid"],
    "message-invalid",
  ],
  make: conversation,
  async decode(bytes): Promise<void> {
    const stream = streamOf(bytes);
    const reader = new FrameReader(stream, MAX_FRAME_BYTES_BEFORE_LOGIN);
    const channel = new SecureChannel("server", stream, { ...handshake, traffic, reader });
    for (let next = await channel.receive(); next !== null; next = await channel.receive()) {
      assertSame(encodeClientMessage(decodeClientMessage(next)), next);
    }
  },
});

/** See the module's description. */
export const STREAM_DECODERS: readonly Decoder[] = [
  decodingFrames,
  readingFrames,
  decoder(new FuzzedOpener()),
  channel,
];
