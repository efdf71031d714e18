/**
 * The server's own log lines, as an operator's programs collect them from stderr.
 * Each takes seconds: real processes, and 64 MiB of Argon2id for every login.
 */

import assert from "node:assert/strict";
import { TempFolder } from "../attacks/server.ts";
import { NEAR, NearClient, startServer } from "./near_client.ts";
import { runProgram } from "./programs.ts";

/** A server's stderr over a login, a message and a failed login; and its session's key. */
async function stderrOf(...flags: string[]): Promise<{ stderr: string; key: string }> {
  using folder = new TempFolder();
  await using server = await startServer(folder.file("a.db"), flags);
  await using client = await NearClient.start(server.port);
  await client.send("between us");
  await client.event("ack");
  const env = { FERNCHAT_PASSWORD: "not-the-password" };
  const args = [`127.0.0.1:${server.port}`, "--user", "\u001b[2J\u202enobody"];
  assert.equal((await runProgram("client", args, "", { env })).code, 3);
  server.kill("SIGINT");
  assert.equal(await server.ended(), 0);
  return { stderr: await server.stderr, key: server.key };
}

Deno.test("with --log-format json every line is an object, and none has a secret or a text", async () => {
  const { stderr, key } = await stderrOf("--log-format", "json");
  const lines = stderr.trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(lines.every(({ time, level, event }) => time && level && event), stderr);
  assert.ok(
    lines.some(({ event, user }) => event === "logged-in" && user === NEAR.username),
    stderr,
  );
  for (const secret of [key, NEAR.password, "not-the-password", "between us"]) {
    assert.ok(!stderr.includes(secret), `${secret} is in ${stderr}`);
  }
  assert.doesNotMatch(stderr.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
});

Deno.test("by default lines are text, one an event", async () => {
  const { stderr } = await stderrOf();
  assert.match(
    stderr,
    /^\d{4}-[\d-]+T[\d:.]+Z info {2}logged-in user=nora peer=127\.0\.0\.1:\d+$/m,
  );
  assert.doesNotMatch(stderr.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
});

Deno.test("with --log-level error a server where nothing fails is silent", async () => {
  assert.equal((await stderrOf("--log-level", "error")).stderr, "");
});

Deno.test("a level or a format that there is none of: exit 2, and those there are", async () => {
  for (
    const [flag, says] of [["--log-level", /error, warn, info, debug/], [
      "--log-format",
      /text, json/,
    ]] as const
  ) {
    const { code, stderr } = await runProgram("server", [flag, "loud", "--port", "0"]);
    assert.equal(code, 2);
    assert.match(stderr, says);
    assert.equal(stderr.trim().split("\n").length, 1);
  }
});
