/**
 * What a person at a terminal reads, and hears: the bell, mentions, whom one ignores, and what a
 * search finds. The terminal is one without a window; the server answers as the test says.
 *
 * @module
 */

import assert from "node:assert/strict";
import { PuppetServer } from "./puppet_server.ts";
import { BELL, Reader } from "./reader.ts";

Deno.test("the bell rings for a mention; not for other words, those of before, or a BEL in a text", async () => {
  await using server = await PuppetServer.start({ history: 1 }, (server) => {
    server.store("before: @alice");
  });
  await server.answerHistory();
  await using reader = new Reader(server);
  await reader.io.shown(/before: @alice/);
  assert.ok(!reader.io.output.includes(BELL));
  assert.equal(await reader.ringsFor(["bob", "hello"], ["bob", `ding ${BELL}`]), 0);
  assert.equal(await reader.ringsFor(["bob", "hello @alice"]), 1);
});

Deno.test("many mentions at once are one ring", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  assert.equal(await reader.ringsFor(["bob", "@alice"], ["carol", "@alice"], ["bob", "@alice"]), 1);
});

Deno.test("/bell all rings for every message of others, /bell off for none", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  await reader.type("/bell", /The bell rings when someone mentions you/);
  await reader.type("/bell off", /The bell rings never/);
  assert.equal(await reader.ringsFor(["bob", "@alice"]), 0);
  await reader.type("/bell loud", /Use it so: \/bell \[off\|mention\|all\]/);
  await reader.type("/bell all", /The bell rings for every message of others/);
  assert.equal(await reader.ringsFor(["alice", "from elsewhere"], ["bob", "hello"]), 1);
});

Deno.test("/ignore hides someone's words and silences their mentions, until /unignore", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  await reader.type("/ignore", /You ignore nobody/);
  await reader.type("/ignore Mallory", /You ignore Mallory/);
  await reader.type("/ignore alice", /Nobody can ignore themselves/);
  assert.equal(await reader.ringsFor(["mallory", "@alice spam"]), 0);
  assert.ok(!reader.io.output.includes("spam"));
  await reader.type("/unignore mallory", /You see mallory again/);
  assert.equal(await reader.ringsFor(["mallory", "@alice sorry"]), 1);
  assert.match(reader.io.output, /mallory: @alice sorry/);
  await reader.type("/unignore mallory", /Nobody of that name is ignored/);
});

Deno.test("what is unread in another room is counted in the prompt, mentions apart", async () => {
  await using server = await PuppetServer.start();
  const physics = await server.letIn("physics");
  await using reader = new Reader(server);
  server.deliver(physics.store("hello"));
  await reader.io.shown(/lobby \(open\) \[physics 1\]> /);
  server.deliver(physics.store("@alice?"));
  await reader.io.shown(/lobby \(open\) \[physics 2 @1\]> /);
  assert.ok(reader.io.output.includes(BELL));
  assert.ok(!reader.io.output.includes("@alice?"));
  await reader.type("/join physics", /bob: @alice\?[^]*physics \(open\)> /);
});

Deno.test("who is ignored is not shown either where their words were unread before", async () => {
  await using server = await PuppetServer.start();
  const physics = await server.letIn("physics");
  await using reader = new Reader(server);
  server.deliver(physics.store("spam", { sender: "mallory" }), physics.store("hello"));
  await reader.io.shown(/\[physics 2\]> /);
  await reader.type("/ignore mallory", /You ignore mallory/);
  await reader.type("/join physics", /bob: hello[^]*physics \(open\)> /);
  assert.ok(!reader.io.output.includes("spam"));
});

Deno.test("/search shows what it finds with its day, and a sum", async () => {
  await using server = await PuppetServer.start({}, (server) => {
    for (const text of ["the exam is on Friday", "what exam?", "nothing"]) server.store(text);
  });
  await using reader = new Reader(server);
  const answering = server.answerHistory();
  await reader.type('/search EXAM "on friday"', /1 found in 3 messages of lobby/);
  await answering;
  assert.match(
    reader.io.output,
    /\[20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\] bob: the exam is on Friday\r\n/,
  );
  await reader.type("/search stop", /There is no search to stop/);
  await reader.type("/search more", /There is no search to go on/);
  await reader.type("/search", /Use it so: \/search WORDS/);
});

Deno.test("a person types on while a search is under way, and stops it", async () => {
  await using server = await PuppetServer.start({}, (server) => {
    for (let at = 0; at < 300; at += 1) server.store("exam");
  });
  await using reader = new Reader(server);
  reader.io.type("/search exam\r");
  await server.receive("history");
  reader.io.type("hello\r");
  await server.receive("send");
  await reader.type("/search stop", /Search stopped: 0 found/);
});

Deno.test("what someone does is shown as such, also the own", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  reader.io.type("/me waves  twice\r");
  const [send] = await server.receiveSends(1);
  assert.ok(send);
  server.ack(send);
  await reader.io.shown(/\* alice waves {2}twice/);
});
