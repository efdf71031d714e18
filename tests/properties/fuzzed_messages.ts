/**
 * The decoders of messages, with every type that there is.
 *
 * @module
 */

import fc from "fast-check";
import { PeerError } from "../../lib/errors.ts";
import {
  type ClientMessage,
  decodeClientMessage,
  decodeServerMessage,
  encodeClientMessage,
  encodeServerMessage,
  type ServerMessage,
} from "../../lib/protocol/messages.ts";
import { utf8 } from "../protocol/pipe.ts";
import { assertSame, type Decoder, decoder, SEED } from "./fuzz.ts";
import { mutateJson } from "./json_mutations.ts";
import { clientMessages, serverMessages } from "./message_arbitraries.ts";
import { mutate } from "./mutations.ts";
import { SeededRandom } from "./seeded_random.ts";

/** Valid messages of a client, of every type, to begin from. */
export const clientSamples = sample<ClientMessage>(clientMessages, encodeClientMessage);
/** Valid messages of a server, of every type. */
const serverSamples = sample<ServerMessage>(serverMessages, encodeServerMessage);

function sample<M>(
  messages: { readonly [type: string]: fc.Arbitrary<M> },
  encode: (message: M) => Uint8Array,
): Uint8Array[] {
  const seed = new SeededRandom(`${SEED}/messages`).word() | 0;
  return Object.values(messages).flatMap((any) =>
    fc.sample(any, { numRuns: 30, seed }).map(encode)
  );
}

/** A message that is valid, altered in its bytes or its JSON, or no message at all. */
function message(random: SeededRandom, samples: readonly Uint8Array[]): Uint8Array {
  const valid = random.pick(samples);
  switch (random.below(8)) {
    case 0:
      return valid;
    case 1:
      return random.bytes(random.length(200));
    case 2:
    case 3:
    case 4:
      return utf8(mutateJson(random, JSON.parse(new TextDecoder().decode(valid))));
    default:
      return mutate(random, valid, samples);
  }
}

const fromClients = decoder({
  name: "decodeClientMessage()",
  inputs: 100_000,
  throws: PeerError,
  ends: ["taken", "message-invalid"],
  make: (random) => message(random, clientSamples),
  decode: (bytes) => assertSame(encodeClientMessage(decodeClientMessage(bytes)), bytes),
});

const fromServers = decoder({
  name: "decodeServerMessage()",
  inputs: 70_000,
  throws: PeerError,
  ends: ["taken", "message-invalid"],
  make: (random) => message(random, serverSamples),
  decode: (bytes) => assertSame(encodeServerMessage(decodeServerMessage(bytes)), bytes),
});

/** See the module's description. */
export const MESSAGE_DECODERS: readonly Decoder[] = [fromClients, fromServers];
