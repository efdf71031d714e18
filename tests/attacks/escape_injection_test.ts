/**
 * The course project printed what it was sent. A terminal obeys what it prints: a text could retitle
 * the window, fill the clipboard, answer as if typed, or look like a line that someone else said.
 * Here a member and a server say such things to the real client, in all of its modes. Whatever comes
 * out has no control or format character but those that the client writes of itself, and what
 * is one message is one line. What a server's operator sees: `escapes_to_operator_test.ts`.
 * Each takes seconds: real processes, and 64 MiB of Argon2id for every login.
 *
 * @module
 */

import assert from "node:assert/strict";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { PuppetServer } from "../client/puppet_server.ts";
import { commandLine } from "../scenario/programs.ts";
import { Tmux } from "../terminal/tmux.ts";
import { HostileServer } from "./hostile_server.ts";
import {
  assertHarmless,
  assertShown,
  assertUnpiled,
  DRAWN,
  FORBIDDEN,
  FORGED,
  hostile,
  mark,
  PAYLOADS,
} from "./hostile_texts.ts";
import { ALICE, nextEvent, TempFolder } from "./server.ts";
import { Spoken } from "./spoken.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What alice types, for the server to refuse. */
const OWN_LINES = PAYLOADS.map((_, at) => `mine ${at}`);

/** Tells a client everything that a server can say, hostile wherever the schemas let it be. */
async function tellAll(server: HostileServer): Promise<void> {
  await server.answerHistory();
  for (const text of hostile("said")) server.deliverText(text);
  for (const message of hostile("error")) server.say({ type: "error", code: "odd", message });
  for (const [at, { id }] of (await server.receiveSends(OWN_LINES.length)).entries()) {
    server.say({ type: "error", code: "odd", message: mark("refused", at), room: LOBBY, id });
  }
  server.say({ type: "bye", code: "kicked", message: `«bye«\n${FORGED}\x1b[2J\u202e»bye»` });
  await server.channel.close();
}

/** A hostile server with a history for alice. */
function hostileServer(): HostileServer {
  const server = new HostileServer(ALICE);
  for (const text of hostile("past")) server.store(text);
  return server;
}

/** What a client in one of its modes without a terminal makes of a hostile server. */
async function hear(...mode: string[]): Promise<{ stdout: string; stderr: string }> {
  await using server = hostileServer();
  const args = ["--user", "alice", "--history", "50", ...mode, `127.0.0.1:${server.port}`];
  await using client = new Spoken("client", args, { FERNCHAT_PASSWORD: ALICE.password });
  await server.meet();
  const json = mode.includes("--json");
  await client.type(
    ...OWN_LINES.map((text) => json ? JSON.stringify({ type: "send", room: LOBBY, text }) : text),
  );
  await tellAll(server);
  return await client.output;
}

Deno.test("line mode: texts on stdout, a server's words on stderr, each one harmless line", async () => {
  const { stdout, stderr } = await hear();
  assertHarmless(stdout);
  assertUnpiled(stdout);
  assertShown(stdout, "past", "said");
  assertHarmless(stderr);
  assertUnpiled(stderr);
  assertShown(stderr, "error", "refused");
  assert.match(stderr, /^.*«bye«.*»bye»$/m);
});

Deno.test("JSON mode: one harmless line an event, which means what was sent", async () => {
  const { stdout, stderr } = await hear("--json");
  assertHarmless(stdout + stderr);
  assertShown(stdout, "past", "said", "error", "refused");
  const events = stdout.trim().split("\n").map((line) => JSON.parse(line));
  const texts = events.filter(({ type }) => type === "message").map(({ text }) => text);
  assert.deepEqual(texts, [...hostile("past"), ...hostile("said")]);
  assert.match(events.at(-1).message, /«bye«.*»bye»/);
});

Deno.test({
  name: "at a terminal: nothing but harmless lines, and what the client draws itself",
  ignore: !Tmux.available(),
  fn: async () => {
    using folder = new TempFolder();
    await using server = hostileServer();
    const address = `127.0.0.1:${server.port}`;
    const command = [...commandLine("client"), "--user", "alice", address];
    const record = folder.file("written");
    await using terminal = await Tmux.start({ command, record });
    const met = server.meet();
    await terminal.waitFor("Password for alice:");
    await terminal.type(ALICE.password);
    await terminal.key("Enter");
    await met;
    await terminal.waitFor("lobby (open)>");
    for (const line of OWN_LINES) {
      await terminal.type(line);
      await terminal.key("Enter");
    }
    await tellAll(server);
    assert.equal(await terminal.exitCode(), 1);
    const output = await recorded(terminal, record);
    assertHarmless(output, DRAWN);
    assertUnpiled(output);
    const unwrapped = output.replaceAll(WRAPPED, " ");
    assertShown(unwrapped, "past", "said", "error", "refused");
    assert.match(unwrapped, /^.*«bye«.*»bye».*$/m);
  },
});

/** Where the client broke a remark between two words: what follows is indented, so no line of its own. */
// deno-lint-ignore no-control-regex
const WRAPPED = /\x1b\[0m\r*\n\x1b\[\d{1,2}m {3}/g;

/** All that was written, when the program has given the terminal back. */
async function recorded(terminal: Tmux, record: string): Promise<string> {
  await terminal.waitFor(() => Deno.readTextFileSync(record).includes("\x1b[?25h"));
  return Deno.readTextFileSync(record);
}

/** Messages that no server may send: a name, a room or a code is hostile. */
function misnamed(server: PuppetServer, payload: string): { [field: string]: unknown }[] {
  const { seq, chain, sender, token, ...rest } = server.store("hello");
  const { room, messageId: id, sentAt: sent_at, keyId: key_id } = rest;
  const message = { type: "message", seq, sender, room, id, sent_at, key_id, token, chain };
  return [
    { ...message, sender: payload },
    { ...message, room: payload },
    { ...message, id: payload },
    { ...message, sent_at: payload },
    { type: "error", code: payload, message: "hello" },
    { type: "bye", code: payload, message: "hello" },
    { type: payload },
    { type: "pong", [payload]: 1 },
  ];
}

Deno.test("names, rooms, ids and codes of a hostile server are not shown at all", async () => {
  const payload = "evil\x1b[2J\u202e";
  await using sample = new PuppetServer();
  for (const [at, { type }] of misnamed(sample, payload).entries()) {
    await using server = await PuppetServer.start();
    server.channel.send(utf8(JSON.stringify(misnamed(server, payload)[at])));
    const { reason, message } = await nextEvent(server.client, "closed");
    assert.equal(reason, "message-invalid", `${type}`);
    assert.doesNotMatch(message, FORBIDDEN);
    assert.ok(!message.includes("evil"), message);
  }
});
