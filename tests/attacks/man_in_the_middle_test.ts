/**
 * The course project's programs could not tell who was at the other end. Here a man in the middle
 * speaks the protocol perfectly: he makes a real handshake with both sides and reads everything up
 * to the login in the clear. The login's key is mixed into the channel, and he does not have it.
 *
 * What he can do is play the server himself: then each login that someone makes with him is one
 * guess at that person's password, as it would be with the real server, and the person sees it
 * fail. He cannot test guesses afterwards: the first message of a login (a blinded point, RFC 9807
 * section 6.3.1) fits every password, and a client that is not convinced sends no second one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ml_kem768_x25519 as xWing } from "@noble/post-quantum/hybrid.js";
import {
  createDecoyRecord,
  createServerSetup,
  opaqueReady,
  registerLocally,
  serverLoginFinish,
  serverLoginStart,
} from "../../lib/auth/opaque.ts";
import { type ChatConnection, connect } from "../../lib/client/connection.ts";
import { ConnectError, ExitCode, LoginError, PeerError } from "../../lib/errors.ts";
import { encodeFrames, writeAll } from "../../lib/framing.ts";
import {
  decodeClientMessage,
  encodeClientMessage,
  encodeServerMessage,
  type MessageOf,
  type ServerMessage,
} from "../../lib/protocol/messages.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { Middleman, type Side } from "./middleman.ts";
import { type Alter, flipBit, Proxy } from "./proxy.ts";
import { ALICE, assertFails, assertHeard, BOB, MALLORY, TestServer } from "./server.ts";

await opaqueReady;

/** A server with two people who chat on it, and who must notice nothing. */
class Scene implements AsyncDisposable {
  constructor(
    readonly server: TestServer,
    readonly bob: ChatConnection,
    readonly mallory: ChatConnection,
  ) {}

  static async set(): Promise<Scene> {
    const server = await TestServer.start([ALICE, BOB, MALLORY], {}, "chosen");
    return new Scene(server, await server.connect(BOB), await server.connect(MALLORY));
  }

  /** The next thing that the bystanders hear is what they say themselves. */
  async assertUndisturbed(): Promise<void> {
    await assertHeard(this.bob, this.mallory, "all quiet");
    await assertHeard(this.mallory, this.bob, "here too");
    assert.deepEqual(this.server.texts(), ["all quiet", "here too"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.bob.close(), this.mallory.close()]);
    await this.server[Symbol.asyncDispose]();
  }
}

/** Alice's login by way of him, when he has met both sides, and what must become of it. */
async function meetBoth(
  middle: Middleman,
  { port }: TestServer,
  check: (login: Promise<unknown>) => Promise<unknown>,
): Promise<{ client: Side; upstream: Side; login: Promise<unknown> }> {
  const login = check(connect({ ...ALICE, port: middle.port }));
  const client = await middle.meetClient();
  const upstream = await middle.meetServer(port);
  return { client, upstream, login };
}

const assertCut = (login: Promise<unknown>): Promise<unknown> =>
  assertFails(login, ConnectError, "connection-cut");

const join = encodeClientMessage({ type: "join", room: LOBBY });

Deno.test("a relayed login: the client stops, the man in the middle has nothing", async (t) => {
  await using scene = await Scene.set();
  const { server } = scene;

  const assertRelayed = async (login: Promise<unknown>): Promise<void> => {
    const error = await assertFails(login, LoginError, "login-relayed");
    assert.equal(error.exitCode, ExitCode.loginRefused);
    assert.match(error.message, /between you and the server/);
    assert.match(error.hint ?? "", /another network/);
  };

  await t.step("he passes on the server's welcome as it came", async () => {
    using middle = new Middleman();
    const { client, upstream, login } = await meetBoth(middle, server, assertRelayed);
    await middle.relayLogin(client, upstream);
    const welcome = await upstream.nextFrame(); // he cannot open it, but he can pass it on
    await writeAll(client.connection, encodeFrames([welcome as Uint8Array]));
    await login;
    await server.reported(/^alice \(.*logged in$/); // the proof was right: it was alice's
    // All that he read are the login's three messages: alice's name, and no key.
    assert.deepEqual(middle.read.map((text) => JSON.parse(text).type), [
      "login_start",
      "login_response",
      "login_finish",
    ]);
    for (const text of middle.read) {
      assert.ok(!text.includes(server.key.slice(0, 43)) && !text.includes(ALICE.password));
    }
  });

  await t.step("he makes up a welcome under the keys that he has", async () => {
    using middle = new Middleman();
    const { client, upstream, login } = await meetBoth(middle, server, assertRelayed);
    await middle.relayLogin(client, upstream);
    client.channel.send(encodeServerMessage({ type: "welcome", user: "alice" }));
    await login;
  });

  await t.step("he cannot open the server's welcome", async () => {
    using middle = new Middleman();
    const { client, upstream, login } = await meetBoth(middle, server, assertCut);
    await middle.relayLogin(client, upstream);
    await assertFails(upstream.channel.receive(), PeerError, "record-invalid");
    client.channel.abort(new Error("he gives up"));
    await login;
  });

  await scene.assertUndisturbed();
});

Deno.test("a relayed login: the server ends it as soon as he speaks himself", async (t) => {
  await using scene = await Scene.set();
  const { server } = scene;

  await t.step("he joins under the keys that he has", async () => {
    using middle = new Middleman();
    const since = server.reports.length;
    const { client, upstream, login } = await meetBoth(middle, server, assertCut);
    await middle.relayLogin(client, upstream);
    upstream.channel.send(join);
    await server.reported(/^alice \(.*: A record is not the authentic next one$/, since);
    // The welcome, which he cannot open, was all that the server sent.
    assert.ok(await upstream.nextFrame() !== null);
    assert.equal(await upstream.nextFrame().catch(() => null), null);
    client.channel.abort(new Error("he gives up"));
    await login;
  });

  await t.step("he smuggles a message into the record of alice's proof", async () => {
    using middle = new Middleman();
    const since = server.reports.length;
    const { client, upstream, login } = await meetBoth(middle, server, assertCut);
    await middle.relay(client, upstream);
    await middle.relay(upstream, client);
    upstream.channel.send(await client.channel.receive() as Uint8Array);
    upstream.channel.send(join); // in the same turn: in the same record, under the old key
    await server.reported(/: A message came before the login was done$/, since);
    assert.equal(await upstream.nextFrame().catch(() => null), null); // not even a welcome
    assert.ok(!server.reports.slice(since).some((line) => line.includes("logged in")));
    client.channel.abort(new Error("he gives up"));
    await login;
  });

  await t.step("he smuggles a message to the client behind the server's answer", async () => {
    using middle = new Middleman();
    const assertNoticed = (login: Promise<unknown>): Promise<unknown> =>
      assertFails(login, PeerError, "message-unexpected");
    const { client, upstream, login } = await meetBoth(middle, server, assertNoticed);
    await middle.relay(client, upstream);
    client.channel.send(await upstream.channel.receive() as Uint8Array);
    client.channel.send(encodeServerMessage({ type: "welcome", user: "alice" }));
    await login;
  });

  await scene.assertUndisturbed();
});

/** The man in the middle as the server: he answers the login with a record of his own making. */
async function playServer(
  middle: Middleman,
  record: (setup: string, username: string) => string,
): Promise<{ username: string; next: "nothing" | "a proof" }> {
  const { channel } = await middle.meetClient();
  const encoded = await channel.receive() as Uint8Array;
  const start = decodeClientMessage(encoded);
  assert.ok(start.type === "login_start");
  const { username, ke1 } = start;
  const setup = createServerSetup();
  const { pending, ke2 } = serverLoginStart(setup, username, record(setup, username), ke1);
  const response: MessageOf<ServerMessage, "login_response"> = { type: "login_response", ke2 };
  const encodedResponse = encodeServerMessage(response);
  channel.send(encodedResponse);
  const answer = await channel.receive();
  if (answer === null) return { username, next: "nothing" };
  const finish = decodeClientMessage(answer);
  assert.ok(finish.type === "login_finish");
  const keys = serverLoginFinish(pending, username, finish.ke3);
  assert.ok(keys !== undefined);
  channel.rekey(keys.sessionKey, [encoded, encodedResponse, answer]);
  channel.send(encodeServerMessage({ type: "bye", code: "guessed", message: "got you" }));
  await channel.close();
  return { username, next: "a proof" };
}

for (
  const [name, record] of [
    [
      "with a record of a wrong guess",
      (setup: string, username: string): string => registerLocally(setup, username, "password1"),
    ],
    ["with a fake record", createDecoyRecord],
  ] as const
) {
  Deno.test(`who plays the server ${name} is refused, and learns the name alone`, async () => {
    using middle = new Middleman();
    const login = connect({ ...ALICE, port: middle.port });
    const [error, played] = await Promise.all([
      assertFails(login, LoginError, "login-refused"),
      playServer(middle, record),
    ]);
    assert.equal(error.exitCode, ExitCode.loginRefused);
    assert.match(error.hint ?? "", /not the server that you registered with/);
    assert.deepEqual(played, { username: ALICE.username, next: "nothing" });
  });
}

Deno.test("who plays the server has to guess the password: that is the one way", async () => {
  using middle = new Middleman();
  const login = connect({ ...ALICE, port: middle.port });
  const [, played] = await Promise.all([
    assertFails(login, ConnectError, "guessed"),
    playServer(middle, (setup, username) => registerLocally(setup, username, ALICE.password)),
  ]);
  assert.equal(played.next, "a proof");
});

/** Bytes of a hello before the key: the frame's length, the protocol's name and version. */
const HELLO_PREFIX = 4 + 8 + 2;

/** Puts another body into the hello, the first frame of a direction. */
function swapHello(body: () => Uint8Array): Alter {
  return (frame, number) => {
    if (number > 0) return [frame];
    const swapped = frame.slice();
    swapped.set(body(), HELLO_PREFIX);
    return [swapped];
  };
}

Deno.test("who alters a hello gets no session: both sides have other keys", async (t) => {
  await using scene = await Scene.set();
  const { server } = scene;
  const other = xWing.keygen();
  const attacks = {
    "the client's key, for his own": { toServer: swapHello(() => other.publicKey) },
    "the server's ciphertext, for his own": {
      toClient: swapHello(() => xWing.encapsulate(other.publicKey).cipherText),
    },
    "one bit of the X25519 half of the key": {
      toServer: (frame, number) => [number === 0 ? flipBit(frame, -1) : frame],
    },
    "one bit of the ML-KEM half of the ciphertext": {
      toClient: (frame, number) => [number === 0 ? flipBit(frame, HELLO_PREFIX) : frame],
    },
    "one bit of the X25519 half of the ciphertext": {
      toClient: (frame, number) => [number === 0 ? flipBit(frame, -2) : frame],
    },
  } satisfies Record<string, { toServer?: Alter; toClient?: Alter }>;
  for (const [name, hooks] of Object.entries(attacks)) {
    await t.step(name, async () => {
      await using proxy = new Proxy(server.port, hooks);
      const since = server.reports.length;
      await Promise.all([
        assertFails(server.connect(ALICE, proxy.port), ConnectError, "connection-cut"),
        server.reported(/: A record is not the authentic next one$/, since),
      ]);
    });
  }
  await scene.assertUndisturbed();
});

Deno.test("who alters the version in a hello is told from a server that is too old", async () => {
  await using server = await TestServer.start([ALICE], {}, "chosen");
  const version = HELLO_PREFIX - 1;
  for (const direction of ["toServer", "toClient"] as const) {
    await using proxy = new Proxy(server.port, {
      [direction]: (frame: Uint8Array, number: number) => [
        number === 0 ? flipBit(frame, version) : frame,
      ],
    });
    const code = direction === "toClient" ? "version-mismatch" : "not-fernchat";
    await assertFails(server.connect(ALICE, proxy.port), ConnectError, code);
  }
});
