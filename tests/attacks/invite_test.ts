/**
 * An invite is a link that travels by mail and chat, and whoever has it can make an account. Here
 * somebody tries without it: on the wire, in the middle, with the database; and somebody who has it
 * tries more than it is for.
 *
 * What holds by design: whoever reads the mail can use the link, until its owner has. Whoever steals
 * the database can pretend to be the server to those who still have links, as with accounts.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { inviteIdentity } from "../../lib/auth/invite_code.ts";
import {
  clientRegisterFinish,
  clientRegisterStart,
  type ClientState,
} from "../../lib/auth/opaque.ts";
import { dial } from "../../lib/client/dial.ts";
import { send } from "../../lib/client/exchange.ts";
import { prove } from "../../lib/client/login.ts";
import { createAccount, openInvite, redeem } from "../../lib/client/redeem.ts";
import {
  CallerError,
  ConnectError,
  EnvironmentError,
  ExitCode,
  LoginError,
} from "../../lib/errors.ts";
import type { SecureChannel } from "../../lib/protocol/channel.ts";
import {
  type ClientMessage,
  decodeServerMessage,
  encodeServerMessage,
  type ServerMessage,
} from "../../lib/protocol/messages.ts";
import { withOperations } from "../../lib/server/commands.ts";
import type { DrawnInvite, InviteWish } from "../../lib/server/invitations.ts";
import type { Operations } from "../../lib/server/operations.ts";
import { Guesser } from "./guesser.ts";
import { Middleman } from "./middleman.ts";
import { Proxy } from "./proxy.ts";
import { ALICE, assertFails, TestServer } from "./server.ts";

const WISH: InviteWish = {
  label: "",
  role: "member",
  room: "lobby",
  uses: 1,
  seconds: 3_600,
};

const NEWCOMER = { username: "newcomer", password: "a newcomer's tea 44" };

/** Works as an operator at the console does, in a running server's database. */
function atConsole<T>({ db }: TestServer, work: (operations: Operations) => T): Promise<T> {
  return withOperations(db, { create: false }, work);
}

function issue(server: TestServer, wish: Partial<InviteWish> = {}): Promise<DrawnInvite> {
  return atConsole(server, ({ invitations }) => {
    const drawn = invitations.draw({ ...WISH, ...wish });
    invitations.issue([drawn]);
    return drawn;
  });
}

/** How many uses an invite has left. */
function usesLeft(server: TestServer, { invite }: DrawnInvite): Promise<number> {
  return atConsole(server, ({ invitations }) => invitations.store.get(invite.id).uses_left);
}

function accountNames(server: TestServer): Promise<string[]> {
  return atConsole(server, ({ accounts }) => accounts.list().map(({ name }) => name));
}

const address = (port: number): { hostname: string; port: number } => ({
  hostname: "127.0.0.1",
  port,
});

/** Somebody who has proved an invite's code, and says by hand what follows. */
class Invitee implements Disposable {
  private constructor(readonly channel: SecureChannel) {}

  static async come(port: number, code: string): Promise<Invitee> {
    const channel = await dial(address(port));
    await openInvite(channel, code);
    return new Invitee(channel);
  }

  say(message: ClientMessage): void {
    send(this.channel, message);
  }

  async hear(): Promise<ServerMessage> {
    const encoded = await this.channel.receive();
    assert.ok(encoded !== null, "the connection ended");
    return decodeServerMessage(encoded);
  }

  /** The next message's type, or the code of an error or good-bye. */
  async heard(): Promise<string> {
    const message = await this.hear();
    return "code" in message ? `${message.type} ${message.code}` : message.type;
  }

  /** Asks for a name; with the server's answer, what the record is made of. */
  async ask(name: string): Promise<{ pending: ClientState; answer: ServerMessage }> {
    const { pending, request } = clientRegisterStart(name, "a password", "random"); // to be quick
    this.say({ type: "create_start", name, request });
    return { pending, answer: await this.hear() };
  }

  /** Asks for a name that can be had; returns the message that would make the account. */
  async prepare(name: string): Promise<ClientMessage> {
    const { pending, answer } = await this.ask(name);
    assert.ok(answer.type === "register_response", JSON.stringify(answer));
    const { record } = clientRegisterFinish(pending, answer.response);
    return { type: "create_finish", record };
  }

  [Symbol.dispose](): void {
    this.channel.abort(new Error("the test is over"));
  }
}

/** A code as it could stand in bytes: as it is, as bits, and in the usual encodings of both. */
function formsOf(code: string): Buffer[] {
  const bits = [...code].map((one) =>
    "abcdefghijklmnopqrstuvwxyz234567".indexOf(one).toString(2).padStart(5, "0")
  ).join("");
  const bytes = Buffer.from(bits.match(/.{8}/g)?.map((byte) => parseInt(byte, 2)) ?? []);
  const text = Buffer.from(code);
  return [text, bytes].flatMap((one) => [
    one,
    Buffer.from(one.toString("hex")),
    Buffer.from(one.toString("hex").toUpperCase()),
    Buffer.from(one.toString("base64").slice(0, -4)), // the end depends on what follows
    Buffer.from(one.toString("base64url").slice(0, -4)),
  ]).concat(Buffer.from(code.toUpperCase()), text.subarray(0, 13), text.subarray(13));
}

/** Notes what is said on a channel before it is sealed. */
function overhear(channel: SecureChannel): Uint8Array[] {
  const said: Uint8Array[] = [];
  const send = channel.send.bind(channel);
  channel.send = (message) => {
    said.push(message);
    return send(message);
  };
  return said;
}

Deno.test("the code is nowhere: not on the wire, not in what is said, not in the database or the log", async () => {
  await using server = await TestServer.start([ALICE]);
  await using proxy = new Proxy(server.port);
  const { code, invite } = await issue(server);
  const channel = await dial(address(proxy.port));
  const said = overhear(channel);
  await openInvite(channel, code);
  await createAccount(channel, NEWCOMER);
  await channel.close();
  const files = [...Deno.readDirSync(server.folder.path)]
    .map(({ name }) => Buffer.from(Deno.readFileSync(server.folder.file(name))));
  const places = {
    "the wire": Buffer.from(proxy.recorded),
    "what was said": Buffer.concat(said),
    "the database": Buffer.concat(files),
    "the log": Buffer.from(server.reports.join("\n")),
  };
  assert.equal(said.length, 4);
  assert.ok(places["what was said"].includes(invite.id), "the search works");
  assert.ok(places["the database"].includes(invite.id), "here too");
  for (const [place, bytes] of Object.entries(places)) {
    for (const form of formsOf(code)) assert.ok(!bytes.includes(form), `${form} is in ${place}`);
  }
});

Deno.test("an invite is for so many accounts, and for as long as it holds", async (t) => {
  await using server = await TestServer.start([ALICE]);
  const link = (code: string): Parameters<typeof redeem>[0] => ({
    address: address(server.port),
    code,
  });
  const assertRefused = async (drawn: DrawnInvite, code: string): Promise<void> => {
    const second = { ...NEWCOMER, username: "second" };
    const error = await assertFails(redeem(link(drawn.code), second), LoginError, code);
    assert.equal(error.exitCode, ExitCode.loginRefused);
    assert.match(error.hint ?? "", /ask whoever sent it/);
    assert.ok(!(await accountNames(server)).includes("second"));
  };

  await t.step("used twice", async () => {
    const drawn = await issue(server);
    assert.deepEqual(await redeem(link(drawn.code), NEWCOMER), { role: "member", room: "lobby" });
    const chat = await server.connect(NEWCOMER);
    assert.equal(chat.user, NEWCOMER.username);
    await chat.close();
    await assertRefused(drawn, "invite-used");
  });
  await t.step("expired", async () => {
    const drawn = await atConsole(server, ({ invitations }) => {
      const { invite, ...others } = invitations.draw(WISH);
      const expired = { ...others, invite: { ...invite, expires_at: invite.created_at } };
      invitations.issue([expired]);
      return expired;
    });
    await assertRefused(drawn, "invite-expired");
  });
  await t.step("revoked", async () => {
    const drawn = await issue(server);
    await atConsole(server, ({ invitations }) => invitations.revoke(drawn.invite.id));
    await assertRefused(drawn, "invite-revoked");
  });
  await t.step("revoked between the proof and the name, and before the last word", async () => {
    for (const isAsked of [false, true]) {
      const drawn = await issue(server);
      using invitee = await Invitee.come(server.port, drawn.code);
      const finish = isAsked ? await invitee.prepare("second") : undefined;
      await atConsole(server, ({ invitations }) => invitations.revoke(drawn.invite.id));
      if (finish === undefined) {
        const { request } = clientRegisterStart("second", "a password");
        invitee.say({ type: "create_start", name: "second", request });
      } else invitee.say(finish);
      assert.equal(await invitee.heard(), "bye invite-revoked");
      assert.ok(!(await accountNames(server)).includes("second"));
    }
  });
  await t.step("never issued", async () => {
    const drawn = await atConsole(server, ({ invitations }) => invitations.draw(WISH));
    await assertRefused(drawn, "invite-unknown");
  });
});

Deno.test("relayed by a man in the middle: refused, he learns an id, and nothing is used up", async (t) => {
  await using server = await TestServer.start([ALICE]);
  const drawn = await issue(server);
  const { code, invite } = drawn;

  const meet = async (middle: Middleman): ReturnType<typeof middle.meetServer> => {
    const client = await middle.meetClient();
    const upstream = await middle.meetServer(server.port);
    await middle.relayLogin(client, upstream);
    client.channel.send(encodeServerMessage({ type: "invited", role: "operator", room: "lobby" }));
    return upstream;
  };

  await t.step("he makes up an answer under the keys that he has", async () => {
    using middle = new Middleman();
    const joining = redeem({ address: address(middle.port), code }, NEWCOMER);
    const [error] = await Promise.all([
      assertFails(joining, LoginError, "login-relayed"),
      meet(middle),
    ]);
    assert.equal(error.exitCode, ExitCode.loginRefused);
    const said = middle.read.join("\n");
    assert.ok(said.includes(invite.id), "an id, which he can do nothing with");
    for (const form of formsOf(code)) assert.ok(!Buffer.from(said).includes(form));
    assert.ok(!said.includes(NEWCOMER.username), "nor does he learn the name");
  });

  await t.step("he asks for an account himself, under the keys that he has", async () => {
    using middle = new Middleman();
    const joining = redeem({ address: address(middle.port), code }, NEWCOMER);
    const failing = assertFails(joining, LoginError, "login-relayed");
    const since = server.reports.length;
    const upstream = await meet(middle);
    const { request } = clientRegisterStart("mallory", "a password");
    send(upstream.channel, { type: "create_start", name: "mallory", request });
    await server.reported(/: A record is not the authentic next one$/, since);
    await failing;
  });

  assert.equal(await usesLeft(server, drawn), 1);
  assert.deepEqual(await accountNames(server), [ALICE.username]);
  await redeem({ address: address(server.port), code }, NEWCOMER); // on another network
});

Deno.test("a thief of the database cannot redeem what he finds there", async () => {
  const plenty = { burst: Infinity, intervalMs: 1 };
  const pacing = { account: plenty, address: plenty, pair: plenty }; // he is not slowed down here
  await using server = await TestServer.start([ALICE], { pacing });
  const drawn = await issue(server);
  const { id } = drawn.invite;
  const { record, setup } = await atConsole(server, ({ accounts, invitations }) => ({
    record: invitations.store.findForLogin(id, "").record,
    setup: accounts.setup,
  }));
  assert.equal(record, drawn.record);
  for (const password of [id, record, setup, "", drawn.code.slice(0, -1)]) {
    const channel = await dial(address(server.port));
    const proof = prove(channel, { username: inviteIdentity(id), password }, "random");
    await assertFails(proof, LoginError, "login-refused");
    await channel.close();
  }
  // The search works: the code itself is a proof, but not with the stretching of passwords.
  for (const [kind, proves] of [["chosen", false], ["random", true]] as const) {
    const channel = await dial(address(server.port));
    const credentials = { username: inviteIdentity(id), password: drawn.code };
    const outcome = await prove(channel, credentials, kind).then(() => true, () => false);
    assert.equal(outcome, proves, kind);
    channel.abort(new Error("proven"));
  }
});

Deno.test("an unknown invite is answered like a known one, whatever has become of that", async () => {
  await using server = await TestServer.start([ALICE]);
  const [open, revoked] = [await issue(server), await issue(server)];
  await atConsole(server, ({ invitations }) => invitations.revoke(revoked.invite.id));
  const answers = await Promise.all(
    [open.invite.id, revoked.invite.id, "0123456789abcdef", "", "%"].map(async (id) => {
      using guesser = await Guesser.come(server.port);
      await guesser.ask(inviteIdentity(id));
      const answer = await guesser.hear();
      assert.ok(answer.type === "login_response");
      // A false proof: the server closes without a word.
      send(guesser.channel, { type: "login_finish", ke3: "A".repeat(86) });
      const end = await guesser.channel.receive().catch((error) => error.code);
      return [answer.ke2.length, end];
    }),
  );
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
});

Deno.test("attempts at invites are paced by their address, whether or not there is one", async () => {
  const account = { burst: 2, intervalMs: 3_600_000 };
  const pacing = { account, pair: account, address: { ...account, burst: 4 }, maxDelayMs: 0 };
  await using server = await TestServer.start([ALICE], { pacing: { ...pacing, now: () => 0 } });
  const { invite } = await issue(server);
  const heard = [];
  for (const id of [invite.id, "0123456789abcdef", invite.id, invite.id, "0123456789abcdef"]) {
    using guesser = await Guesser.come(server.port);
    heard.push(await guesser.guess(inviteIdentity(id)));
  }
  assert.deepEqual(heard, [...Array(4).fill("login_response"), "login-throttled"]);
});

Deno.test("without a proof, nobody makes an account", async () => {
  await using server = await TestServer.start([ALICE]);
  const { request } = clientRegisterStart("mallory", "a password");
  for (
    const message of [
      { type: "create_start", name: "mallory", request },
      { type: "create_finish", record: "A".repeat(256) },
    ] as const
  ) {
    const channel = await dial(address(server.port));
    send(channel, message);
    const bye = decodeServerMessage(await channel.receive() as Uint8Array);
    assert.ok(bye.type === "bye" && bye.code === "message-unexpected");
    channel.abort(new Error("done"));
  }
});

Deno.test("one proof makes one account, also of an invite that has more uses", async () => {
  await using server = await TestServer.start([ALICE]);
  const drawn = await issue(server, { uses: 3 });
  using invitee = await Invitee.come(server.port, drawn.code);
  invitee.say(await invitee.prepare("first"));
  assert.equal(await invitee.heard(), "registered");
  const { answer } = await invitee.ask("second");
  assert.ok(answer.type === "bye" && answer.code === "message-unexpected");
  assert.equal(await usesLeft(server, drawn), 2);
});

Deno.test("a race for one name: one gets it, the other may choose another one", async () => {
  await using server = await TestServer.start([ALICE]);
  const drawn = await issue(server, { uses: 2 });
  using one = await Invitee.come(server.port, drawn.code);
  using other = await Invitee.come(server.port, drawn.code);
  const [first, second] = [await one.prepare("twin"), await other.prepare("TWIN")];
  one.say(first);
  assert.equal(await one.heard(), "registered");
  other.say(second);
  assert.equal(await other.heard(), "error name-taken");
  assert.equal(await usesLeft(server, drawn), 1);
  other.say(await other.prepare("sibling"));
  assert.equal(await other.heard(), "registered");
  assert.equal(await usesLeft(server, drawn), 0);
  assert.deepEqual(await accountNames(server), ["alice", "sibling", "twin"]);
});

Deno.test("a race for the last use: one gets it, the other makes no account", async () => {
  await using server = await TestServer.start([ALICE]);
  const drawn = await issue(server);
  using one = await Invitee.come(server.port, drawn.code);
  using other = await Invitee.come(server.port, drawn.code);
  const messages = [await one.prepare("quick"), await other.prepare("slow")] as const;
  one.say(messages[0]);
  assert.equal(await one.heard(), "registered");
  other.say(messages[1]);
  assert.equal(await other.heard(), "bye invite-used");
  assert.deepEqual(await accountNames(server), ["alice", "quick"]);
});

Deno.test("an invite tries no passwords: a name that is taken is not answered, a free one is paced", async () => {
  const pacing = { account: { burst: 2, intervalMs: 3_600_000 }, maxDelayMs: 0, now: () => 0 };
  await using server = await TestServer.start([ALICE], { pacing });
  const drawn = await issue(server);
  using invitee = await Invitee.come(server.port, drawn.code);
  const answers = async (name: string): Promise<string> => {
    const { answer } = await invitee.ask(name);
    return "code" in answer ? answer.code : answer.type;
  };
  for (const name of ["alice", "ALICE", "a1ice", "Admin", "../x", "аlice"]) {
    assert.match(await answers(name), /^name-(?:taken|similar|reserved|invalid)$/, name);
  }
  assert.equal(await answers("zoe"), "register_response");
  assert.equal(await answers("Zoe"), "register_response");
  assert.equal(await answers("zoe"), "login-throttled");
});

Deno.test("names are not tried without end on one proof", async () => {
  await using server = await TestServer.start([ALICE]);
  const drawn = await issue(server);
  using invitee = await Invitee.come(server.port, drawn.code);
  for (let at = 0; at < 20; at += 1) {
    const { answer } = await invitee.ask("alice");
    assert.ok(answer.type === "error" && answer.code === "name-taken");
  }
  const { answer } = await invitee.ask("alice");
  assert.ok(answer.type === "bye" && answer.code === "message-unexpected");
});

Deno.test("a record that no login could use makes no account and takes no use", async () => {
  await using server = await TestServer.start([ALICE]);
  const drawn = await issue(server);
  using invitee = await Invitee.come(server.port, drawn.code);
  await invitee.prepare("broken");
  invitee.say({ type: "create_finish", record: "A".repeat(256) });
  assert.equal(await invitee.heard(), "bye message-invalid");
  assert.equal(await usesLeft(server, drawn), 1);
  assert.deepEqual(await accountNames(server), ["alice"]);
});

Deno.test("the client refuses what the server would, and tells a cut at the worst moment", async (t) => {
  await using server = await TestServer.start([ALICE]);
  const { code } = await issue(server);
  await t.step("a password that is none, before anything is sent", async () => {
    const link = { address: address(1), code }; // nobody listens there
    await assertFails(redeem(link, { ...NEWCOMER, password: "" }), CallerError, "password-invalid");
    await assertFails(redeem(link, NEWCOMER), ConnectError, "cannot-connect");
  });
  await t.step("a name that is taken, in the server's words", async () => {
    const link = { address: address(server.port), code };
    const error = await assertFails(redeem(link, ALICE), EnvironmentError, "name-taken");
    assert.match(error.message, /there is an account of that name/);
  });
  await t.step("the connection is cut when the account was as good as made", async () => {
    await using proxy = new Proxy(server.port, {
      // The hello, login_response, invited, register_response; then `registered` is cut off.
      toClient: (frame, number, link) => {
        if (number < 4) return [frame];
        link.cut();
        return [];
      },
    });
    const joining = redeem({ address: address(proxy.port), code }, NEWCOMER);
    const error = await assertFails(joining, EnvironmentError, "join-uncertain");
    assert.match(error.hint ?? "", /try to log in as newcomer/);
    await (await server.connect(NEWCOMER)).close(); // and that works
  });
});
