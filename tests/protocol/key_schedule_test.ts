/**
 * The key schedule: RFC 5869's answers, our own vectors, and that every input matters.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash, createHmac } from "node:crypto";
import assert from "node:assert/strict";
import { encodeFrames } from "../../lib/framing.ts";
import {
  expandLabel,
  handshakeSecret,
  hkdfExtract,
  masterSecret,
  nextTrafficSecret,
  trafficKey,
  type TrafficSecrets,
  trafficSecrets,
} from "../../lib/protocol/key_schedule.ts";
import vectors from "../testdata/protocol.json" with { type: "json" };
import xwing from "../testdata/xwing.json" with { type: "json" };
import { flipBit, hex, unhex, utf8 } from "./pipe.ts";

const { inputs, outputs } = vectors;
const SECRET = new Uint8Array(32).fill(1);
const TRANSCRIPT = new Uint8Array(32).fill(2);
const LOGIN_KEY = new Uint8Array(64).fill(3);

Deno.test("hkdfExtract gives RFC 5869's answers A.1 and A.3", () => {
  const inputKey = new Uint8Array(22).fill(0x0b);
  assert.equal(
    hex(hkdfExtract(unhex("000102030405060708090a0b0c"), inputKey)),
    "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
  );
  assert.equal(
    hex(hkdfExtract(new Uint8Array(), inputKey)),
    "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
  );
});

Deno.test("an empty salt is 32 zero bytes, as RFC 5869 section 2.2 says", () => {
  const withEmpty = hkdfExtract(new Uint8Array(), SECRET);
  assert.equal(hex(withEmpty), hex(hkdfExtract(new Uint8Array(32), SECRET)));
  assert.equal(hex(withEmpty), hex(handshakeSecret(SECRET)));
});

Deno.test("expandLabel is one HMAC over RFC 8446's HkdfLabel with our prefix", () => {
  const label = Buffer.concat([
    Uint8Array.of(0, 32, "fern1 c hs traffic".length),
    utf8("fern1 c hs traffic"),
    Uint8Array.of(TRANSCRIPT.length),
    TRANSCRIPT,
    Uint8Array.of(1), // RFC 5869 section 2.3: the number of the block
  ]);
  const expected = createHmac("sha256", SECRET).update(label).digest("hex");
  assert.equal(hex(expandLabel(SECRET, "c hs traffic", TRANSCRIPT, 32)), expected);
});

Deno.test("the handshake secret and its traffic secrets are the vectors'", () => {
  const shared = unhex(xwing.vectors[inputs.xwingVector]!.sharedSecret);
  const secret = handshakeSecret(shared);
  assert.equal(hex(secret), outputs.handshakeSecret);
  const traffic = trafficSecrets(secret, "hs", unhex(outputs.transcript));
  assert.deepEqual(describe(traffic), outputs.hs);
});

Deno.test("the transcripts are the vectors'", () => {
  const hellos = encodeFrames([unhex(outputs.clientHello), unhex(outputs.serverHello)]);
  assert.equal(sha256(hellos), outputs.transcript);
  const messages = encodeFrames(inputs.loginMessages.map(utf8));
  assert.equal(sha256(unhex(outputs.transcript), messages), outputs.loginTranscript);
});

Deno.test("the master secret and its traffic secrets are the vectors'", () => {
  const handshake = unhex(outputs.handshakeSecret);
  const master = masterSecret(handshake, unhex(outputs.transcript), unhex(inputs.loginKey));
  assert.equal(hex(master), outputs.masterSecret);
  const traffic = trafficSecrets(master, "ap", unhex(outputs.loginTranscript));
  assert.deepEqual(describe(traffic), outputs.ap);
});

Deno.test("the key after a key update is the vectors'", () => {
  const next = nextTrafficSecret(unhex(outputs.hs.client.secret));
  assert.deepEqual(describeOne(next), outputs.afterKeyUpdate);
});

Deno.test("every value in PROTOCOL.md's appendix is one of the vectors'", async () => {
  const page = new URL("../../lib/protocol/PROTOCOL.md", import.meta.url);
  const [, appendix] = (await Deno.readTextFile(page)).split("The short ones:");
  const values = appendix?.match(/\b[0-9a-f]{24,}\b/g) ?? [];
  const known = JSON.stringify([outputs, xwing.vectors]);
  for (const value of values) assert.ok(known.includes(`"${value}"`), value);
  assert.ok(values.length >= 15);
});

Deno.test("every direction, stage and purpose has a key of its own", () => {
  const hs = trafficSecrets(SECRET, "hs", TRANSCRIPT);
  const ap = trafficSecrets(SECRET, "ap", TRANSCRIPT);
  const secrets = [hs, ap].flatMap((one) => [one.clientToServer, one.serverToClient]);
  const all = secrets.flatMap((one) => [one, nextTrafficSecret(one), trafficKey(one).key]);
  assert.equal(new Set([...all, SECRET, TRANSCRIPT].map(hex)).size, all.length + 2);
});

Deno.test("one bit of any input changes the master secret", () => {
  const parts: Uint8Array[] = [SECRET, TRANSCRIPT, LOGIN_KEY];
  const master = ([secret, transcript, key]: Uint8Array[]): string =>
    hex(masterSecret(secret!, transcript!, key!));
  const results = new Set([master(parts)]);
  for (const [at, part] of parts.entries()) {
    for (const bit of [0, part.length * 8 - 1]) {
      results.add(master(parts.with(at, flipBit(part, bit))));
    }
  }
  assert.equal(results.size, 7);
});

Deno.test("one bit of the transcript changes both traffic secrets", () => {
  const before = trafficSecrets(SECRET, "hs", TRANSCRIPT);
  const after = trafficSecrets(SECRET, "hs", flipBit(TRANSCRIPT, 255));
  assert.notEqual(hex(before.clientToServer), hex(after.clientToServer));
  assert.notEqual(hex(before.serverToClient), hex(after.serverToClient));
});

function describe(traffic: TrafficSecrets): typeof outputs.hs {
  return {
    client: describeOne(traffic.clientToServer),
    server: describeOne(traffic.serverToClient),
  };
}

function describeOne(secret: Uint8Array): typeof outputs.hs.client {
  const { key, iv } = trafficKey(secret);
  return { secret: hex(secret), key: hex(key), iv: hex(iv) };
}

function sha256(...parts: Uint8Array[]): string {
  return createHash("sha256").update(Buffer.concat(parts)).digest("hex");
}
