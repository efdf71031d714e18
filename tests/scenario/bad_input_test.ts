/**
 * What people and machines get wrong: each ends in one clear line and the right exit code, and
 * nothing is lost.
 * Each takes a second or more: real processes, and 64 MiB of Argon2id for every login in them.
 */

import assert from "node:assert/strict";
import { Proxy } from "../attacks/proxy.ts";
import { FAR, NearClient, startServer } from "./near_client.ts";
import { JsonClient, Program, runProgram, ServerProgram } from "./programs.ts";

const env = { FERNCHAT_PASSWORD: FAR.password };

/** Runs a program that has to fail; its stderr is one line that says what. */
async function fails(
  program: "server" | "client",
  args: string[],
  expected: { code: number; says: RegExp },
  options: { env?: { [name: string]: string }; cwd?: string } = {},
): Promise<void> {
  const { code, stdout, stderr } = await runProgram(program, args, "", options);
  assert.equal(code, expected.code, stderr);
  assert.match(stderr, expected.says);
  assert.equal(stderr.trim().split("\n").length, 1, `one line: ${stderr}`);
  assert.doesNotMatch(stderr, /\n\s+at /);
  assert.deepEqual(stdout, []);
}

async function withTempDir(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("wrong password and unknown user: refused alike, exit 3", () =>
  withTempDir(async (dir) => {
    await using server = await startServer(`${dir}/x.db`);
    const address = `127.0.0.1:${server.port}`;
    const says = /^Error: Login refused: wrong user name or password: /;
    const wrong = { env: { FERNCHAT_PASSWORD: "wrong" } };
    await fails("client", [address, "--user", FAR.username], { code: 3, says }, wrong);
    await fails("client", [address, "--user", "nobody"], { code: 3, says }, { env });
    await fails("client", [address, "--user", "\u202eevil\u001b[2J"], { code: 3, says }, { env });
  }));

Deno.test("nothing listens, or it is not Fernchat: exit 4", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const answering = answerOnce(listener, "HTTP/1.1 400 Bad Request\r\n\r\n");
  const says = /^Error: Cannot talk to 127\.0\.0\.1:\d+: it is not a Fernchat server: /;
  await fails("client", [`127.0.0.1:${port}`, "--user", "a"], { code: 4, says }, { env });
  await answering;
  listener.close();
  await fails("client", [`127.0.0.1:${port}`, "--user", "a"], {
    code: 4,
    says: /^Error: Cannot connect to 127\.0\.0\.1:\d+: nothing listens there: /,
  }, { env });
});

Deno.test("a server of another version: exit 4, and which side to update", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answering = answerOnce(listener, "\0\0\0\x0afernchat\0\x02");
  await fails("client", [`127.0.0.1:${listener.addr.port}`, "--user", "a"], {
    code: 4,
    says: /speaks version 2 of the protocol, this side version 1: update the client/,
  }, { env });
  await answering;
});

async function answerOnce(listener: Deno.TcpListener, answer: string): Promise<void> {
  using connection = await listener.accept();
  await connection.read(new Uint8Array(4096));
  await connection.write(new TextEncoder().encode(answer));
  await connection.read(new Uint8Array(4096)); // until the client has gone
}

Deno.test("command lines that cannot be: exit 2, and the flag is named", async () => {
  await fails("client", ["--colour"], { code: 2, says: /unknown option '--colour'/ });
  await fails("server", ["--prot", "1"], { code: 2, says: /'--prot'.*--port/ });
  await fails("client", ["host:port", "--user", "a"], { code: 2, says: /Not a port: "port"/ });
  await fails("client", ["127.0.0.1:70000"], { code: 2, says: /Not a port: "70000"/ });
  await fails("server", ["--port", "-1"], { code: 2, says: /Not a port|--port/ });
  await fails("client", ["--room", "No Room!"], { code: 2, says: /Not a room/ });
  await fails("client", ["--history", "1001"], { code: 2, says: /--history: "1001": use .* 0 to/ });
  await fails("client", ["--retry-for", "-1"], { code: 2, says: /--retry-for|option '-1'/ });
  await fails("client", ["--retry-for", "soon"], { code: 2, says: /--retry-for: "soon"/ });
  await fails("client", ["127.0.0.1:1"], { code: 2, says: /--user NAME/ }, { env });
  await fails("client", ["127.0.0.1:1", "--user", "a"], { code: 2, says: /FERNCHAT_PASSWORD/ });
});

Deno.test("a command that there is not: exit 2, and one that is meant perhaps", async () => {
  const says = /^Error: There is no command xyzzy: try server --help$/m;
  await fails("server", ["xyzzy"], { code: 2, says });
  await fails("server", ["--port", "0", "xyzzy"], { code: 2, says });
  await fails("server", ["serve", "xyzzy"], { code: 2, says });
  await fails("server", ["log", "xyzzy"], { code: 2, says });
  const close = /^Error: There is no command sreve \(Did you mean serve\?\): try server --help$/m;
  await fails("server", ["sreve", "--db", "/"], { code: 2, says: close });
  await fails("server", ["serve", "log"], { code: 2, says: /The command log cannot be here/ });
});

Deno.test("flags come before `serve` or after it", () =>
  withTempDir(async (dir) => {
    for (const args of [["--db", `${dir}/x.db`, "serve"], ["serve", "--db", `${dir}/x.db`]]) {
      await using server = await ServerProgram.start(args);
      assert.ok(server.port > 0);
    }
  }));

Deno.test("user commands but `add` make no database where there is none: exit 1", () =>
  withTempDir(async (dir) => {
    const db = ["--db", `${dir}/none.db`];
    for (const command of [["list"], ["passwd", "a", "--password-file", "-"], ["remove", "a"]]) {
      await fails("server", ["user", ...command, ...db], {
        code: 1,
        says: /there is no such file/,
      });
    }
    assert.deepEqual([...Deno.readDirSync(dir)], []);
    const added = await runProgram(
      "server",
      ["user", "add", "a", ...db, "--password-file", "-"],
      "p",
    );
    assert.equal(added.code, 0, added.stderr);
  }));

Deno.test("a taken port: exit 1, and another way", () =>
  withTempDir(async (dir) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const port = String(listener.addr.port);
    await fails("server", ["--port", port, "--db", `${dir}/x.db`], {
      code: 1,
      says: /^Error: Cannot listen on 127\.0\.0\.1:\d+: the port is taken: .*--port/,
    });
  }));

Deno.test("a public address without an account: refused before it listens", () =>
  withTempDir(async (dir) => {
    await fails("server", ["--host", "0.0.0.0", "--port", "0", "--db", `${dir}/x.db`], {
      code: 1,
      says: /no account but the demo one: add one with `user add NAME`, or pass --demo/,
    });
  }));

Deno.test("a database that is none, foreign, or cannot be made: exit 1, and it is left as it was", () =>
  withTempDir(async (dir) => {
    const text = "this is a text file, and it is longer than the header of a database ".repeat(20);
    await Deno.writeTextFile(`${dir}/text.db`, text);
    const start = (db: string): string[] => ["--port", "0", "--db", db];
    await fails("server", start(`${dir}/text.db`), { code: 1, says: /is not a Fernchat database/ });
    assert.equal(await Deno.readTextFile(`${dir}/text.db`), text);
    await fails("server", start(`${dir}/none/x.db`), { code: 1, says: /cannot be opened.*--db/ });
    await fails("server", start(dir), { code: 1, says: /cannot be opened.*--db/ });
  }));

Deno.test("a malformed key file: exit 1, the line is named and not shown", () =>
  withTempDir(async (dir) => {
    await Deno.writeTextFile(`${dir}/k`, "not-a-secret-but-it-could-be\n");
    await fails("server", ["--port", "0", "--db", `${dir}/x.db`, "--key-file", `${dir}/k`], {
      code: 1,
      says: /^Error: Cannot use the key file .*line 1/,
    });
  }));

Deno.test("a key file keeps the key over restarts, mode 0600", () =>
  withTempDir(async (dir) => {
    const args = ["--db", `${dir}/x.db`, "--key-file", `${dir}/k`];
    const keys: string[] = [];
    for (let start = 0; start < 2; start += 1) {
      await using server = await ServerProgram.start(args);
      keys.push(server.key);
    }
    assert.equal(keys[0], keys[1]);
    assert.equal(await Deno.readTextFile(`${dir}/k`), `${keys[0]}\n`);
    assert.equal((await Deno.stat(`${dir}/k`)).mode! & 0o777, 0o600);
  }));

Deno.test("lines that cannot be sent are named, all others arrive: exit 1", () =>
  withTempDir(async (dir) => {
    await using server = await startServer(`${dir}/x.db`);
    await using reader = await NearClient.start(server.port);
    const good = (text: string): Uint8Array => new TextEncoder().encode(`${text}\n`);
    const input = [
      good("first"),
      Uint8Array.of(0x66, 0xff, 0x0a),
      good("x".repeat(16 * 1024 + 1)),
      good("/nonsense"),
      new TextEncoder().encode("last, without a newline"),
    ];
    const args = ["--user", FAR.username, `127.0.0.1:${server.port}`];
    const bytes = new Uint8Array(await new Blob(input as BlobPart[]).arrayBuffer());
    const { code, stderr } = await runProgram("client", args, bytes, { env });
    assert.equal(code, 1);
    assert.match(stderr, /Line 2 was not sent: It is not valid UTF-8/);
    assert.match(stderr, /Line 3 was not sent: Cannot send a message of 16385 bytes/);
    assert.match(stderr, /Line 4 was not sent: There is no command \/nonsense/);
    assert.equal((await reader.event("message"))["text"], "first");
    assert.equal((await reader.event("message"))["text"], "last, without a newline");
  }));

Deno.test("JSON mode answers bad lines with errors and goes on", () =>
  withTempDir(async (dir) => {
    await using server = await startServer(`${dir}/x.db`);
    await using client = await NearClient.start(server.port);
    await client.type("nonsense");
    assert.equal((await client.event("error"))["code"], "input-invalid");
    await client.type('{"type":"send","room":"elsewhere","text":"hi"}');
    assert.equal((await client.event("error"))["code"], "room-unknown");
    await client.send("x".repeat(16 * 1024 + 1));
    assert.equal((await client.event("error"))["code"], "text-too-long");
    await client.send("bad id", "with spaces");
    assert.equal((await client.event("error"))["code"], "id-invalid");
    await client.type('{"type":"command","line":"/history many"}');
    assert.equal((await client.event("error"))["code"], "number-invalid");
    await client.type('{"type":"command","line":"/head"}');
    assert.equal((await client.event("notice"))["code"], "command");
    await client.send("fine");
    assert.equal((await client.event("ack"))["seq"], 1);
  }));

Deno.test("a stopping server tells its clients, who end with exit 1 if they are not to wait", () =>
  withTempDir(async (dir) => {
    await using server = await startServer(`${dir}/x.db`);
    const flags = ["--retry-for", "0"];
    await using client = await JsonClient.start(server.port, FAR.username, FAR.password, {}, flags);
    server.kill("SIGINT");
    assert.equal((await client.event("closed"))["reason"], "server-stopping");
    assert.equal(await client.ended(), 1);
    assert.equal(await server.ended(), 0);
  }));

Deno.test("--help teaches and --version tells: exit 0", async () => {
  for (const program of ["server", "client"] as const) {
    const help = await runProgram(program, ["--help"]);
    assert.equal(help.code, 0);
    assert.match(help.stdout.join("\n"), /Examples:[\s\S]*Exit codes:/);
    assert.ok(help.stdout.every((line) => line.length <= 80), "fits 80 columns");
    const version = await runProgram(program, ["--version"]);
    assert.equal(version.code, 0);
    assert.match(version.stdout.join(), new RegExp(`^fernchat ${program} \\d+\\.\\d+\\.\\d+$`));
  }
});

Deno.test("a connection that is cut for good: the lines that were not acked are named, exit 1", () =>
  withTempDir(async (dir) => {
    await using server = await startServer(`${dir}/x.db`);
    await using proxy = new Proxy(server.port);
    await using reader = await NearClient.start(server.port);
    const args = ["--user", FAR.username, "--retry-for", "0", `127.0.0.1:${proxy.port}`];
    await using writer = Program.spawn("client", args, { env });
    await writer.type("stored");
    assert.equal((await reader.event("message"))["text"], "stored");
    proxy.hooks.toServer = (_frame, _number, link) => {
      link.cut(); // with the message on its way
      return [];
    };
    await writer.type("lost");
    assert.equal(await writer.ended(), 1);
    assert.match(await writer.stderr, /Line 2 was not acked: The connection was cut/);
  }));

Deno.test("a connection that is cut in a pipe is made again, and every line arrives once: exit 0", () =>
  withTempDir(async (dir) => {
    await using server = await startServer(`${dir}/x.db`);
    await using proxy = new Proxy(server.port);
    await using reader = await NearClient.start(server.port);
    const args = ["--user", FAR.username, `127.0.0.1:${proxy.port}`];
    await using writer = Program.spawn("client", args, { env });
    await writer.type("one");
    assert.equal((await reader.event("message"))["text"], "one");
    proxy.hooks.toServer = (_frame, _number, link) => {
      delete proxy.hooks.toServer;
      link.cut();
      return [];
    };
    await writer.type("two", "three");
    await writer.endInput();
    assert.equal(await writer.ended(), 0, await writer.stderr);
    for (const text of ["two", "three"]) {
      assert.equal((await reader.event("message"))["text"], text);
    }
    // Who stays for longer than half a second makes an identity too, and is told so.
    const told = (await writer.stderr).replace(/^felix has a new identity key.*\n/m, "");
    assert.match(
      told,
      /^Joined lobby as felix\nThe connection was cut: trying again in 0\.\d s\nConnected again\n$/,
    );
    assert.deepEqual(writer.seen, [], "no message of its own, and no history");
  }));

Deno.test("a name that no account can have is the caller's fault: exit 2", () =>
  withTempDir(async (dir) => {
    await using server = await startServer(`${dir}/x.db`);
    const address = `127.0.0.1:${server.port}`;
    for (const user of ["", "x".repeat(129)]) {
      const says = /^Error: Not a user name: it is empty or too long/;
      await fails("client", [address, "--user", user], { code: 2, says }, { env });
    }
  }));
