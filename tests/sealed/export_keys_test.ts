/**
 * `/keys export`: what it writes, where, and that it does not do so lightly.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { runLineMode } from "../../lib/client/line_mode.ts";
import { KeyRing } from "../../lib/fernet.ts";
import type { TestServer } from "../attacks/server.ts";
import { Piped } from "../client/piped.ts";
import { connectTo, Person, startForAll } from "./at_terminal.ts";

function tokensOf(server: TestServer, room: string): string[] {
  using database = new DatabaseSync(server.db, { readOnly: true });
  return database.prepare("SELECT token FROM messages WHERE room = ? ORDER BY seq").all(room)
    .map(({ token }) => String(token));
}

Deno.test("the keys of all epochs, newest first, one a line: the log's tokens open with them", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  const file = server.folder.file("dungeon keys");
  await alice.type("/room create dungeon", /dungeon \(sealed\)> /);
  await alice.type("first", /alice: first/);
  await alice.type("/rekey", /cannot read on/);
  await alice.type("second", /alice: second/);
  await alice.type(`/keys export ${file}`, /WARNING: whoever has[^]*Type yes to write it: /);
  await alice.type("yes", /2 keys of dungeon/);
  const ring = KeyRing.parse(Deno.readTextFileSync(file));
  const { keyId } = await alice.chat.sealed.security("dungeon");
  assert.deepEqual([ring.keys.length, ring.primary.id], [2, keyId]);
  if (Deno.build.os !== "windows") assert.equal((Deno.statSync(file).mode ?? 0) & 0o777, 0o600);
  const texts = tokensOf(server, "dungeon").map((token) =>
    JSON.parse(ring.decryptText(token)).text
  );
  assert.deepEqual([texts[0], texts.at(-1)], ["first", "second"]);
});

Deno.test("whoever does not type yes has written nothing, and no file is written over", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await alice.type("/room create dungeon", /dungeon \(sealed\)> /);
  const file = server.folder.file("keys");
  await alice.type(`/keys export ${file}`, /Type yes to write it: /);
  await alice.type("no", /Nothing was written/);
  Deno.writeTextFileSync(file, "mine");
  for (const line of [`/keys export ${file}`, `/keys export ${file} yes`]) {
    await alice.type(line, /There is a file .*: it\s+stays as it is/);
  }
  assert.equal(Deno.readTextFileSync(file), "mine");
  await alice.type(`/keys export ${file}/keys yes`, /Cannot write .*/);
  await alice.type(
    `/keys export ${server.folder.file("none/keys")} yes`,
    /folder does\s+not exist/,
  );
  await alice.type("/keys", /Use it so: \/keys export FILE/);
  await alice.type("/join lobby", /lobby \(open\)> /);
  await alice.type(`/keys export ${file} yes`, /The keys of open rooms are the server's/);
});

Deno.test("in a pipe, yes stands behind the file", async () => {
  await using server = await startForAll();
  const client = await connectTo(server, "alice");
  const piped = new Piped({ client }, runLineMode);
  const file = server.folder.file("keys");
  await piped.type("/room create dungeon", `/keys export ${file}`);
  await piped.shown(/^Line 2 was not done: Nothing was written: say yes behind the file/);
  assert.throws(() => Deno.statSync(file), Deno.errors.NotFound);
  await piped.type(`/keys export ${file} yes`);
  await piped.shown(/^1 key of dungeon: written to /);
  await piped.close();
  assert.equal(await piped.ended, 1);
  assert.equal(KeyRing.parse(Deno.readTextFileSync(file)).keys.length, 1);
});
