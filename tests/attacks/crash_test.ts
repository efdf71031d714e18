/**
 * One message from a stranger must not end the server. Each of these did, or could have.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { dial } from "../../lib/client/dial.ts";
import { MAX_TEXT_BYTES } from "../../lib/protocol/limits.ts";
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

Deno.test("connections that are reset before they are accepted hold nobody up", async () => {
  await using server = await TestServer.start([ALICE]);
  // SO_LINGER 0 makes close() a reset; Deno has no option for it.
  const script = `
import socket, struct
for _ in range(300):
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.connect(("127.0.0.1", ${server.port}))
    peer.close()
`;
  const command = Deno.env.get("FERNCHAT_PYTHON") ?? "python3";
  const { success } = await new Deno.Command(command, { args: ["-c", script] }).output();
  assert.ok(success);
  const alice = await server.connect(ALICE);
  await alice.close();
  assert.doesNotMatch(server.reports.join("\n"), /cannot accept/);
});

Deno.test("a row that no message can hold, put in by someone else, ends nothing", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  const alice = await server.connect(ALICE);
  const bob = await server.connect(BOB);
  const database = new DatabaseSync(server.db);
  database.exec(`INSERT INTO messages
    (room, seq, sender, sent_at, key_id, message_id, token, chain)
    VALUES ('lobby', 1, 'bad name!', 'x', 'x', 'x', 'x', 'x')`);
  database.close();
  assert.equal((await alice.send("still here")).seq, 2);
  assert.equal((await bob.send("so am I")).seq, 3);
  await Promise.all([alice.close(), bob.close()]);
});

Deno.test("the longest messages, as many as a client sends at once, throw no reader out", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  const alice = await server.connect(ALICE);
  const bob = await server.connect(BOB);
  const text = "y".repeat(MAX_TEXT_BYTES);
  const sends = Promise.all(Array.from({ length: 100 }, () => alice.send(text)));
  let heard = 0;
  for await (const event of bob) {
    assert.notEqual(event.type, "closed");
    if (event.type === "message" && ++heard === 100) break;
  }
  await sends;
  await Promise.all([alice.close(), bob.close()]);
});
