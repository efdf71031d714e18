/**
 * The handshake: both sides agree, or the one that notices says why. Nothing here proves who the
 * other side is: that is the login's work.
 *
 * @module
 */

import { ml_kem768_x25519 as xWing } from "@noble/post-quantum/hybrid.js";
import fc from "fast-check";
import assert from "node:assert/strict";
import { PeerError, type PeerFault } from "../../lib/errors.ts";
import { encodeFrames, frameHeader } from "../../lib/framing.ts";
import {
  clientHandshake,
  type HandshakeResult,
  type Kem,
  KEM_CIPHERTEXT_BYTES,
  KEM_PUBLIC_KEY_BYTES,
  serverHandshake,
} from "../../lib/protocol/handshake.ts";
import { MAX_FRAME_BYTES_BEFORE_LOGIN } from "../../lib/protocol/limits.ts";
import vectors from "../testdata/protocol.json" with { type: "json" };
import xwing from "../testdata/xwing.json" with { type: "json" };
import { createPipe, fault, flipBit, hex, type PipeOptions, unhex, utf8 } from "./pipe.ts";

const vector = xwing.vectors[vectors.inputs.xwingVector]!;

/** X-Wing with the vector's randomness. */
const fixedKem: Kem = {
  keygen: () => xWing.keygen(unhex(vector.seed)),
  encapsulate: (key) => xWing.encapsulate(key, unhex(vector.encapsulationSeed)),
  decapsulate: (cipherText, key) => xWing.decapsulate(cipherText, key),
};

const MAGIC = utf8("fernchat");
const CLIENT_HELLO = unhex(vectors.outputs.clientHello);
const SERVER_HELLO = unhex(vectors.outputs.serverHello);

/** A hello's payload, of any version and body. */
function hello(version: number, body: Uint8Array): Uint8Array {
  return Uint8Array.of(...MAGIC, version >> 8, version & 0xff, ...body);
}

async function shakeHands(
  options: PipeOptions = {},
): Promise<{ results: HandshakeResult[]; written: string[] }> {
  const pipe = createPipe(options);
  const results = await Promise.all([
    clientHandshake(pipe.client, fixedKem),
    serverHandshake(pipe.server, { kem: fixedKem }),
  ]);
  const written = [pipe.client, pipe.server].map((end) => end.writes.map(hex).join(""));
  return { results, written };
}

/** What the server does with these bytes and the end of the stream; and what it answers. */
async function serverAfter(
  bytes: Uint8Array,
): Promise<{ error: PeerError; answer: Uint8Array[] }> {
  const { client, server } = createPipe();
  await client.write(bytes);
  client.endWrites();
  return { error: await peerErrorOf(serverHandshake(server)), answer: server.writes };
}

/** What the client does if these bytes are the server's answer. */
async function clientAfter(bytes: Uint8Array): Promise<PeerError> {
  const { client, server } = createPipe();
  const handshake = peerErrorOf(clientHandshake(client));
  await server.write(bytes);
  server.close();
  return await handshake;
}

async function peerErrorOf(handshake: Promise<unknown>): Promise<PeerError> {
  const error = await handshake.then(() => undefined, (error) => error);
  assert.ok(error instanceof PeerError, `not a PeerError: ${error}`);
  return error;
}

/** Both sides refuse these first bytes, and the server answers nothing. */
async function bothRefuse(bytes: Uint8Array, code: PeerFault): Promise<void> {
  const { error, answer } = await serverAfter(bytes);
  assert.equal(error.code, code);
  assert.equal(answer.length, 0);
  assert.equal((await clientAfter(bytes)).code, code);
}

for (
  const [name, options] of [["whole", {}], ["byte by byte", { maxRead: 1, maxWrite: 1 }]] as const
) {
  Deno.test(`a handshake that arrives ${name} gives both sides the vectors' secrets`, async () => {
    const { results, written } = await shakeHands(options);
    const { outputs } = vectors;
    for (const result of results) {
      assert.equal(hex(result.transcript), outputs.transcript);
      assert.equal(hex(result.secret), outputs.handshakeSecret);
      assert.equal(hex(result.traffic.clientToServer), outputs.hs.client.secret);
      assert.equal(hex(result.traffic.serverToClient), outputs.hs.server.secret);
    }
    assert.deepEqual(written, [CLIENT_HELLO, SERVER_HELLO].map((one) => hex(encodeFrames([one]))));
  });
}

Deno.test("each side writes its hello at once, as one frame in one write", async () => {
  const pipe = createPipe();
  await Promise.all([clientHandshake(pipe.client), serverHandshake(pipe.server)]);
  assert.deepEqual(pipe.client.writes.map((one) => one.length), [4 + 10 + KEM_PUBLIC_KEY_BYTES]);
  assert.deepEqual(pipe.server.writes.map((one) => one.length), [4 + 10 + KEM_CIPHERTEXT_BYTES]);
});

Deno.test("two handshakes share no secret", async () => {
  const secrets = new Set<string>();
  for (let at = 0; at < 3; at++) {
    const pipe = createPipe();
    const [client, server] = await Promise.all([
      clientHandshake(pipe.client),
      serverHandshake(pipe.server),
    ]);
    assert.equal(hex(client.secret), hex(server.secret));
    secrets.add(hex(client.secret)).add(hex(client.transcript));
  }
  assert.equal(secrets.size, 6);
});

Deno.test("a server tells a client of another version its own, then gives up", async () => {
  for (const [version, older] of [[0, "client"], [2, "server"], [65535, "server"]] as const) {
    for (const body of [new Uint8Array(), new Uint8Array(KEM_PUBLIC_KEY_BYTES), utf8("other")]) {
      const { error, answer } = await serverAfter(encodeFrames([hello(version, body)]));
      assert.equal(error.code, "version-mismatch");
      assert.equal(error.hint, `update the ${older}`);
      assert.deepEqual(answer.map(hex), [hex(encodeFrames([hello(1, new Uint8Array())]))]);
    }
  }
});

Deno.test("a client learns from the reply of another version which side to update", async () => {
  for (const [version, older] of [[0, "server"], [2, "client"], [65535, "client"]] as const) {
    for (const body of [new Uint8Array(), new Uint8Array(KEM_CIPHERTEXT_BYTES)]) {
      const error = await clientAfter(encodeFrames([hello(version, body)]));
      assert.equal(error.code, "version-mismatch");
      assert.equal(error.hint, `update the ${older}`);
    }
  }
});

const strangers: [string, Uint8Array][] = [
  ["HTTP", utf8("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
  ["an HTTP answer", utf8("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ["SSH", utf8("SSH-2.0-OpenSSH_9.9\r\n")],
  ["TLS", unhex("160301020001000" + "1fc0303" + "ab".repeat(500))],
  ["zeros", new Uint8Array(100)],
  ["an empty frame", frameHeader(0)],
  ["a frame of another magic", encodeFrames([hello(1, new Uint8Array()).with(7, 0x54)])],
  ["a frame with the magic alone", encodeFrames([MAGIC])],
  ["a frame with half a version", encodeFrames([Uint8Array.of(...MAGIC, 0)])],
  ["a frame above the limit", encodeFrames([new Uint8Array(MAX_FRAME_BYTES_BEFORE_LOGIN + 1)])],
  ["an announced 4 GiB", frameHeader(2 ** 32 - 1)],
];
for (const [name, bytes] of strangers) {
  Deno.test(`${name} is refused as not-fernchat on both sides, without an answer`, async () => {
    await bothRefuse(bytes, "not-fernchat");
  });
}

Deno.test("random bytes are refused as not-fernchat on both sides", async () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
  const check = (one: Uint8Array): Promise<void> => bothRefuse(one, "not-fernchat");
  await fc.assert(fc.asyncProperty(bytes, check), { numRuns: 100 });
});

Deno.test("a client's hello that is cut anywhere is not-fernchat; before it, connection-cut", async () => {
  const bytes = encodeFrames([CLIENT_HELLO]);
  for (const size of [1, 3, 4, 5, 13, 14, bytes.length - 1]) {
    assert.equal((await serverAfter(bytes.subarray(0, size))).error.code, "not-fernchat");
  }
  assert.equal((await serverAfter(new Uint8Array())).error.code, "connection-cut");
});

Deno.test("a server's hello that is cut anywhere is not-fernchat; before it, connection-cut", async () => {
  const bytes = encodeFrames([SERVER_HELLO]);
  for (const size of [1, 3, 4, 5, 13, 14, bytes.length - 1]) {
    assert.equal((await clientAfter(bytes.subarray(0, size))).code, "not-fernchat");
  }
  assert.equal((await clientAfter(new Uint8Array())).code, "connection-cut");
});

Deno.test("a stream that fails is connection-cut on both sides", async () => {
  const broken = {
    read: () => Promise.reject(new Error("reset")),
    write: () => Promise.resolve(9e9),
  };
  await assert.rejects(clientHandshake(broken), fault("connection-cut"));
  await assert.rejects(serverHandshake(broken), fault("connection-cut"));
  const deaf = {
    read: () => Promise.resolve(null),
    write: () => Promise.reject(new Error("reset")),
  };
  await assert.rejects(clientHandshake(deaf), fault("connection-cut"));
});

Deno.test("a hello with a body of the right length −1 or +1, or none, is not-fernchat", async () => {
  for (const size of [0, KEM_PUBLIC_KEY_BYTES - 1, KEM_PUBLIC_KEY_BYTES + 1]) {
    const { error, answer } = await serverAfter(encodeFrames([hello(1, new Uint8Array(size))]));
    assert.equal(error.code, "not-fernchat");
    assert.equal(answer.length, 0);
  }
  for (const size of [0, KEM_CIPHERTEXT_BYTES - 1, KEM_CIPHERTEXT_BYTES + 1]) {
    const error = await clientAfter(encodeFrames([hello(1, new Uint8Array(size))]));
    assert.equal(error.code, "not-fernchat");
  }
});

Deno.test("a hello that is reflected to the client is not-fernchat", async () => {
  assert.equal((await clientAfter(encodeFrames([CLIENT_HELLO]))).code, "not-fernchat");
});

Deno.test("an ML-KEM key with a coefficient of 4095 is refused as not-fernchat (FIPS 203 7.2)", async () => {
  const altered = CLIENT_HELLO.slice();
  altered.set([0xff, 0xff, 0xff], 10);
  const { error, answer } = await serverAfter(encodeFrames([altered]));
  assert.equal(error.code, "not-fernchat");
  assert.equal(answer.length, 0);
});

Deno.test("a client's all-zero X25519 share is refused as not-fernchat", async () => {
  const altered = CLIENT_HELLO.slice().fill(0, -32);
  const { error, answer } = await serverAfter(encodeFrames([altered]));
  assert.equal(error.code, "not-fernchat");
  assert.equal(answer.length, 0);
});

Deno.test("a server's all-zero X25519 share is refused as not-fernchat", async () => {
  const zeros = hello(1, new Uint8Array(KEM_CIPHERTEXT_BYTES));
  assert.equal((await clientAfter(encodeFrames([zeros]))).code, "not-fernchat");
});

/** What each side derives when a man in the middle alters one hello on its way. */
async function altered(who: "client" | "server", bit: number): Promise<HandshakeResult[]> {
  const pipe = createPipe();
  pipe[who].tamper = (bytes) => flipBit(bytes, bit);
  return await Promise.all([clientHandshake(pipe.client), serverHandshake(pipe.server)]);
}

Deno.test("a ciphertext altered on its way leaves no secret in common", async () => {
  for (const bit of [14 * 8, (14 + 500) * 8, (14 + KEM_CIPHERTEXT_BYTES) * 8 - 1]) {
    const [client, server] = await altered("server", bit);
    assert.notEqual(hex(client!.secret), hex(server!.secret));
    assert.notEqual(hex(client!.transcript), hex(server!.transcript));
    assert.notEqual(hex(client!.traffic.clientToServer), hex(server!.traffic.clientToServer));
  }
});

Deno.test("an X25519 share altered on its way leaves no secret in common", async () => {
  const [client, server] = await altered("client", (14 + KEM_PUBLIC_KEY_BYTES) * 8 - 1);
  assert.notEqual(hex(client!.secret), hex(server!.secret));
  assert.notEqual(hex(client!.traffic.clientToServer), hex(server!.traffic.clientToServer));
});
