/**
 * Talking to one person: what both see, and that a direct room is called by its person everywhere.
 *
 * @module
 */

import assert from "node:assert/strict";
import { runJsonMode } from "../../lib/client/json_mode.ts";
import { runLineMode } from "../../lib/client/line_mode.ts";
import { Piped } from "../client/piped.ts";
import { connectTo, Person, startForAll } from "./at_terminal.ts";

const RAW_NAME = /dm-[0-9a-f]{16}/;

Deno.test("/dm opens the room of two; the other is told once, and then by the prompt", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await using bob = await Person.at(server, "bob");
  await alice.type("/dm Bob", /You are in @bob, a sealed room: only the two of you can read it\./);
  await alice.sees(/@bob \(sealed\)> /);
  await alice.type("are you there?", /alice.*are you there/);
  await bob.sees(/lobby \(open\) \[@alice 1\]> /);
  await alice.type("hello?", /alice.*hello/);
  const told = await bob.sees(/lobby \(open\) \[@alice 2\]> /);
  assert.equal(told.split("alice writes to you").length, 2);
  const seen = await bob.type(
    "/dm alice",
    /Unread in @alice: 2[^]*there\?[^]*hello\?[^]*@alice \(sealed\)> /,
  );
  await bob.type("yes", /bob.*yes/);
  await alice.sees(/bob.*yes/);
  await bob.type("/join lobby", /lobby \(open\)> /);
  await alice.type("one more", /alice.*one more/);
  await bob.sees(/alice writes to you: \/dm alice shows it/);
  await bob.type("/join @ALICE", /one more[^]*@alice \(sealed\)> /);
  for (const output of [told, seen, alice.io.output, bob.io.output]) {
    assert.doesNotMatch(output, RAW_NAME);
  }
});

Deno.test("/msg writes without going there; one sees what was sent to whom", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await using bob = await Person.at(server, "bob");
  const seen = await alice.type("/msg bob  psst ", /To @bob: psst/);
  assert.match(seen, /lobby \(open\)> /);
  assert.doesNotMatch(seen, /@bob \(sealed\)/);
  await bob.sees(/alice writes to you: \/dm alice answers/);
  await bob.type("/w alice what?", /To @alice: what\?/);
  await alice.sees(/lobby \(open\) \[@bob 1\]> /);
  await alice.type("/dm bob", /alice.*psst[^]*bob.*what\?/);
});

Deno.test("whom one cannot write to: oneself, nobody, who was never here with such a client", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await alice.type("/dm alice", /You are talking to yourself/);
  await alice.type("/dm nobody", /nobody/);
  await alice.type("/dm no!body", /No account can have that name/);
  await alice.type("/msg carol psst", /carol has no device/);
  await alice.type("/dm", /Use it so: \/dm NAME/);
  assert.deepEqual(alice.chat.rooms.map(({ room }) => room), ["lobby"]);
});

Deno.test("/leave of a direct room closes it for this session; /dm opens it again", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await using bob = await Person.at(server, "bob");
  await alice.type("/dm bob", /@bob \(sealed\)> /);
  await alice.type("first", /alice.*first/);
  const seen = await alice.type("/leave @bob", /\/dm bob opens it again[^]*lobby \(open\)> /);
  assert.match(seen, /You left @bob/);
  await bob.type("/msg alice second", /To @alice: second/);
  await alice.type("/dm bob", /bob.*second[^]*@bob \(sealed\)> /);
  assert.doesNotMatch(alice.io.output, RAW_NAME);
});

Deno.test("a direct room is for two: nobody else is let in, nobody put out", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await using _bob = await Person.at(server, "bob");
  await alice.type("/dm bob", /@bob \(sealed\)> /);
  await alice.type("/head", /dm-[0-9a-f]{16} \d+ [0-9a-f]{64}/); // for the server's log verify
  await alice.type("/invite carol", /@bob is for you two: \/room create NAME/);
  await alice.type("/kick bob", /@bob is for you two: \/leave closes it/);
  await alice.type("/names", /Members of @bob: alice.*bob/);
  await alice.type("/invite bob", /bob can read @bob already/);
});

Deno.test("line mode tells the messages of rooms and people apart", async () => {
  await using server = await startForAll();
  await using bob = await Person.at(server, "bob");
  const client = await connectTo(server, "alice");
  const piped = new Piped({ client }, runLineMode);
  await piped.type("/dm bob", "hello bob", "/msg bob still in @bob", "/join lobby", "hello all");
  await bob.sees(/alice.*hello all/);
  await bob.type("/dm alice", /hello bob[^]*still in @bob/);
  await bob.type("hello alice", /bob.*hello alice/);
  await bob.type("/join lobby", /lobby \(open\)> /);
  await bob.type("hello everybody", /bob.*hello everybody/);
  await piped.shown(/hello everybody/);
  await piped.close();
  assert.equal(await piped.ended, 0);
  const said = piped.output.map((line) => line.replace(/^\[[\d:]+\] /, ""));
  assert.deepEqual(said, ["@bob bob: hello alice", "bob: hello everybody"]);
  const diagnostics = piped.diagnostics.join("\n");
  assert.match(diagnostics, /^Joined @bob$/m);
  assert.match(diagnostics, /^@bob: alice added bob$/m);
  assert.doesNotMatch(diagnostics, RAW_NAME);
});

Deno.test("line mode: what follows a /dm that failed goes to nobody", async () => {
  await using server = await startForAll();
  const client = await connectTo(server, "alice");
  const piped = new Piped({ client }, runLineMode);
  await piped.type("/dm nobody", "meant for nobody", "/room create lobby", "meant for few");
  await piped.close();
  assert.equal(await piped.ended, 1);
  const refused = piped.diagnostics.filter((line) =>
    /^Line [24] was not sent: You are in no room/.test(line)
  );
  assert.equal(refused.length, 2, piped.diagnostics.join("\n"));
  assert.deepEqual(server.texts(), []);
});

Deno.test("JSON mode keeps a direct room's name, and has its person beside it", async () => {
  await using server = await startForAll();
  await using bob = await Person.at(server, "bob");
  const client = await connectTo(server, "alice");
  const piped = new Piped({ client }, runJsonMode);
  const command = (line: string): string => JSON.stringify({ type: "command", line });
  await piped.type(command("/dm bob"), command("/msg bob hello"));
  await bob.sees(/\[@alice 1\]> /);
  await bob.type("/msg alice hi", /To @alice: hi/);
  await piped.shown(/"text":"hi"/);
  const events = piped.output.map((line) => JSON.parse(line));
  const joined = events.find(({ type, peer }) => type === "joined" && peer === "bob");
  const message = events.find(({ type }) => type === "message");
  assert.match(joined?.room, RAW_NAME);
  assert.deepEqual([message.room, message.peer, message.kind], [joined.room, "bob", "sealed"]);
  await piped.type(JSON.stringify({ type: "send", room: joined.room, text: "by its name" }));
  await bob.sees(/\[@alice 2\]> /);
  await piped.close();
  assert.equal(await piped.ended, 0);
});

Deno.test("a client that comes for a direct room is told with whom it is", async () => {
  await using server = await startForAll();
  await using bob = await connectTo(server, "bob");
  await bob.sealed.identityOf("alice").catch(() => {});
  let room: string;
  {
    await using alice = await connectTo(server, "alice");
    room = await alice.sealed.direct("bob");
  }
  await using again = await connectTo(server, "alice", { room });
  for await (const event of again) {
    assert.equal(event.type === "ready" && event.peer, "bob");
    break;
  }
});
