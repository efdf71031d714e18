/**
 * The course project's server fell over whatever was not what it expected. Here peers send garbage at
 * every layer and in every state: each ends its own connection with the right code, and two people
 * chat on as if nothing had happened.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ChatConnection } from "../../lib/client/connection.ts";
import { dial } from "../../lib/client/dial.ts";
import { encodeFrames, frameHeader, writeAll } from "../../lib/framing.ts";
import { SecureChannel } from "../../lib/protocol/channel.ts";
import { clientHandshake, type HandshakeResult } from "../../lib/protocol/handshake.ts";
import {
  MAX_FRAME_BYTES,
  MAX_FRAME_BYTES_BEFORE_LOGIN,
  MAX_MESSAGE_BYTES,
} from "../../lib/protocol/limits.ts";
import {
  type ClientMessage,
  decodeServerMessage,
  encodeClientMessage,
  type MessageOf,
} from "../../lib/protocol/messages.ts";
import { RecordSealer } from "../../lib/protocol/record.ts";
import { LOBBY, sealText } from "../../lib/rooms/open_room.ts";
import { clientLoginStart, opaqueReady } from "../../lib/auth/opaque.ts";
import { concat } from "./proxy.ts";
import { ALICE, assertHeard, BOB, logInAs, MALLORY, RawMember, TestServer } from "./server.ts";

await opaqueReady;

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A server on which two people chat through it all. */
class Scene implements AsyncDisposable {
  #rounds = 0;

  constructor(
    readonly server: TestServer,
    readonly alice: ChatConnection,
    readonly bob: ChatConnection,
  ) {}

  static async set(): Promise<Scene> {
    const server = await TestServer.start([ALICE, BOB, MALLORY]);
    return new Scene(server, await server.connect(ALICE), await server.connect(BOB));
  }

  /** Both hear each other, and nothing else. */
  async assertUndisturbed(): Promise<void> {
    await assertHeard(this.alice, this.bob, `round ${++this.#rounds}`);
    await assertHeard(this.bob, this.alice, `round ${++this.#rounds}`);
    assert.equal(this.server.entries().length, this.#rounds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.alice.close(), this.bob.close()]);
    await this.server[Symbol.asyncDispose]();
  }
}

/** Reads to the end of a connection; how much came is of no interest. */
async function readToEnd(connection: Deno.TcpConn): Promise<void> {
  const chunk = new Uint8Array(4096);
  while (await connection.read(chunk).catch(() => null) !== null);
}

/** What the server says last, and that nothing follows. */
async function goodbye(channel: SecureChannel): Promise<string> {
  for (;;) {
    const encoded = await channel.receive();
    assert.ok(encoded !== null, "it closed without a word");
    const message = decodeServerMessage(encoded);
    if (message.type !== "bye") continue;
    assert.equal(await channel.receive(), null); // an authenticated close
    return message.code;
  }
}

const hello = concat([utf8("fernchat"), Uint8Array.of(0, 1)]);
const keyBytes = 1216;

/** First bytes of strangers, and what the server reports. */
const STRANGERS: readonly { name: string; bytes: Uint8Array; end?: true; reports: RegExp }[] = [
  {
    name: "HTTP",
    bytes: utf8("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    reports: /does not speak Fernchat/,
  },
  {
    name: "TLS",
    bytes: Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3),
    reports: /does not speak Fernchat/,
  },
  {
    name: "the course project's JSON",
    bytes: utf8('{"username":"user1","password":"pass1"}'),
    reports: /does not speak Fernchat/,
  },
  {
    name: "a frame of 4 GiB",
    bytes: Uint8Array.of(255, 255, 255, 255),
    reports: /does not speak Fernchat/,
  },
  {
    name: "a frame of one byte above the limit",
    bytes: frameHeader(MAX_FRAME_BYTES_BEFORE_LOGIN + 1),
    reports: /does not speak Fernchat/,
  },
  { name: "an empty frame", bytes: frameHeader(0), reports: /does not speak Fernchat/ },
  { name: "zeros", bytes: new Uint8Array(1000), reports: /does not speak Fernchat/ },
  {
    name: "half a frame's length",
    bytes: Uint8Array.of(0, 0),
    end: true,
    reports: /does not speak Fernchat/,
  },
  {
    name: "half a hello",
    bytes: concat([frameHeader(hello.length + keyBytes), hello]),
    end: true,
    reports: /does not speak Fernchat/,
  },
  {
    name: "nothing",
    bytes: new Uint8Array(),
    end: true,
    reports: /closed before the handshake was done/,
  },
  {
    name: "another version",
    bytes: encodeFrames([concat([utf8("fernchat"), Uint8Array.of(0, 2)])]),
    reports: /speaks version 2 of the protocol, this side version 1/,
  },
  {
    name: "a key that is one byte short",
    bytes: encodeFrames([concat([hello, new Uint8Array(keyBytes - 1)])]),
    reports: /hello has a wrong length/,
  },
  {
    name: "a key whose coefficients are out of range (FIPS 203, 7.2)",
    bytes: encodeFrames([concat([hello, new Uint8Array(keyBytes).fill(255)])]),
    reports: /public key is not valid/,
  },
];

Deno.test("strangers that send garbage", async (t) => {
  await using scene = await Scene.set();
  for (const { name, bytes, end, reports } of STRANGERS) {
    await t.step(name, async () => {
      const since = scene.server.reports.length;
      using connection = await Deno.connect({ hostname: "127.0.0.1", port: scene.server.port });
      await writeAll(connection, bytes);
      if (end) await connection.closeWrite();
      await readToEnd(connection); // the server closes
      assert.match(await scene.server.reported(/^127\.0\.0\.1:/, since), reports);
      await scene.assertUndisturbed();
    });
  }
});

/** A stranger after the handshake, with what is needed to seal records by hand. */
async function shake(port: number): Promise<{
  connection: Deno.TcpConn;
  channel: SecureChannel;
  handshake: HandshakeResult;
}> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const handshake = await clientHandshake(connection);
  return { connection, handshake, channel: new SecureChannel("client", connection, handshake) };
}

/** Frames after the handshake; `bye` is what the server still says, where it says something. */
const FRAMES: readonly {
  name: string;
  bytes(sealer: RecordSealer): Uint8Array;
  end?: true;
  bye?: string;
  reports: RegExp;
}[] = [
  {
    name: "a frame of 4 GiB",
    bytes: () => Uint8Array.of(255, 255, 255, 255),
    bye: "frame-too-large",
    reports: /Cannot accept a frame of 4294967295 bytes: the limit is 2048/,
  },
  {
    name: "a frame of one byte above the limit",
    bytes: () => frameHeader(MAX_FRAME_BYTES_BEFORE_LOGIN + 1),
    bye: "frame-too-large",
    reports: /Cannot accept a frame of 2049 bytes/,
  },
  {
    name: "a frame of zeros",
    bytes: () => encodeFrames([new Uint8Array(100)]),
    reports: /not the authentic next one/,
  },
  {
    name: "a frame shorter than a tag",
    bytes: () => encodeFrames([new Uint8Array(5)]),
    reports: /not the authentic next one/,
  },
  {
    name: "half a frame",
    bytes: () => concat([frameHeader(100), new Uint8Array(50)]),
    end: true,
    bye: "frame-truncated",
    reports: /cut inside a frame/,
  },
  {
    name: "the end without a close",
    bytes: () => new Uint8Array(),
    end: true,
    reports: /: The connection was cut$/,
  },
  {
    name: "a record without a message",
    bytes: (sealer) => encodeFrames(sealer.seal(1, new Uint8Array())),
    reports: /unknown type or a content/,
  },
  {
    name: "garbage after a close, which nobody reads",
    bytes: (sealer) => concat([encodeFrames(sealer.seal(3, new Uint8Array())), utf8("garbage")]),
    reports: / left$/,
  },
  {
    name: "half a message in a record",
    bytes: (sealer) => encodeFrames(sealer.seal(1, frameHeader(10))),
    bye: "frame-truncated",
    reports: /A frame ends too early/,
  },
  {
    name: "an empty message in a record",
    bytes: (sealer) => encodeFrames(sealer.seal(1, frameHeader(0))),
    bye: "message-invalid",
    reports: /A message is not valid: not JSON/,
  },
];

Deno.test("strangers that send garbage after the handshake", async (t) => {
  await using scene = await Scene.set();
  for (const { name, bytes, end, bye, reports } of FRAMES) {
    await t.step(name, async () => {
      const since = scene.server.reports.length;
      const { connection, channel, handshake } = await shake(scene.server.port);
      await writeAll(connection, bytes(new RecordSealer(handshake.traffic.clientToServer)));
      if (end) await connection.closeWrite();
      if (bye !== undefined) assert.equal(await goodbye(channel), bye);
      assert.match(await scene.server.reported(/^127\.0\.0\.1:/, since), reports);
      if (bye === undefined) await readToEnd(connection);
      channel.abort(new Error("the test is over"));
      await scene.assertUndisturbed();
    });
  }
});

const join = '{"type":"join","room":"lobby"}';

/** Messages that are not in the one form that a message has. */
const MESSAGES: Record<string, Uint8Array> = {
  "no JSON": utf8("hello"),
  "half a JSON text": utf8(join.slice(0, -1)),
  "two JSON texts": utf8(join + join),
  "no object": utf8('["join","lobby"]'),
  "null": utf8("null"),
  "an unknown type": utf8('{"type":"shutdown"}'),
  "a server's type": utf8('{"type":"welcome","user":"alice"}'),
  "a type of another kind": utf8('{"type":["join"],"room":"lobby"}'),
  "no type": utf8('{"room":"lobby"}'),
  "a prototype": utf8('{"type":"join","room":"lobby","__proto__":{"admin":true}}'),
  "an extra field": utf8('{"type":"join","room":"lobby","admin":true}'),
  "a field less": utf8('{"type":"join"}'),
  "a field twice": utf8('{"type":"join","room":"hall","room":"lobby"}'),
  "fields in another order": utf8('{"room":"lobby","type":"join"}'),
  "white space": utf8('{"type": "join","room":"lobby"}'),
  "a line end": utf8(`${join}\n`),
  "an escape that is not needed": utf8('{"type":"join","room":"l\\u006fbby"}'),
  "a byte order mark": concat([Uint8Array.of(0xef, 0xbb, 0xbf), utf8(join)]),
  "not UTF-8": concat([utf8('{"type":"join","room":"'), Uint8Array.of(0xff), utf8('"}')]),
  "a NUL": utf8('{"type":"join","room":"lob\\u0000by"}'),
  "a room's name that none can have": utf8('{"type":"join","room":"../lobby"}'),
  "a name of 129 characters": utf8(
    `{"type":"login_start","username":"${"x".repeat(129)}","ke1":"A"}`,
  ),
  "no OPAQUE message": utf8('{"type":"login_start","username":"alice","ke1":"AAAA"}'),
  "lists in lists": utf8("[".repeat(1_900)),
};

Deno.test("messages that are not in the one form that a message has", async (t) => {
  await using scene = await Scene.set();
  for (const [name, bytes] of Object.entries(MESSAGES)) {
    await t.step(name, async () => {
      const channel = await dial({ hostname: "127.0.0.1", port: scene.server.port });
      channel.send(bytes);
      assert.equal(await goodbye(channel), "message-invalid");
      await channel.close();
    });
  }
  await scene.assertUndisturbed();
});

/** One valid message of each type. */
const VALID: { [T in ClientMessage["type"]]: MessageOf<ClientMessage, T> } = {
  login_start: { type: "login_start", username: "alice", ke1: clientLoginStart("alice", "?").ke1 },
  login_finish: { type: "login_finish", ke3: "AAAA" },
  register_start: { type: "register_start", request: "AAAA" },
  register_finish: { type: "register_finish", record: "AAAA" },
  create_start: { type: "create_start", name: "eve", request: "AAAA" },
  create_finish: { type: "create_finish", record: "AAAA" },
  join: { type: "join", room: LOBBY },
  leave: { type: "leave", room: LOBBY },
  request: { type: "request", ref: 1, request: { do: "rooms" } },
  send: {
    type: "send",
    room: LOBBY,
    id: "m-1",
    sent_at: "2026-01-01T00:00:00.000Z",
    key_id: "00000000",
    token: "gAAAAAB",
  },
  history: { type: "history", room: LOBBY, before: 1, limit: 1 },
  part: { type: "part", data: "AAAA" },
  ping: { type: "ping" },
};

/** Messages that need a login, or an invite. */
const AFTER_A_LOGIN = [
  "register_start",
  "register_finish",
  "create_start",
  "create_finish",
  "join",
  "leave",
  "send",
  "history",
  "request",
  "part",
  "ping",
] as const;

/** How a peer comes into each state, and which messages it may not send there. */
const STATES: Record<
  string,
  { forbidden: readonly ClientMessage["type"][]; enter(port: number): Promise<SecureChannel> }
> = {
  "before the login": {
    forbidden: ["login_finish", ...AFTER_A_LOGIN],
    enter: (port) => dial({ hostname: "127.0.0.1", port }),
  },
  "between the login's messages": {
    forbidden: AFTER_A_LOGIN,
    async enter(port): Promise<SecureChannel> {
      const channel = await dial({ hostname: "127.0.0.1", port });
      channel.send(encodeClientMessage(VALID.login_start));
      await channel.receive();
      return channel;
    },
  },
  "logged in": {
    forbidden: [
      "login_start",
      "login_finish",
      "register_finish",
      "create_start",
      "create_finish",
    ],
    async enter(port): Promise<SecureChannel> {
      const channel = await dial({ hostname: "127.0.0.1", port });
      await logInAs(channel, MALLORY);
      return channel;
    },
  },
  "in a room": {
    forbidden: [
      "login_start",
      "login_finish",
      "register_start",
      "register_finish",
      "create_start",
      "create_finish",
      "join",
    ],
    enter: async (port) => (await RawMember.join(port, MALLORY)).channel,
  },
};

for (const [state, { forbidden, enter }] of Object.entries(STATES)) {
  Deno.test(`messages that may not come ${state}`, async (t) => {
    await using scene = await Scene.set();
    for (const type of forbidden) {
      await t.step(type, async () => {
        const channel = await enter(scene.server.port);
        const since = scene.server.reports.length;
        channel.send(encodeClientMessage(VALID[type]));
        const reason = /: (Not the time for a message \w+|Joined lobby already)$/;
        if (state === "between the login's messages") {
          // Nothing can be said here that a client understands: it waits for the login's key.
          await assert.rejects(channel.receive(), { code: "connection-cut" });
        } else {
          assert.equal(await goodbye(channel), "message-unexpected");
        }
        await scene.server.reported(reason, since);
        await channel.close();
      });
    }
    await scene.assertUndisturbed();
  });
}

Deno.test("a login that is not proven, and the sixth on one connection, end it", async () => {
  await using scene = await Scene.set();
  const { server } = scene;
  const unproven = await dial({ hostname: "127.0.0.1", port: server.port });
  unproven.send(encodeClientMessage(VALID.login_start));
  await unproven.receive();
  unproven.send(encodeClientMessage(VALID.login_finish));
  await server.reported(/: A login was not proven$/);
  await assert.rejects(unproven.receive(), { code: "connection-cut" });
  const patient = await dial({ hostname: "127.0.0.1", port: server.port });
  for (let attempt = 1; attempt <= 5; attempt++) {
    patient.send(encodeClientMessage(VALID.login_start));
    const answer = decodeServerMessage(await patient.receive() as Uint8Array);
    assert.equal(answer.type, "login_response");
  }
  patient.send(encodeClientMessage(VALID.login_start));
  await server.reported(/: Too many logins failed on this connection$/);
  for (const channel of [unproven, patient]) await channel.close();
  await scene.assertUndisturbed();
});

Deno.test("a member is held to the larger limits", async (t) => {
  await using scene = await Scene.set();
  const { port } = scene.server;

  await t.step("lists in lists, as long as a message may be", async () => {
    using member = await RawMember.join(port, MALLORY);
    member.channel.send(utf8("[".repeat(MAX_MESSAGE_BYTES)));
    assert.equal(await goodbye(member.channel), "message-invalid");
  });

  await t.step("a frame of one byte above the limit", async () => {
    const { connection, channel } = await shake(port);
    await logInAs(channel, MALLORY);
    await writeAll(connection, frameHeader(MAX_FRAME_BYTES + 1));
    assert.equal(await goodbye(channel), "frame-too-large");
    await channel.close();
  });

  await t.step("the longest text goes through", async () => {
    using member = await RawMember.join(port, MALLORY);
    const key = scene.server.running.ring.primary;
    const { room, id, sent_at } = VALID.send;
    const text = "\u0000".repeat(16 * 1024);
    const { keyId: key_id, token } = sealText(key, { room, id, sent_at, sender: "mallory" }, text);
    member.channel.send(encodeClientMessage({ type: "send", room, id, sent_at, key_id, token }));
    const answer = decodeServerMessage(await member.channel.receive() as Uint8Array);
    assert.equal(answer.type, "ack");
    assert.deepEqual(scene.server.texts(), [text]);
  });
});
