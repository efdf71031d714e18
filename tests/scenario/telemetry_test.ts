/**
 * Telemetry as an operator gets it from the real programs.
 * Each takes a second: a real process.
 */

import assert from "node:assert/strict";
import { TempFolder } from "../attacks/server.ts";
import { NearClient, startServer } from "./near_client.ts";
import { commandLine } from "./programs.ts";
import { assertMetric, TELEMETRY } from "./telemetry.ts";

/** Executables may be of a Deno that has no console exporter yet. */
const ignore = commandLine("server")[0] !== Deno.execPath();

Deno.test(
  "telemetry carries no key, no text, no name and no line of ours",
  { ignore },
  async () => {
    using folder = new TempFolder();
    await using server = await startServer(folder.file("a.db"), [], {
      env: TELEMETRY,
    });
    await using client = await NearClient.start(server.port);
    await client.send("a text of Alice's");
    await client.event("ack");
    server.kill("SIGINT");
    assert.equal(await server.ended(), 0);
    const stderr = await server.stderr;
    assert.match(stderr, /METRIC/, "telemetry is exported");
    assert.doesNotMatch(stderr, /iostream/, "lines of stdout or stderr are exported");
    assert.ok(!stderr.includes(server.key) && !stderr.includes("a text of"));
  },
);

Deno.test("a server that stops has exported what it counted", { ignore }, async () => {
  using folder = new TempFolder();
  await using server = await startServer(folder.file("a.db"), [], { env: TELEMETRY });
  await using reader = await NearClient.start(server.port);
  await using writer = await NearClient.start(server.port);
  for (const text of ["one", "two"]) {
    await writer.send(text);
    assert.equal((await reader.event("message"))["text"], text);
  }
  server.kill("SIGTERM");
  assert.equal(await server.ended(), 0);
  const stderr = await server.stderr;
  assertMetric(stderr, "fernchat.connections", "{connection}", "{} value=0");
  assertMetric(stderr, "fernchat.logins", "{login}", "{fernchat.login.outcome=proven} value=2");
  assertMetric(stderr, "fernchat.messages", "{message}", "{} value=2");
  assert.match(stderr, /fernchat\.commit\.duration/);
  assert.match(stderr, /fernchat\.deliveries/);
});
