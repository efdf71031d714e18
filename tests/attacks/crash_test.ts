/**
 * One message from a stranger must not end the server. Each of these did, or could have.
 */

import assert from "node:assert/strict";
import { dial } from "../../lib/client/dial.ts";
import { ALICE, BOB, TestServer } from "./server.ts";

const STRANGE_MESSAGES = [
  `{"type":"login_finish","ke3":"A","${"x".repeat(600)}":1}`,
  `{"type":"login_start","username":"\\ud800","ke1":"A"}`,
  `{"type":"login_start","username":"a","ke1":"A"}`,
  `{"type":"${"x".repeat(1500)}"}`,
  `{"__proto__":{"type":"join","room":"lobby"}}`,
  `${"[".repeat(800)}`,
];

Deno.test("no message of a stranger ends the server, or says the stranger's words", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  for (const text of STRANGE_MESSAGES) {
    const channel = await dial({ hostname: "127.0.0.1", port: server.port });
    channel.send(new TextEncoder().encode(text));
    for (;;) if (await channel.receive().catch(() => null) === null) break;
    await channel.close();
  }
  const alice = await server.connect(ALICE); // it is still there
  await alice.close();
  assert.doesNotMatch(server.reports.join("\n"), /xxxx|\ud800|\[\[/);
});
