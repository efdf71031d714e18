/**
 * Clients over restarts of their server, in order and by force: nobody loses, doubles
 * or misses anything, and everybody is told what happened.
 * Each takes a second or two: real processes.
 */

import assert from "node:assert/strict";
import { FAR, makeAccounts, NearClient, startServer, type Talker } from "./near_client.ts";
import { type Event, Program, runProgram, ServerProgram } from "./programs.ts";

/** Two clients in JSON mode, and how to start their server again at its port. */
interface Scene {
  server: ServerProgram;
  alice: NearClient;
  bob: NearClient;
  restart(): Promise<ServerProgram>;
}

async function withScene(
  flags: (dir: string) => string[],
  work: (scene: Scene) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const args = ["--db", `${dir}/x.db`, ...flags(dir)];
  try {
    await makeAccounts(`${dir}/x.db`);
    await using server = await ServerProgram.start(args);
    const { port } = server;
    await using stack = new AsyncDisposableStack();
    const restart = async (): Promise<ServerProgram> =>
      stack.use(await ServerProgram.start([...args, "--port", String(port)]));
    await using alice = await NearClient.start(port);
    await using bob = await NearClient.start(port);
    await work({ server, alice, bob, restart });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** All events of a client by now, as they were printed. */
function events(client: Talker): Event[] {
  return client.seen.map((line) => JSON.parse(line));
}

/** Events of a type; that an account has an identity key now is told once, at whatever moment. */
function count(client: Talker, type: string): number {
  return events(client)
    .filter((event) => event.type === type && event["code"] !== "identity-made").length;
}

/** One says, the other hears. */
async function assertHeard(from: Talker, to: Talker, text: string): Promise<void> {
  await from.send(text);
  assert.equal((await to.event("message"))["text"], text);
}

for (const [how, signal] of [["in order", "SIGTERM"], ["by kill -9", "SIGKILL"]] as const) {
  Deno.test(`a server with a key file that is restarted ${how}: one outage, and nothing is lost`, () =>
    withScene((dir) => ["--key-file", `${dir}/keys`], async (scene) => {
      const { server, alice, bob, restart } = scene;
      await assertHeard(alice, bob, "before");
      server.kill(signal);
      const lost = await alice.event("reconnecting");
      assert.equal(lost["reason"], signal === "SIGTERM" ? "server-stopping" : "connection-cut");
      assert.equal(lost["attempt"], 1);
      assert.ok(Number(lost["delay_ms"]) >= 250 && Number(lost["delay_ms"]) <= 500);
      await server.ended();
      await alice.send("during", "during");
      await restart();
      const { type, room, last_seq } = await alice.event("reconnected");
      assert.deepEqual([type, room, last_seq], ["reconnected", "lobby", 1]);
      assert.equal((await alice.event("ack"))["id"], "during");
      assert.equal((await bob.event("message"))["text"], "during");
      await assertHeard(bob, alice, "after");
      for (const client of [alice, bob]) {
        await client.endInput();
        assert.equal(await client.ended(), 0);
        assert.equal(count(client, "reconnected"), 1);
        assert.equal(count(client, "notice") + count(client, "error") + count(client, "ready"), 1);
        assert.equal(count(client, "message") + count(client, "ack"), 3);
      }
    }));
}

Deno.test("a server without a key file that is restarted: the new key is told, and what needs the older one", () =>
  withScene(() => [], async ({ server, alice, bob, restart }) => {
    await assertHeard(alice, bob, "under the older key");
    server.kill("SIGTERM");
    await server.ended();
    const again = await restart();
    const notice = await alice.event("notice");
    assert.equal(notice["code"], "key-changed");
    assert.match(
      String(notice["message"]),
      /^lobby has a new key \([0-9a-f]{8}\); older messages need the older key \([0-9a-f]{8}\)/,
    );
    await bob.event("reconnected");
    await assertHeard(alice, bob, "under the new key");
    await using late = await NearClient.start(again.port);
    const older = await late.event("notice");
    assert.equal(older["code"], "older-key");
    assert.match(String(older["message"]), /^1 older message needs an older key \([0-9a-f]{8}\)$/);
    const { text, history } = await late.event("message");
    assert.deepEqual([text, history], ["under the new key", true]);
  }));

Deno.test("history: the last 50 in JSON mode, more by /history; in a pipe what --history says", () =>
  withScene(() => [], async ({ server, alice }) => {
    const texts = Array.from({ length: 120 }, (_, at) => `m${at + 1}`);
    for (const text of texts) await alice.send(text, text);
    while (count(alice, "ack") < texts.length) await alice.event("ack");
    await using late = await NearClient.start(server.port);
    while (count(late, "message") < 50) await late.event("message");
    await late.type('{"type":"command","line":"/history 60"}');
    while (count(late, "message") < 110) await late.event("message");
    const shown = events(late).filter((event) => event.type === "message");
    assert.deepEqual(shown.map(({ text }) => text), [...texts.slice(70), ...texts.slice(10, 70)]);
    assert.ok(shown.every(({ history }) => history === true));

    const env = { FERNCHAT_PASSWORD: FAR.password };
    const pipe = async (...flags: string[]): Promise<string[]> => {
      const args = ["--user", FAR.username, `127.0.0.1:${server.port}`, ...flags];
      const { code, stdout, stderr } = await runProgram("client", args, "", { env });
      assert.equal(code, 0, stderr);
      return stdout.map((line) => line.replace(/^\[.*\] nora: /, ""));
    };
    assert.deepEqual(await pipe(), []);
    assert.deepEqual(await pipe("--history", "3"), texts.slice(-3));
  }));

Deno.test("a client in a pipe whose time for attempts is over says so: exit 4", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await using server = await startServer(`${dir}/x.db`);
    const args = ["--user", FAR.username, "--retry-for", "1", `127.0.0.1:${server.port}`];
    const env = { FERNCHAT_PASSWORD: FAR.password };
    await using client = Program.spawn("client", args, { env });
    await using other = await NearClient.start(server.port);
    await client.type("stored");
    await other.event("message");
    server.kill("SIGKILL");
    await server.ended();
    await client.type("lost");
    assert.equal(await client.ended(), 4);
    const lines = (await client.stderr).trim().split("\n");
    assert.match(lines[1] ?? "", /^The connection was cut: trying again in 0\.\d s$/);
    assert.match(lines.join("\n"), /Line 2 was not acked: Cannot connect to .*nothing listens/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
