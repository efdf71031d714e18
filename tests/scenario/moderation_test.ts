/**
 * Operators at work, through the real programs: what they do holds at once, for every session, after
 * a restart too, and is noted.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Class, command } from "./classroom.ts";
import { runProgram } from "./programs.ts";

Deno.test("a banned user with three open sessions loses them all, and stays out over a restart", async () => {
  await using room = await Class.start();
  await using olga = await room.join("olga");
  await using alice = await room.join("alice");
  const sessions = await Promise.all([1, 2, 3].map(() => room.join("mallory")));
  await command(olga, "/ban mallory 1h enough");
  for (const session of sessions) {
    const closed = await session.event("closed");
    assert.equal(closed["reason"], "banned");
    assert.match(String(closed["message"]), /You are banned until .* UTC: enough/);
    assert.equal(await session.ended(), 3);
    await session[Symbol.asyncDispose]();
  }
  await alice.send("peace");
  await alice.event("ack");
  await room.restart();
  const refused = await room.tryLogIn("mallory");
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /You are banned until .* UTC: enough/);
  await using again = await room.join("olga");
  await command(again, "/unban mallory");
  await again.event("notice");
  assert.equal((await room.tryLogIn("mallory")).code, 0);
});

Deno.test("an operator demoted while connected can do nothing more, and is told why", async () => {
  await using room = await Class.start();
  await using olga = await room.join("olga");
  await command(olga, "/mute mallory");
  await olga.event("notice");
  await room.operate("user", "role", "olga", "member");
  await command(olga, "/ban mallory");
  const refused = await olga.event("error");
  assert.equal(refused["code"], "not-operator");
});

Deno.test("who is muted reads on and is told why nothing is sent, until unmuted", async () => {
  await using room = await Class.start();
  await using olga = await room.join("olga");
  await using mallory = await room.join("mallory");
  await command(olga, "/mute mallory 10m too loud");
  await olga.event("notice");
  await mallory.send("hey");
  const refused = await mallory.event("error");
  assert.equal(refused["code"], "muted");
  assert.match(String(refused["message"]), /too loud/);
  await olga.send("thank you");
  assert.equal((await mallory.event("message"))["text"], "thank you");
  await command(olga, "/unmute mallory");
  await olga.event("notice");
  await mallory.send("sorry");
  await mallory.event("ack");
});

Deno.test("who is kicked is out of the room and may come back; the room can be slow", async () => {
  await using room = await Class.start();
  await using olga = await room.join("olga");
  await using mallory = await room.join("mallory");
  await command(olga, "/kick mallory go outside");
  const left = await mallory.event("left");
  assert.deepEqual([left["room"], left["reason"]], ["lobby", "kicked"]);
  assert.match(String(left["message"]), /olga .*: go outside/);
  await command(mallory, "/join lobby");
  await mallory.event("joined");
  await command(olga, "/slow 60");
  assert.equal((await mallory.event("slow"))["seconds"], 60);
  await mallory.send("one");
  await mallory.event("ack");
  await mallory.send("two");
  assert.equal((await mallory.event("error"))["code"], "slow-mode");
});

Deno.test("the console ends all sessions of who is kicked there, and of who gets a new password", async () => {
  await using room = await Class.start();
  for (const [words, code] of [[["kick", "mallory"], 0], [["passwd", "mallory"], 3]] as const) {
    const sessions = await Promise.all([1, 2].map(() => room.join("mallory")));
    if (words[0] === "kick") await room.operate("user", ...words);
    else {
      const args = ["user", ...words, "--db", room.db, "--password-file", "-"];
      assert.equal((await runProgram("server", args, "new pw")).code, 0);
    }
    for (const session of sessions) {
      assert.equal((await session.event("closed"))["reason"], "kicked");
      await session[Symbol.asyncDispose]();
    }
    assert.equal((await room.tryLogIn("mallory")).code, code);
  }
  assert.equal((await room.tryLogIn("mallory", "new pw")).code, 0);
});

Deno.test("an operator's room is there at once, with its topic and its kind, and is listed", async () => {
  await using room = await Class.start();
  await using olga = await room.join("olga");
  await using alice = await room.join("alice");
  await command(olga, "/room create --open physics waves and more");
  await olga.until((line) => /There is a room physics/.test(line));
  await command(alice, "/join physics");
  const { room: name, kind, topic } = await alice.event("joined");
  assert.deepEqual([name, kind, topic], ["physics", "open", "waves and more"]);
  await alice.type(JSON.stringify({ type: "send", room: "physics", text: "hello" }));
  assert.equal((await alice.event("ack"))["room"], "physics");
  await command(alice, "/rooms");
  const listed = await alice.until((line) => /physics/.test(line) && /notice/.test(line));
  assert.match(listed, /open/);
  await command(alice, "/room create --open chemistry");
  assert.equal((await alice.event("error"))["code"], "not-operator");
});

Deno.test("every deed is in the audit: who, whom, why, when", async () => {
  await using room = await Class.start();
  await using olga = await room.join("olga");
  for (const line of ["/mute mallory 1h loud", "/ban mallory spam", "/unban mallory", "/slow 5"]) {
    await command(olga, line);
  }
  await olga.event("slow");
  const deeds = await room.operate("audit");
  const noted = deeds.map(({ actor, action, target, reason }) =>
    `${actor} ${action} ${target} ${reason}`
  );
  assert.deepEqual(noted.slice(-4), [
    "olga mute mallory loud",
    "olga ban mallory spam",
    "olga unban mallory ",
    "olga slow lobby 5 seconds",
  ]);
  assert.ok(noted.includes("console role olga operator"), noted.join("\n"));
  for (const { at } of deeds) assert.ok(!Number.isNaN(Date.parse(String(at))));
});
