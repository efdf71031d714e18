/**
 * In the course project everyone had the key, and a message said itself who had sent it. Here a
 * member who is logged in lies about the sender, and then a server lies to its clients.
 *
 * What does not hold, in an open room: the server has the room's key, so that it can make a message
 * of anyone's. The last test shows it; sealed rooms are the answer to it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Accounts } from "../../lib/auth/accounts.ts";
import { type ChatConnection, connect } from "../../lib/client/connection.ts";
import type { ClientEvent, ErrorEvent } from "../../lib/client/events.ts";
import { openDatabase } from "../../lib/database.ts";
import { FernetKey } from "../../lib/fernet.ts";
import { chainNext, chainStart } from "../../lib/log/chain.ts";
import type { LogEntry } from "../../lib/log/message_log.ts";
import { SecureChannel } from "../../lib/protocol/channel.ts";
import { serverHandshake } from "../../lib/protocol/handshake.ts";
import {
  type ClientMessage,
  decodeClientMessage,
  decodeServerMessage,
  encodeClientMessage,
  encodeServerMessage,
  type MessageOf,
} from "../../lib/protocol/messages.ts";
import { MAX_TEXT_BYTES } from "../../lib/protocol/limits.ts";
import { LOBBY, sealText } from "../../lib/rooms/open_room.ts";
import { encodePayload, type Envelope } from "../../lib/rooms/payload.ts";
import { finishLogin, startLogin } from "../../lib/server/login.ts";
import { addAccounts, ALICE, assertHeard, BOB, MALLORY, nextEvent, RawMember } from "./server.ts";
import { TempFolder, TestServer } from "./server.ts";

type Send = MessageOf<ClientMessage, "send">;

const SENT_AT = "2026-01-01T00:00:00.000Z";

/** A message of mallory's whose token holds `inside`, or any plaintext. */
function craft(
  key: FernetKey,
  id: string,
  inside: Partial<Envelope> | string = {},
  outside: Partial<Send> = {},
): Send {
  const envelope = { room: LOBBY, sender: MALLORY.username, id, sent_at: SENT_AT };
  const plaintext = typeof inside === "string"
    ? inside
    : encodePayload({ ...envelope, ...inside }, "trust me");
  const { room, sent_at } = envelope;
  const token = key.encrypt(plaintext);
  return { type: "send", room, id, sent_at, key_id: key.id, token, ...outside };
}

Deno.test("a member cannot pass a message off as anything but the own", async (t) => {
  await using server = await TestServer.start([ALICE, BOB, MALLORY]);
  await using alice = await server.connect(ALICE);
  await using bob = await server.connect(BOB);
  using mallory = await RawMember.join(server.port, MALLORY);
  const key = server.running.ring.primary;
  const other = FernetKey.generate();
  await assertHeard(alice, bob, "this is alice");
  const [overheard] = server.entries() as [LogEntry];
  await mallory.channel.receive(); // alice's message, which mallory hears, too

  const forgeries: Record<string, Send> = {
    "another sender": craft(key, "f1", { sender: ALICE.username }),
    "another spelling of the sender": craft(key, "f2", { sender: "Mallory" }),
    "another room": craft(key, "f3", { room: "physics" }),
    "another id": craft(key, "f4", { id: "f3" }),
    "another time": craft(key, "f5", { sent_at: "2026-01-01T00:00:00.001Z" }),
    "another key, named": craft(other, "f6"),
    "another key under the room's id": craft(other, "f7", {}, { key_id: key.id }),
    "the room's key under another id": craft(key, "f8", {}, { key_id: other.id }),
    "no token": craft(key, "f9", {}, { token: "gAAAAABthisisnotatoken" }),
    "a token that is cut": craft(key, "f10", {}, { token: overheard.token.slice(0, -8) }),
    "a token without a message": craft(key, "f11", "just some text"),
    "a token with a field more": craft(key, "f12", '{"text":"a","room":"lobby","admin":true}'),
    "a text beyond the limit": craft(
      key,
      "f13",
      encodePayload(
        { room: LOBBY, sender: MALLORY.username, id: "f13", sent_at: SENT_AT },
        "x".repeat(MAX_TEXT_BYTES + 1),
      ),
    ),
    "a text that is not Unicode": craft(
      key,
      "f14",
      encodePayload(
        { room: LOBBY, sender: MALLORY.username, id: "f14", sent_at: SENT_AT },
        "\ud800",
      ),
    ),
    "what alice said, as the own": craft(key, overheard.messageId, {}, {
      token: overheard.token,
      sent_at: overheard.sentAt,
    }),
  };
  for (const [name, forgery] of Object.entries(forgeries)) {
    await t.step(name, async () => {
      const since = server.reports.length;
      mallory.channel.send(encodeClientMessage(forgery));
      const answer = decodeServerMessage(await mallory.channel.receive() as Uint8Array);
      assert.ok(answer.type === "error", answer.type);
      const code = forgery.key_id === key.id ? "token-invalid" : "key-outdated";
      assert.deepEqual([answer.code, answer.id], [code, forgery.id]);
      await server.reported(/^mallory \(.* message refused: /, since);
      assert.equal(server.entries().length, 1);
    });
  }

  await t.step("what is true is taken, and nobody heard of the rest", async () => {
    mallory.channel.send(encodeClientMessage(craft(key, "honest")));
    const answer = decodeServerMessage(await mallory.channel.receive() as Uint8Array);
    assert.equal(answer.type, "ack");
    const heard = await nextEvent(bob, "message");
    assert.deepEqual([heard.sender, heard.text, heard.seq], [MALLORY.username, "trust me", 2]);
  });
});

Deno.test("a message for a room that was not joined is refused, and one with a sender ends the connection", async (t) => {
  await using server = await TestServer.start([ALICE, BOB, MALLORY]);
  await using alice = await server.connect(ALICE);
  await using bob = await server.connect(BOB);
  const honest = craft(server.running.ring.primary, "m-1");
  const named = `{"type":"send","sender":"alice",${JSON.stringify(honest).slice(15)}`;
  await t.step("room-not-joined", async () => {
    using mallory = await RawMember.join(server.port, MALLORY);
    mallory.say({ ...honest, room: "physics" });
    const { code, room, id } = await mallory.hears("error");
    assert.deepEqual([code, room, id], ["room-not-joined", "physics", "m-1"]);
  });
  await t.step("message-invalid", async () => {
    using mallory = await RawMember.join(server.port, MALLORY);
    mallory.channel.send(new TextEncoder().encode(named));
    assert.equal((await mallory.hears("bye")).code, "message-invalid");
    assert.equal(await mallory.channel.receive(), null);
  });
  await assertHeard(alice, bob, "still here");
  assert.deepEqual(server.texts(), ["still here"]);
});

/** A server with real accounts and a real login, which then says what the test wants. */
class LyingServer implements AsyncDisposable {
  readonly key = FernetKey.generate();
  readonly #folder = new TempFolder();
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  #channel!: SecureChannel;
  client!: ChatConnection;
  #head = { seq: 0, chain: chainStart(LOBBY) };
  #made = 0;

  /** Logs alice in. */
  static async start(): Promise<LyingServer> {
    const server = new LyingServer();
    const { port } = server.#listener.addr;
    await addAccounts(server.#db, [ALICE]);
    const [client] = await Promise.all([
      connect({ ...ALICE, port, sealed: false }),
      server.#welcome(),
    ]);
    server.client = client;
    await nextEvent(client, "ready");
    return server;
  }

  get #db(): string {
    return this.#folder.file("a.db");
  }

  /** A message of bob's that continues the log, as an honest server would deliver it. */
  next(text = `text ${this.#made}`): LogEntry {
    const envelope = { room: LOBBY, sender: "bob", id: `m${this.#made++}`, sent_at: SENT_AT };
    const { keyId, token } = sealText(this.key, envelope, text);
    const { room, sender, id: messageId } = envelope;
    return this.#rechain({ room, sender, messageId, sentAt: SENT_AT, keyId, token });
  }

  /** The same with other fields, so that the chain fits again. */
  altered(entry: LogEntry, changes: Partial<LogEntry>): LogEntry {
    const { seq: _seq, chain: _chain, ...fields } = { ...entry, ...changes };
    return this.#rechain(fields);
  }

  /** Delivers entries; each becomes the end of the log that the client follows. */
  deliver(...entries: LogEntry[]): void {
    for (const entry of entries) {
      const { seq, sender, room, messageId: id, sentAt: sent_at, keyId, token, chain } = entry;
      this.#say({ type: "message", seq, sender, room, id, sent_at, key_id: keyId, token, chain });
      this.#head = { seq, chain };
    }
  }

  /** The next message that alice sends. */
  async receiveSend(): Promise<Send> {
    return await this.#receive("send");
  }

  /** The entry that an honest server makes of it. */
  entryOf({ room, id: messageId, sent_at: sentAt, key_id: keyId, token }: Send): LogEntry {
    return this.#rechain({ room, sender: "alice", messageId, sentAt, keyId, token });
  }

  ack({ room, messageId: id, seq, chain }: LogEntry): void {
    this.#say({ type: "ack", room, id, seq, chain });
    this.#head = { seq, chain };
  }

  /** What the client made of everything up to here, without the marker's own events. */
  async events(): Promise<ClientEvent[]> {
    this.deliver(this.next("marker"));
    const events: ClientEvent[] = [];
    for await (const event of this.client) {
      if (event.type === "message" && event.text === "marker") break;
      events.push(event);
    }
    return events;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.#channel.abort(new Error("the test is over"));
    await Array.fromAsync(this.client);
    this.#folder[Symbol.dispose]();
  }

  async #welcome(): Promise<void> {
    const database = openDatabase(this.#db);
    const accounts = await Accounts.open(database, this.#db);
    const connection = await this.#listener.accept();
    this.#channel = new SecureChannel("server", connection, await serverHandshake(connection));
    const encoded = await this.#channel.receive() as Uint8Array;
    const start = decodeClientMessage(encoded);
    assert.ok(start.type === "login_start");
    const login = startLogin(accounts, true, start, encoded);
    database.close();
    this.#channel.send(login.messages[1]);
    const proof = await this.#channel.receive() as Uint8Array;
    const finish = decodeClientMessage(proof);
    assert.ok(finish.type === "login_finish");
    const sessionKey = finishLogin(login, finish.ke3) as Uint8Array;
    this.#channel.rekey(sessionKey, [...login.messages, proof]);
    this.#say({ type: "welcome", user: "alice" });
    await this.#receive("join");
    const { seq: last_seq, chain: head } = this.#head;
    const keys = [this.key.toString()];
    const settings = { kind: "open", topic: "", slow: 0 } as const;
    this.#say({ type: "joined", room: LOBBY, ...settings, keys, last_seq, head });
  }

  async #receive<T extends ClientMessage["type"]>(type: T): Promise<MessageOf<ClientMessage, T>> {
    const message = decodeClientMessage(await this.#channel.receive() as Uint8Array);
    assert.equal(message.type, type);
    return message as MessageOf<ClientMessage, T>;
  }

  #say(message: Parameters<typeof encodeServerMessage>[0]): void {
    this.#channel.send(encodeServerMessage(message));
  }

  #rechain(fields: Omit<LogEntry, "seq" | "chain">): LogEntry {
    const numbered = { ...fields, seq: this.#head.seq + 1 };
    return { ...numbered, chain: chainNext(this.#head.chain, numbered) };
  }
}

/** Events in short: `error CODE`, `message TEXT`. */
function brief(events: readonly ClientEvent[]): string[] {
  return events.map((event) =>
    event.type === "message"
      ? `message ${event.text}`
      : `${event.type} ${(event as ErrorEvent).code ?? ""}`.trim()
  );
}

Deno.test("a client notices what a lying server delivers", async (t) => {
  await using server = await LyingServer.start();
  const forged = ["error token-invalid"];
  const broken = "error room-inconsistent";

  await t.step("the truth gives no error", async () => {
    server.deliver(server.next("true"));
    assert.deepEqual(brief(await server.events()), ["message true"]);
  });

  for (
    const [name, changes] of Object.entries(
      {
        "another sender": { sender: "alice" },
        "another spelling of the sender": { sender: "Bob" },
        "another id": { messageId: "other" },
        "another time": { sentAt: "2026-01-01T00:00:01.000Z" },
        "another key's id": { keyId: "00000000" },
        "another token": { token: FernetKey.generate().encrypt("trust me") },
      } satisfies Record<string, Partial<LogEntry>>,
    )
  ) {
    await t.step(`${name}, with a chain that fits: not shown`, async () => {
      server.deliver(server.altered(server.next(), changes));
      assert.deepEqual(brief(await server.events()), forged);
    });
  }

  await t.step("another sender, with the chain as it was: both errors", async () => {
    server.deliver({ ...server.next(), sender: "alice" });
    assert.deepEqual(brief(await server.events()), [broken, ...forged]);
  });

  await t.step("a message twice: shown once", async () => {
    const entry = server.next("again");
    server.deliver(entry, entry);
    assert.deepEqual(brief(await server.events()), ["message again", broken]);
  });

  await t.step("a message left out", async () => {
    const withheld = server.next("withheld");
    const { seq, chain } = withheld;
    const following = { ...server.next("after"), seq: seq + 1 };
    server.deliver({ ...following, chain: chainNext(chain, following) });
    assert.deepEqual(brief(await server.events()), [broken, "message after"]);
  });

  await t.step("a message left out, and the numbers closed up over it", async () => {
    const { chain } = server.next("withheld");
    const following = server.next("after");
    server.deliver({ ...following, chain: chainNext(chain, following) });
    assert.deepEqual(brief(await server.events()), [broken, "message after"]);
  });

  await t.step("two messages in the wrong order", async () => {
    const first = server.next("first");
    const second = { ...server.next("second"), seq: first.seq + 1 };
    server.deliver({ ...second, chain: chainNext(first.chain, second) }, first);
    const seen = brief(await server.events());
    assert.deepEqual(seen.slice(0, 4), [broken, "message second", broken, "message first"]);
  });

  await t.step("another chain", async () => {
    server.deliver({ ...server.next("text"), chain: "0".repeat(64) });
    assert.deepEqual(brief(await server.events()), [broken, "message text"]);
  });

  await t.step("an old message again, as a new one: shown once", async () => {
    const old = server.next("old");
    server.deliver(old);
    server.deliver(server.altered(old, {})); // as if it had been stored twice
    assert.deepEqual(brief(await server.events()), ["message old", broken]);
  });

  await t.step("an ack with a number too high", async () => {
    const sending = server.client.send("mine");
    const entry = server.entryOf(await server.receiveSend());
    server.ack({ ...entry, seq: entry.seq + 5 });
    await sending;
    assert.deepEqual(brief(await server.events()), [broken, "ack"]);
  });

  await t.step("an ack with the chain of an altered message", async () => {
    const sending = server.client.send("mine");
    const entry = server.entryOf(await server.receiveSend());
    server.ack(server.altered(entry, { token: FernetKey.generate().encrypt("not mine") }));
    await sending;
    assert.deepEqual(brief(await server.events()), [broken, "ack"]);
  });

  await t.step("in an open room it can make a message of anyone's: it has the key", async () => {
    const envelope = { room: LOBBY, sender: "carol", id: "made-up", sent_at: SENT_AT };
    const { keyId, token } = sealText(server.key, envelope, "I never said that");
    const changes = { sender: "carol", messageId: "made-up", keyId, token };
    server.deliver(server.altered(server.next(), changes));
    assert.deepEqual(brief(await server.events()), ["message I never said that"]);
  });

  await t.step("a message of a room that was not joined ends the connection", async () => {
    server.deliver(server.altered(server.next(), { room: "physics" }));
    const closed = await nextEvent(server.client, "closed");
    assert.equal(closed.reason, "room-inconsistent");
  });
});
