/**
 * Invites through the real programs: the operator makes a link, somebody follows it.
 * Each takes a second or more: real processes, and 64 MiB of Argon2id for every account and login
 * of theirs.
 */

import assert from "node:assert/strict";
import { dotsOf, readQrCode } from "../cli/qr_reader.ts";
import { Tmux } from "../terminal/tmux.ts";
import { makeAccounts, NEAR, NearClient } from "./near_client.ts";
import { commandLine, runProgram, ServerProgram } from "./programs.ts";

const ignore = !Tmux.available();

/** A server with a database of its own, in which the operator works beside it. */
class Place implements AsyncDisposable {
  private constructor(readonly dir: string, readonly server: ServerProgram) {}

  static async open(): Promise<Place> {
    const dir = await Deno.makeTempDir();
    await makeAccounts(`${dir}/x.db`, { far: [] });
    return new Place(dir, await ServerProgram.start(["--db", `${dir}/x.db`]));
  }

  /** Runs an operator's command; returns what it says. */
  async operate(...args: string[]): Promise<string[]> {
    const { code, stdout, stderr } = await this.tryToOperate(...args);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  tryToOperate(...args: string[]): ReturnType<typeof runProgram> {
    return runProgram("server", [...args, "--db", `${this.dir}/x.db`]);
  }

  /** Makes an invite; returns its link. */
  async invite(...flags: string[]): Promise<string> {
    const address = ["--address", `127.0.0.1:${this.server.port}`];
    const [link = "", ...others] = await this.operate("invite", "create", ...address, ...flags);
    assert.match(link, /^fernchat:\/\/127\.0\.0\.1:\d+\/[a-z2-7]{26}$/);
    assert.deepEqual(others, []); // in a pipe, the link alone
    return link;
  }

  /** Follows a link without a terminal. */
  join(
    link: string,
    name: string,
    lines: string,
    ...flags: string[]
  ): ReturnType<typeof runProgram> {
    const env = { FERNCHAT_PASSWORD: passwordOf(name) };
    return runProgram("client", ["join", link, "--user", name, ...flags], lines, { env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

const passwordOf = (name: string): string => `${name}'s password`;

/** What a program said must not have any part of the link that is secret. */
function assertUntold(link: string, ...said: string[]): void {
  const code = link.slice(-26);
  for (const text of said) assert.ok(!text.toLowerCase().includes(code.slice(0, 8)), text);
}

Deno.test("an invite is made, followed in a pipe into its room, and over", async () => {
  await using place = await Place.open();
  await place.operate("room", "create", "physics");
  const link = await place.invite("--room", "physics", "--label", "Ann, 7a");

  const first = await place.join(link, "ann", "hello from ann\n");
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stderr, /Joined physics as ann/);

  const where = { room: "physics", history: 1 };
  await using nora = await NearClient.start(place.server.port, NEAR, where);
  const { sender, text, room } = await nora.event("message");
  assert.deepEqual([sender, text, room], ["ann", "hello from ann", "physics"]);

  const again = await place.join(link, "ben", "hello from ben\n");
  assert.equal(again.code, 3);
  assert.match(again.stderr, /^Error: This invite was used already: if that was you, log in .*\n$/);

  const [list = ""] = await place.operate("invite", "list", "--json");
  const [invite] = JSON.parse(list).invites;
  assert.deepEqual(
    [invite.label, invite.role, invite.room, invite.uses_left, invite.state],
    ["Ann, 7a", "member", "physics", 0, "used"],
  );
  const audit = await place.operate("audit", "--json");
  assert.deepEqual(
    audit.map((line) => JSON.parse(line)).slice(-2)
      .map(({ actor, action, target }) => [actor, action, target]),
    [["console", "invite-create", invite.id], ["ann", "invite-used", "ann"]],
  );
  place.server.kill("SIGTERM");
  await place.server.ended();
  assertUntold(link, first.stderr, again.stderr, list, ...audit, await place.server.stderr);
});

Deno.test("an invite that lets nobody in: exit 3, one sentence, and what to do next", async () => {
  await using place = await Place.open();
  const revoked = await place.invite("--expires", "never");
  const [list = ""] = await place.operate("invite", "list", "--json");
  await place.operate("invite", "revoke", JSON.parse(list).invites[0].id.slice(0, 9));
  const unknown = `${revoked.slice(0, -26)}${"a".repeat(26)}`;
  for (
    const [link, says] of [
      [revoked, /^Error: This invite was revoked: ask whoever sent it for a new one\n$/],
      [unknown, /^Error: The server does not know this invite: check that the link is whole .*\n$/],
    ] as const
  ) {
    const { code, stdout, stderr } = await place.join(link, "ann", "hello\n");
    assert.deepEqual([code, stdout], [3, []]);
    assert.match(stderr, says);
    assertUntold(link, stderr);
  }
  const { code, stderr } = await place.join(revoked.slice(0, -1), "ann", "hello\n");
  assert.equal(code, 2);
  assert.match(stderr, /^Error: This link is not whole: .*: copy it again/);
  assertUntold(revoked, stderr);
});

Deno.test("the link alone is enough, in capitals too; JSON mode and another room as usual", async () => {
  await using place = await Place.open();
  const link = await place.invite("--role", "operator");
  await place.operate("room", "create", "physics");
  const env = { FERNCHAT_PASSWORD: passwordOf("ann") };
  const args = ["--json", "--user", "ann", "--room", "physics", ` ${link.toUpperCase()}\n`];
  const { code, stdout, stderr } = await runProgram("client", args, "", { env });
  assert.equal(code, 0, stderr);
  const [ready] = stdout.map((line) => JSON.parse(line));
  assert.deepEqual([ready.type, ready.user, ready.room], ["ready", "ann", "physics"]);
  const [users = ""] = await place.operate("user", "list", "--json");
  assert.equal(JSON.parse(users).users[0].role, "operator");
});

Deno.test("two who want one name at the same moment: one gets it, the other's invite stays", async () => {
  await using place = await Place.open();
  const links = [await place.invite(), await place.invite()];
  const joins = await Promise.all(links.map((link) => place.join(link, "twin", "it is me\n")));
  assert.deepEqual(joins.map(({ code }) => code).sort(), [0, 1]);
  const loser = joins.findIndex(({ code }) => code === 1);
  assert.match(joins[loser]?.stderr ?? "", /there is an account of that name/);
  const { code, stderr } = await place.join(links[loser] as string, "sibling", "and me\n");
  assert.equal(code, 0, stderr);
});

/** So many of a roster come as programs, each with 64 MiB for its password; the others are near. */
const PROGRAMS = 4;

/** Follows a link and says something. */
async function joinNear(link: string, name: string): Promise<void> {
  await using client = await NearClient.join(link, {
    username: name,
    password: passwordOf(name),
  });
  await client.send(`hello from ${name}`);
  await client.endInput();
  assert.equal(await client.ended(), 0);
}

// Takes seconds: four clients of the 40 are programs, each of which stretches its password twice.
Deno.test("a roster of 40 joins in parallel and chats, and each is heard once", async () => {
  await using place = await Place.open();
  const names = Array.from({ length: 40 }, (_, at) => `student${at + 1}`);
  const roster = `${place.dir}/students.csv`;
  const out = `${place.dir}/invites.csv`;
  const rows = names.map((name) => `"Doe, ${name}";${name}`);
  await Deno.writeTextFile(roster, `\ufeffName;Username\r\n${rows.join("\r\n")}\r\n`);
  const address = ["--address", `127.0.0.1:${place.server.port}`];
  const flags = ["--roster", roster, "--out", out, ...address];
  assert.deepEqual(await place.operate("invite", "create", ...flags), []);
  if (Deno.build.os !== "windows") {
    assert.equal((Deno.statSync(out).mode ?? 0) & 0o777, 0o600);
  }
  const [header, ...written] = (await Deno.readTextFile(out)).split("\r\n");
  assert.equal(header, '"Name","Username","invite"');
  const links = names.map((name, at) => {
    const [, link = ""] =
      new RegExp(`^"Doe, ${name}","${name}","(fernchat:.*)"$`).exec(written[at] ?? "") ?? [];
    return link;
  });

  await using listener = await NearClient.start(place.server.port);
  await Promise.all(names.map(async (name, at) => {
    const link = links[at] as string;
    if (at >= PROGRAMS) return await joinNear(link, name);
    const { code, stderr } = await place.join(link, name, `hello from ${name}\n`);
    assert.equal(code, 0, stderr);
  }));
  const heard = new Map<unknown, unknown>();
  for (let count = 0; count < names.length; count += 1) {
    const { sender, text } = await listener.event("message");
    heard.set(sender, text);
  }
  assert.deepEqual(heard, new Map([...heard.keys()].map((name) => [name, `hello from ${name}`])));
  assert.deepEqual([...heard.keys()].sort(), names.toSorted());

  // A second run would need another file: nobody's links are lost by a slip.
  const { code, stderr } = await place.tryToOperate("invite", "create", ...flags);
  assert.equal(code, 1);
  assert.match(stderr, /there is a file already/);
  const [list = ""] = await place.operate("invite", "list", "--json");
  const states = JSON.parse(list).invites.map(({ state }: { state: string }) => state);
  assert.deepEqual(states, Array.from({ length: 40 }, () => "used"));
});

Deno.test({
  name: "a person follows a link: chooses a free name and a password unseen, and chats",
  ignore,
  fn: async () => {
    await using place = await Place.open();
    const link = await place.invite();
    await place.operate("user", "list");
    const who = { username: "ann", password: passwordOf("ann") };
    await using ann = await NearClient.join(await place.invite(), who);
    await using terminal = await Tmux.start({ command: [...commandLine("client"), "join", link] });
    const enter = async (prompt: string, text: string): Promise<void> => {
      await terminal.waitFor((screen) => screen.endsWith(prompt));
      await terminal.type(text);
      await terminal.key("Enter");
    };
    await enter("Choose a user name:", "zoe doe");
    await terminal.waitFor(/Not a user name: "zoe doe"/); // before a password is chosen
    await enter("Choose a user name:", "ANN");
    await terminal.waitFor("-- You are invited to lobby");
    await enter("Choose a password:", "a secret");
    await enter("The same again:", "another");
    await terminal.waitFor("The two passwords differ");
    await enter("Choose a password:", "a secret");
    await enter("The same again:", "a secret");
    await terminal.waitFor(/there is an account of that name/);
    await enter("Choose a user name:", "zoe");
    await terminal.waitFor("You are zoe in lobby");
    await terminal.type("hello from zoe");
    await terminal.key("Enter");
    const { sender, text } = await ann.event("message");
    assert.deepEqual([sender, text], ["zoe", "hello from zoe"]);
    assert.doesNotMatch(await terminal.screen(), /a secret/);
    await terminal.key("C-d");
    assert.equal(await terminal.exitCode(), 0);

    await using late = await Tmux.start({ command: [...commandLine("client"), "join", link] });
    // Before anything is asked. Once it has ended, tmux may scroll the first of two lines away.
    await late.waitFor(/Error: This invite was used already|you chose; else ask whoever sent it/);
    assert.equal(await late.exitCode(), 3);
  },
});

Deno.test({
  name: "on a terminal the link comes with its QR code, which a camera reads; not without colours",
  ignore,
  fn: async () => {
    await using place = await Place.open();
    const args = ["invite", "create", "--db", `${place.dir}/x.db`];
    const command = [...commandLine("server"), ...args, "--address", "chat.example.org"];
    await using terminal = await Tmux.start({ command, rows: 30 });
    const screen = await terminal.waitFor(/fernchat:\/\/chat\.example\.org:5555\/[a-z2-7]{26}/);
    assert.equal(await terminal.exitCode(), 0);
    const rows = screen.split("\n").filter((line) => /[▀▄█]/.test(line)).flatMap(dotsOf);
    assert.equal(readQrCode(rows), /fernchat:.*/.exec(screen)?.[0]);
    assert.match(screen, /^An invite for one member, to begin in lobby; good until \S+ \S+ UTC$/m);
    await using plain = await Tmux.start({ command, env: { NO_COLOR: "1" } });
    assert.doesNotMatch(await plain.waitFor("fernchat:"), /[▀▄█]/);
  },
});
