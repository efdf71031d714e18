/**
 * Hellos and OPAQUE's messages: whatever a stranger sends in their place is refused in a typed way,
 * and no change to a hello leaves the two sides with a secret in common.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  clientLoginFinish,
  clientLoginStart,
  clientRegisterFinish,
  clientRegisterStart,
  createDecoyRecord,
  createServerSetup,
  opaqueReady,
  registerLocally,
  serverLoginFinish,
  serverLoginStart,
  serverRegister,
} from "../../lib/auth/opaque.ts";
import { PeerError } from "../../lib/errors.ts";
import { FRAME_HEADER_BYTES } from "../../lib/framing.ts";
import {
  clientHandshake,
  type HandshakeResult,
  KEM_CIPHERTEXT_BYTES,
  KEM_PUBLIC_KEY_BYTES,
  serverHandshake,
} from "../../lib/protocol/handshake.ts";
import { createPipe, fault, flipBit, hex, type PipeEnd } from "../protocol/pipe.ts";
import { bytesOf, wellFormedText } from "./arbitraries.ts";

/** Bytes before a hello's body: a frame's header, the magic and the version. */
const HELLO_START = FRAME_HEADER_BYTES + 10;

/** What both sides get if one bit of one hello is flipped on its way; undefined for a refusal. */
async function shakeHands(
  who: "client" | "server",
  bit: number,
): Promise<(HandshakeResult | undefined)[]> {
  const pipe = createPipe();
  pipe[who].tamper = (bytes) => {
    queueMicrotask(() => pipe[who].endWrites()); // a length may announce more than comes
    return flipBit(bytes, bit);
  };
  return await Promise.all([
    resultOrClose(clientHandshake(pipe.client), pipe.client),
    resultOrClose(serverHandshake(pipe.server), pipe.server),
  ]);
}

async function resultOrClose(
  handshake: Promise<HandshakeResult>,
  end: PipeEnd,
): Promise<HandshakeResult | undefined> {
  try {
    return await handshake;
  } catch (error) {
    assert.ok(error instanceof PeerError, `not a PeerError: ${error}`);
    assert.match(error.code, /^(?:not-fernchat|version-mismatch|connection-cut)$/);
    end.close();
    return undefined;
  }
}

const hellos = { client: KEM_PUBLIC_KEY_BYTES, server: KEM_CIPHERTEXT_BYTES } as const;
for (const [who, size] of Object.entries(hellos) as ["client" | "server", number][]) {
  // 40 handshakes of 5 ms each: keys are made, sealed to and opened.
  Deno.test(`any bit flipped in a ${who}'s hello: a typed refusal, or no secret in common`, async () => {
    const start = fc.nat(HELLO_START * 8 - 1);
    const bits = fc.oneof(start, fc.nat((HELLO_START + size) * 8 - 1));
    const check = async (bit: number): Promise<void> => {
      const [client, server] = await shakeHands(who, bit);
      if (client === undefined || server === undefined) return;
      assert.ok(bit >= HELLO_START * 8, "an altered start was accepted");
      assert.notEqual(hex(client.transcript), hex(server.transcript));
      assert.notEqual(hex(client.traffic.clientToServer), hex(server.traffic.clientToServer));
      assert.notEqual(hex(client.traffic.serverToClient), hex(server.traffic.serverToClient));
    };
    await fc.assert(fc.asyncProperty(bits, check), { numRuns: 40 });
  });
}

await opaqueReady;
const setup = createServerSetup();
const record = registerLocally(setup, "alice", "right");
const login = clientLoginStart("alice", "right");
const { pending } = serverLoginStart(setup, "alice", record, login.ke1);
const registration = clientRegisterStart("alice", "right");

const invalid = fault("message-invalid");

/** What a message's schema lets through to OPAQUE, also of the right number of bytes. */
function schemaTexts(length: number): fc.Arbitrary<string> {
  return fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9_-]{1,1024}$/),
    bytesOf(length).map((bytes) => Buffer.from(bytes).toString("base64url")),
    fc.constant(Buffer.alloc(length).toString("base64url")),
  );
}

/** Runs it to an answer, or to the peer's fault; gives undefined for the latter. */
function answerOrFault<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    invalid(error);
    return undefined;
  }
}

const names = wellFormedText(128).filter((name) => name !== "");

Deno.test("any name and KE1: an answer that fits its schema, or message-invalid", () => {
  const records = fc.constantFrom(record, createDecoyRecord());
  fc.assert(fc.property(names, records, schemaTexts(96), (name, record, ke1) => {
    const answer = answerOrFault(() => serverLoginStart(setup, name, record, ke1));
    if (answer !== undefined) assert.match(answer.ke2, /^[A-Za-z0-9_-]{1,1024}$/);
    assert.match(serverLoginStart(setup, name, record, login.ke1).ke2, /^[A-Za-z0-9_-]{1,1024}$/);
  }));
});

Deno.test("any name and KE3: no session key", () => {
  fc.assert(fc.property(names, schemaTexts(64), (name, ke3) => {
    assert.equal(serverLoginFinish(pending, name, ke3), undefined);
    assert.equal(serverLoginFinish(pending, "alice", ke3), undefined);
  }));
});

Deno.test("any name and registration request: an answer that fits its schema, or message-invalid", () => {
  fc.assert(fc.property(names, schemaTexts(32), (name, request) => {
    const answer = answerOrFault(() => serverRegister(setup, name, request));
    if (answer !== undefined) assert.match(answer, /^[A-Za-z0-9_-]{1,1024}$/);
  }));
});

// Some of the answers are well formed enough for the key stretching, a quarter of a second each.
Deno.test("any KE2 or registration response: no session key, a record of no use, or message-invalid", () => {
  fc.assert(
    fc.property(schemaTexts(320), schemaTexts(64), (ke2, response) => {
      assert.equal(answerOrFault(() => clientLoginFinish(login.pending, ke2)), undefined);
      const made = answerOrFault(() => clientRegisterFinish(registration.pending, response));
      assert.notEqual(made?.record, record);
    }),
    { numRuns: 30 },
  );
});
