/**
 * The decoders of what strangers prove themselves with: hellos and OPAQUE's messages.
 *
 * @module
 */

import { ml_kem768_x25519 as xWing } from "@noble/post-quantum/hybrid.js";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  clientLoginFinish,
  clientLoginStart,
  clientRegisterFinish,
  clientRegisterStart,
  createServerSetup,
  opaqueReady,
  registerLocally,
  serverLoginFinish,
  serverLoginStart,
  serverRegister,
} from "../../lib/auth/opaque.ts";
import { PeerError } from "../../lib/errors.ts";
import { encodeFrames } from "../../lib/framing.ts";
import { clientHandshake, serverHandshake } from "../../lib/protocol/handshake.ts";
import { concat } from "../attacks/proxy.ts";
import { unhex } from "../protocol/pipe.ts";
import vectors from "../testdata/protocol.json" with { type: "json" };
import { streamOf } from "./chunked.ts";
import { type Decoder, decoder } from "./fuzz.ts";
import { mutate, mutateText } from "./mutations.ts";
import type { SeededRandom } from "./seeded_random.ts";

const clientKeys = xWing.keygen(new Uint8Array(32));
const hellos = [vectors.outputs.clientHello, vectors.outputs.serverHello].map(unhex);

/** A hello in its frame, often changed, and then mostly before its body: a good one costs ms. */
function hello(random: SeededRandom): Uint8Array {
  if (random.oneIn(8)) return random.bytes(random.length(40));
  const bytes = encodeFrames([random.pick(hellos)]);
  if (random.oneIn(40)) return bytes;
  if (random.oneIn(20)) return mutate(random, bytes, hellos);
  return concat([mutate(random, bytes.subarray(0, 20), hellos), bytes.subarray(20)]);
}

const HELLO_ENDS = ["taken", "not-fernchat", "version-mismatch", "connection-cut"];

const clientHellos = decoder({
  name: "serverHandshake()",
  inputs: 4_000,
  throws: PeerError,
  ends: HELLO_ENDS,
  make: hello,
  decode: async (bytes) => void await serverHandshake(streamOf(bytes, [700])),
});

const serverHellos = decoder({
  name: "clientHandshake()",
  inputs: 4_000,
  throws: PeerError,
  ends: HELLO_ENDS,
  make: hello,
  async decode(bytes): Promise<void> {
    await clientHandshake(streamOf(bytes, [700]), { ...xWing, keygen: () => clientKeys });
  },
});

await opaqueReady;
const setup = createServerSetup();
const record = registerLocally(setup, "alice", "right");
const login = clientLoginStart("alice", "right");
const answer = serverLoginStart(setup, "alice", record, login.ke1);
const registration = clientRegisterStart("alice", "right");
const response = serverRegister(setup, "alice", registration.request);

/** One of OPAQUE's messages, altered in its text or bytes, or random in its length. */
function opaque(random: SeededRandom, valid: string): string {
  const bytes = Buffer.from(valid, "base64url");
  switch (random.below(4)) {
    case 0:
      return mutateText(random, valid, [valid]);
    case 1:
      return Buffer.from(random.bytes(bytes.length)).toString("base64url");
    case 2:
      return Buffer.from(random.bytes(random.length(400))).toString("base64url");
    default:
      return Buffer.from(mutate(random, bytes, [bytes])).toString("base64url");
  }
}

/** All of them are in WebAssembly, where 0.1 to 0.5 ms is usual. */
const OPAQUE: readonly Decoder[] = [
  decoder({
    name: "serverLoginStart()",
    inputs: 1_000,
    throws: PeerError,
    ends: ["taken", "message-invalid"],
    make: (random) => opaque(random, login.ke1),
    decode: (ke1) => void serverLoginStart(setup, "alice", record, ke1),
  }),
  decoder({
    name: "serverLoginFinish()",
    inputs: 8_000,
    throws: PeerError,
    ends: ["taken"],
    make: (random) => opaque(random, "A".repeat(86)),
    decode: (ke3) => assert.equal(serverLoginFinish(answer.pending, "alice", ke3), undefined),
  }),
  decoder({
    name: "serverRegister()",
    inputs: 2_000,
    throws: PeerError,
    ends: ["taken", "message-invalid"],
    make: (random) => opaque(random, registration.request),
    decode: (request) => void serverRegister(setup, "alice", request),
  }),
  // What these two take leads to the key stretching, a quarter of a second: so the first bytes, a
  // point of the curve, are spoilt always.
  decoder({
    name: "clientLoginFinish()",
    inputs: 500,
    throws: PeerError,
    ends: ["message-invalid"],
    make: (random) => `_____${opaque(random, answer.ke2).slice(5)}`,
    decode: (ke2) => void clientLoginFinish(login.pending, ke2),
  }),
  decoder({
    name: "clientRegisterFinish()",
    inputs: 500,
    throws: PeerError,
    ends: ["message-invalid"],
    make: (random) => `_____${opaque(random, response).slice(5)}`,
    decode: (response) => void clientRegisterFinish(registration.pending, response),
  }),
];

/** See the module's description. */
export const LOGIN_DECODERS: readonly Decoder[] = [clientHellos, serverHellos, ...OPAQUE];
