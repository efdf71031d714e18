/**
 * Messages: whatever is valid travels unchanged, and whatever is changed on its way is either
 * refused or another message in its one form.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeClientMessage,
  decodeServerMessage,
  encodeClientMessage,
  encodeServerMessage,
} from "../../lib/protocol/messages.ts";
import { MAX_MESSAGE_BYTES } from "../../lib/protocol/limits.ts";
import { FernetKey } from "../../lib/fernet.ts";
import { fault, flipBit, hex } from "../protocol/pipe.ts";
import { concat } from "../attacks/proxy.ts";
import { clientMessages, serverMessages } from "./message_arbitraries.ts";

/** One direction's codec; what it takes is checked where it is used. */
interface Side {
  from: string;
  messages: { readonly [type: string]: fc.Arbitrary<{ type: string }> };
  encode(message: unknown): Uint8Array;
  decode(bytes: Uint8Array): { type: string };
}

const SIDES: readonly Side[] = [
  {
    from: "client",
    messages: clientMessages,
    encode: encodeClientMessage as Side["encode"],
    decode: decodeClientMessage,
  },
  {
    from: "server",
    messages: serverMessages,
    encode: encodeServerMessage as Side["encode"],
    decode: decodeServerMessage,
  },
];

/** Bytes with one change: a bit, a byte put in or taken out, an end cut off. */
function changed(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(bytes, fc.nat(), fc.nat(255), fc.nat(4)).map(([bytes, place, byte, kind]) => {
    const at = place % bytes.length;
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + 1)];
    switch (kind) {
      case 0:
        return flipBit(bytes, place % (bytes.length * 8));
      case 1:
        return concat([before, Uint8Array.of(byte), bytes.subarray(at)]);
      case 2:
        return concat([before, after]);
      case 3:
        return concat([before, Uint8Array.of(byte), after]);
      default:
        return before;
    }
  });
}

for (const { from, messages, encode, decode } of SIDES) {
  for (const [type, message] of Object.entries(messages)) {
    Deno.test(`any ${type} of a ${from} arrives as it was sent, and encodes to the same bytes`, () => {
      fc.assert(fc.property(message, (sent) => {
        const bytes = encode(sent);
        const arrived = decode(bytes);
        assert.deepEqual(arrived, sent);
        assert.equal(hex(encode(arrived)), hex(bytes));
        assert.ok(bytes.length <= MAX_MESSAGE_BYTES);
      }));
    });

    Deno.test(`any ${type} of a ${from} with any one change is refused, or in its one form`, () => {
      fc.assert(
        fc.property(changed(message.map(encode)), (bytes) => {
          const arrived = decodeOrRefuse(decode, bytes);
          if (arrived !== undefined) assert.equal(hex(encode(arrived)), hex(bytes));
        }),
        { numRuns: 300 },
      );
    });
  }
}

Deno.test("whatever keys a valid message has, they are keys", () => {
  fc.assert(fc.property(serverMessages.joined, ({ keys }) => {
    for (const key of keys) assert.equal(FernetKey.parse(key).toString(), key);
  }));
});

/** The message, or undefined if it is refused in the one way that is right. */
function decodeOrRefuse(decode: Side["decode"], bytes: Uint8Array): { type: string } | undefined {
  try {
    return decode(bytes);
  } catch (error) {
    fault("message-invalid")(error);
    return undefined;
  }
}
