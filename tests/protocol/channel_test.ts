/**
 * The channel over a stream in memory: order, batches, ends, bounds, and the change of keys at the
 * login.
 *
 * @module
 */

import assert from "node:assert/strict";
import { BugError, PeerError } from "../../lib/errors.ts";
import { decodeFrames, encodeFrames, FRAME_HEADER_BYTES, FrameReader } from "../../lib/framing.ts";
import { SecureChannel } from "../../lib/protocol/channel.ts";
import { trafficSecrets } from "../../lib/protocol/key_schedule.ts";
import {
  MAX_FRAME_BYTES,
  MAX_FRAME_BYTES_BEFORE_LOGIN,
  RECORD_BATCH_BYTES,
} from "../../lib/protocol/limits.ts";
import { RECORD_OVERHEAD_BYTES, RecordSealer, RecordType } from "../../lib/protocol/record.ts";
import vectors from "../testdata/protocol.json" with { type: "json" };
import {
  type Channels,
  createPipe,
  fault,
  flipBit,
  hex,
  openChannels,
  type PipeEnd,
  unhex,
  utf8,
} from "./pipe.ts";

const LOGIN_KEY = new Uint8Array(64).fill(1);
const LOGIN_MESSAGES = ["start", "response", "finish"].map(utf8);

const pipes = [["whole", {}], ["byte by byte", { maxRead: 1, maxWrite: 1 }]] as const;

/** The texts of the next messages. */
async function receiveTexts(channel: SecureChannel, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) texts.push(new TextDecoder().decode((await channel.receive())!));
  return texts;
}

function sendTexts(channel: SecureChannel, texts: readonly string[]): void {
  for (const text of texts) channel.send(utf8(text));
}

/** Both sides change their keys, each in its turn, as a login does. */
async function logIn({ client, server }: Channels): Promise<void> {
  const [start, response, finish] = LOGIN_MESSAGES as [Uint8Array, Uint8Array, Uint8Array];
  client.send(start);
  await server.receive();
  server.send(response);
  await client.receive();
  client.send(finish);
  client.rekey(LOGIN_KEY, LOGIN_MESSAGES);
  await server.receive();
  server.rekey(LOGIN_KEY, LOGIN_MESSAGES);
}

/** The sizes of the frames that an end has written. */
function frameSizes(end: PipeEnd): number[] {
  return end.writes.flatMap(decodeFrames).map((frame) => frame.length);
}

for (const [name, options] of pipes) {
  Deno.test(`messages arrive ${name} in order, in both directions, before and after the login`, async () => {
    const channels = await openChannels(options);
    const { client, server } = channels;
    for (const stage of ["before", "after"]) {
      const texts = Array.from({ length: 30 }, (_, at) => `${stage} ${at} ${"x".repeat(at)}`);
      for (const [from, to] of [[client, server], [server, client]] as const) {
        sendTexts(from, texts);
        assert.deepEqual(await receiveTexts(to, texts.length), texts);
      }
      if (stage === "before") await logIn(channels);
    }
  });

  Deno.test(`a close arrives ${name} behind what was sent, and is no cut`, async () => {
    const { client, server } = await openChannels(options);
    sendTexts(client, ["1", "2"]);
    await client.closeWrite();
    sendTexts(server, ["still heard"]);
    assert.deepEqual(await receiveTexts(server, 2), ["1", "2"]);
    assert.equal(await server.receive(), null);
    assert.deepEqual(await receiveTexts(client, 1), ["still heard"]);
    await server.close();
    assert.equal(await client.receive(), null);
  });
}

Deno.test("what is sent in one turn shares one record and one write", async () => {
  const { pipe, client, server } = await openChannels();
  sendTexts(client, ["one", "two", "three"]);
  assert.deepEqual(await receiveTexts(server, 3), ["one", "two", "three"]);
  const content = encodeFrames(["one", "two", "three"].map(utf8));
  assert.equal(pipe.client.writes.length, 1);
  assert.deepEqual(frameSizes(pipe.client), [content.length + RECORD_OVERHEAD_BYTES]);
});

Deno.test("what is sent while a write waits shares the next record", async () => {
  const { pipe, client, server } = await openChannels({ capacity: 1 });
  sendTexts(client, ["first"]);
  await client.flush();
  sendTexts(client, ["second"]);
  for (let turn = 0; turn < 100 && client.queuedBytes > 0; turn++) await Promise.resolve();
  assert.equal(client.queuedBytes, 0); // its write waits for the reader now
  sendTexts(client, ["third", "fourth"]);
  assert.deepEqual(await receiveTexts(server, 4), ["first", "second", "third", "fourth"]);
  assert.equal(pipe.client.writes.length, 3);
});

Deno.test("a record takes messages up to its batch size 0, and one byte more goes into the next", async () => {
  for (const [excess, records] of [[-1, 1], [0, 1], [1, 2]] as const) {
    const { pipe, client, server } = await openChannels();
    rekeyAlone({ client, server });
    const half = RECORD_BATCH_BYTES / 2 - FRAME_HEADER_BYTES;
    client.send(new Uint8Array(half));
    client.send(new Uint8Array(half + excess));
    for (const size of [half, half + excess]) {
      assert.equal((await server.receive())?.length, size);
    }
    assert.equal(pipe.client.writes.length, records);
  }
});

Deno.test("an idle channel writes nothing", async () => {
  const { pipe, client, server } = await openChannels();
  await client.flush();
  rekeyAlone({ client, server });
  await client.flush();
  assert.equal(pipe.client.writes.length + pipe.server.writes.length, 0);
});

Deno.test("a stream that ends without a close is cut: between frames and inside one", async () => {
  const between = await openChannels();
  between.pipe.client.close();
  await assert.rejects(between.server.receive(), fault("connection-cut"));

  const inside = await openChannels();
  inside.pipe.client.tamper = (bytes) => bytes.subarray(0, bytes.length - 1);
  sendTexts(inside.client, ["never whole"]);
  await inside.client.flush();
  inside.pipe.client.close();
  await assert.rejects(inside.server.receive(), fault("frame-truncated"));
});

Deno.test("a dropped close is a cut", async () => {
  const { pipe, client, server } = await openChannels();
  sendTexts(client, ["last words"]);
  await client.flush();
  pipe.client.tamper = () => new Uint8Array();
  await client.close();
  assert.deepEqual(await receiveTexts(server, 1), ["last words"]);
  await assert.rejects(server.receive(), fault("connection-cut"));
});

Deno.test("any bit of a record or its header flipped on the way never gives a message", async () => {
  const sample = await openChannels();
  sendTexts(sample.client, ["x"]);
  await sample.client.flush();
  const bits = sample.pipe.client.writes[0]!.length * 8;
  for (let bit = 0; bit < bits; bit++) {
    const { server, pipe } = reopen(sample);
    await pipe.client.write(flipBit(sample.pipe.client.writes[0]!, bit));
    pipe.client.close();
    const error = await server.receive().then(() => undefined, (error) => error);
    assert.ok(error instanceof PeerError, `bit ${bit}`);
    const expected = bit < 32
      ? /^(frame-(too-large|truncated)|record-invalid)$/
      : /^record-invalid$/;
    assert.match(error.code, expected, `bit ${bit}`);
  }
});

Deno.test("the maximum frame is 2 KiB before the login and the longest message's after it", async () => {
  for (const limit of [MAX_FRAME_BYTES_BEFORE_LOGIN, MAX_FRAME_BYTES]) {
    for (const excess of [-1, 0, 1]) {
      const channels = await openChannels();
      if (limit === MAX_FRAME_BYTES) await logIn(channels);
      const size = limit + excess - RECORD_OVERHEAD_BYTES - FRAME_HEADER_BYTES;
      channels.client.send(new Uint8Array(size));
      const received = channels.server.receive();
      if (excess <= 0) assert.equal((await received)?.length, size);
      else await assert.rejects(received, fault("frame-too-large"));
    }
  }
});

Deno.test("the queue takes bytes up to its bound −1 and 0; +1 ends the channel as too-slow", async () => {
  const maxQueuedBytes = 1000;
  const { pipe, client } = await openChannels({}, { maxQueuedBytes });
  client.send(new Uint8Array(999));
  client.send(new Uint8Array(1));
  assert.equal(client.queuedBytes, 1000);
  assert.ok(!pipe.client.closed);
  client.send(new Uint8Array(1));
  assert.ok(pipe.client.closed);
  await assert.rejects(client.receive(), fault("too-slow"));
});

Deno.test("a peer that does not read is cut off as too-slow, and its queue is freed", async () => {
  const { pipe, client } = await openChannels({ capacity: 1 }, { maxQueuedBytes: 1000 });
  let sent = 0;
  while (!pipe.client.closed) {
    client.send(new Uint8Array(10));
    sent += 1;
    await Promise.resolve(); // the stream takes what it can
  }
  assert.ok(sent > 100 && sent < 110, `${sent} were taken`);
  assert.equal(client.queuedBytes, 0);
  await client.flush();
  await assert.rejects(client.receive(), fault("too-slow"));
  client.send(new Uint8Array(10));
  assert.equal(client.queuedBytes, 0);
  await client.closeWrite();
});

Deno.test("an aborted channel's pending receive throws the reason, and the peer sees a cut", async () => {
  const { client, server } = await openChannels();
  const reason = new PeerError("deadline-missed", "too late");
  const pending = assert.rejects(client.receive(), (error) => error === reason);
  client.abort(reason);
  client.abort(new BugError("a later reason does not count"));
  await pending;
  await assert.rejects(client.receive(), (error) => error === reason);
  await assert.rejects(server.receive(), fault("connection-cut"));
});

Deno.test("a write that fails ends the channel as cut", async () => {
  const { pipe, client } = await openChannels();
  pipe.server.close();
  sendTexts(client, ["to nobody"]);
  await client.flush();
  assert.ok(pipe.client.closed);
  await assert.rejects(client.receive(), fault("connection-cut"));
});

Deno.test("nothing is sent after a close, and nothing comes after the peer's", async () => {
  const { pipe, client, server } = await openChannels();
  await client.closeWrite();
  sendTexts(client, ["too late"]);
  await client.closeWrite();
  await client.flush();
  assert.deepEqual(frameSizes(pipe.client), [RECORD_OVERHEAD_BYTES]);
  assert.equal(await server.receive(), null);
  pipe.client.close();
  await assert.rejects(server.receive(), fault("connection-cut"));
});

Deno.test("closing twice loses nothing that was sent before", async () => {
  const { client, server } = await openChannels();
  sendTexts(client, ["last words"]);
  await Promise.all([client.close(), client.close()]);
  assert.equal(new TextDecoder().decode(await server.receive() ?? undefined), "last words");
  assert.equal(await server.receive(), null);
});

Deno.test("keys update by themselves as a channel is used, unseen by who reads messages", async () => {
  const keyUsage = { records: 2, bytes: 1000 };
  const channels = await openChannels({ maxRead: 1 }, { keyUsage });
  for (const stage of ["before", "after"]) {
    for (let at = 0; at < 20; at++) {
      sendTexts(channels.client, [`${stage} ${at}`]);
      assert.deepEqual(await receiveTexts(channels.server, 1), [`${stage} ${at}`]);
    }
    const updates = frameSizes(channels.pipe.client).filter((size) =>
      size === RECORD_OVERHEAD_BYTES
    );
    assert.equal(updates.length, stage === "before" ? 9 : 18);
    if (stage === "before") rekeyAlone(channels);
  }
});

Deno.test("an authentic record whose content is no whole frames is frame-truncated", async () => {
  for (const content of [[0], [0, 0, 0, 2, 7], [0, 0, 0, 0, 9], [255, 255, 255, 255]]) {
    const { pipe, handshakes, server } = await openChannels();
    const sealer = new RecordSealer(handshakes.client.traffic.clientToServer);
    const records = sealer.seal(RecordType.messages, Uint8Array.from(content));
    await pipe.client.write(encodeFrames(records));
    await assert.rejects(server.receive(), fault("frame-truncated"));
  }
});

Deno.test("a message of no bytes arrives as such", async () => {
  const { client, server } = await openChannels();
  sendTexts(client, ["", "after"]);
  assert.deepEqual(await receiveTexts(server, 2), ["", "after"]);
});

Deno.test("what was sent before a change of keys goes under the old ones, what follows under the new", async () => {
  const { pipe, client, server } = await openChannels();
  sendTexts(client, ["finish"]);
  client.rekey(LOGIN_KEY, LOGIN_MESSAGES);
  sendTexts(client, ["under new keys"]);
  assert.deepEqual(await receiveTexts(server, 1), ["finish"]);
  server.rekey(LOGIN_KEY, LOGIN_MESSAGES);
  assert.deepEqual(await receiveTexts(server, 1), ["under new keys"]);
  assert.equal(pipe.client.writes.length, 2);
});

Deno.test("the keys before and after the login are the vectors'", async () => {
  const { inputs, outputs } = vectors;
  const { pipe, handshakes } = await openChannels();
  const { reader } = handshakes.client;
  const secret = unhex(outputs.handshakeSecret);
  const transcript = unhex(outputs.transcript);
  const traffic = trafficSecrets(secret, "hs", transcript);
  const client = new SecureChannel("client", pipe.client, { reader, secret, transcript, traffic });
  sendTexts(client, ["before"]);
  client.rekey(unhex(inputs.loginKey), inputs.loginMessages.map(utf8));
  sendTexts(client, ["after"]);
  await client.flush();
  const expected = [[outputs.hs, "before"], [outputs.ap, "after"]] as const;
  for (const [at, [stage, text]] of expected.entries()) {
    const sealer = new RecordSealer(unhex(stage.client.secret));
    const records = sealer.seal(RecordType.messages, encodeFrames([utf8(text)]));
    assert.equal(hex(pipe.client.writes[at]!), hex(encodeFrames(records)));
  }
});

Deno.test("a change of keys with another login key, or other login messages, opens nothing", async () => {
  const others: [Uint8Array, readonly Uint8Array[]][] = [
    [flipBit(LOGIN_KEY, 511), LOGIN_MESSAGES],
    [LOGIN_KEY, LOGIN_MESSAGES.with(0, utf8("stare"))],
    [LOGIN_KEY, LOGIN_MESSAGES.slice(0, 2)],
    [LOGIN_KEY, ["startresponse", "", "finish"].map(utf8)],
  ];
  for (const other of others) {
    const { client, server } = await openChannels();
    client.rekey(LOGIN_KEY, LOGIN_MESSAGES);
    server.rekey(...other);
    sendTexts(client, ["1"]);
    sendTexts(server, ["2"]);
    await assert.rejects(server.receive(), fault("record-invalid"));
    await assert.rejects(client.receive(), fault("record-invalid"));
  }
});

Deno.test("a message behind the login's last one, in the same record, is message-unexpected", async () => {
  const { client, server } = await openChannels();
  sendTexts(client, ["finish", "smuggled"]);
  assert.deepEqual(await receiveTexts(server, 1), ["finish"]);
  const rekey = (): void => server.rekey(LOGIN_KEY, LOGIN_MESSAGES);
  assert.throws(rekey, fault("message-unexpected"));
});

Deno.test("the same holds for a server's message behind its login response", async () => {
  const { client, server } = await openChannels();
  sendTexts(server, ["response", "smuggled"]);
  assert.deepEqual(await receiveTexts(client, 1), ["response"]);
  const rekey = (): void => client.rekey(LOGIN_KEY, LOGIN_MESSAGES);
  assert.throws(rekey, fault("message-unexpected"));
});

Deno.test("a message behind the login's last one, in the next record, is record-invalid", async () => {
  const { client, server } = await openChannels();
  sendTexts(client, ["finish"]);
  await client.flush();
  sendTexts(client, ["smuggled"]);
  await client.flush();
  assert.deepEqual(await receiveTexts(server, 1), ["finish"]);
  server.rekey(LOGIN_KEY, LOGIN_MESSAGES);
  await assert.rejects(server.receive(), fault("record-invalid"));
});

Deno.test("whoever relays a login between two handshakes can neither read nor pass on what follows", async () => {
  const [left, right] = [await openChannels(), await openChannels()];
  const { client, server } = { client: left.client, server: right.server };
  const up = async (): Promise<void> => right.client.send((await left.server.receive())!);
  const down = async (): Promise<void> => left.server.send((await right.client.receive())!);

  sendTexts(client, ["start"]);
  await up();
  assert.deepEqual(await receiveTexts(server, 1), ["start"]);
  sendTexts(server, ["response"]);
  await down();
  assert.deepEqual(await receiveTexts(client, 1), ["response"]);
  sendTexts(client, ["finish"]);
  client.rekey(LOGIN_KEY, LOGIN_MESSAGES);
  await up();
  assert.deepEqual(await receiveTexts(server, 1), ["finish"]);
  server.rekey(LOGIN_KEY, LOGIN_MESSAGES);

  sendTexts(server, ["welcome"]);
  sendTexts(client, ["join"]);
  await assert.rejects(right.client.receive(), fault("record-invalid"));
  await assert.rejects(left.server.receive(), fault("record-invalid"));
  await left.pipe.server.write(right.pipe.server.writes.at(-1)!);
  await assert.rejects(client.receive(), fault("record-invalid"));
  await right.pipe.client.write(left.pipe.client.writes.at(-1)!);
  await assert.rejects(server.receive(), fault("record-invalid"));
});

/** Both sides change their keys while nothing is on its way. */
function rekeyAlone({ client, server }: Pick<Channels, "client" | "server">): void {
  client.rekey(LOGIN_KEY, LOGIN_MESSAGES);
  server.rekey(LOGIN_KEY, LOGIN_MESSAGES);
}

/** A server after the same handshake, on a new pipe. */
function reopen({ handshakes }: Channels): { server: SecureChannel; pipe: Channels["pipe"] } {
  const pipe = createPipe();
  const reader = new FrameReader(pipe.server, MAX_FRAME_BYTES_BEFORE_LOGIN);
  return {
    pipe,
    server: new SecureChannel("server", pipe.server, { ...handshakes.server, reader }),
  };
}
