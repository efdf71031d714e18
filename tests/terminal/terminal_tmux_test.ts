import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Tmux } from "./tmux.ts";

const DEMO = fileURLToPath(new URL("demo.ts", import.meta.url));

/** Windows has no tmux; elsewhere a machine may not. */
const ignore = !Tmux.available();

/** The demo in a shell, so that what the terminal is like afterwards can be seen. */
function startDemo(size: { columns?: number; rows?: number } = {}): Promise<Tmux> {
  const command =
    '"$0" run -A "$1"; echo "status $?"; stty -a | grep -oE "[ -](icanon|echo) "; exec cat';
  const env = { NO_COLOR: "1" };
  return Tmux.start({ command: ["sh", "-c", command, Deno.execPath(), DEMO], env, ...size });
}

async function logIn(tmux: Tmux): Promise<void> {
  await tmux.waitFor("Username:");
  await tmux.type("user1");
  await tmux.key("Enter");
  await tmux.waitFor("Password:");
  await tmux.type("pass1");
  await tmux.key("Enter");
  await tmux.waitFor(/lobby>$/);
}

/** Signals the demo, the shell's only child. */
async function signal(tmux: Tmux, name: Deno.Signal): Promise<void> {
  const args = ["-P", await tmux.ask("#{pane_pid}")];
  const { stdout } = await new Deno.Command("pgrep", { args }).output();
  Deno.kill(Number(new TextDecoder().decode(stdout)), name);
}

Deno.test({ name: "in a terminal, a password is not echoed", ignore }, async () => {
  await using tmux = await startDemo();
  await logIn(tmux);
  const screen = await tmux.screen();
  assert.equal(
    screen,
    "Username: user1\nPassword:\n-- welcome user1, of 5 secret characters\nlobby>",
  );
});

Deno.test(
  { name: "in a terminal, lines that arrive leave the half-typed one whole", ignore },
  async () => {
    await using tmux = await startDemo();
    await logIn(tmux);
    await tmux.type("half a message");
    await tmux.waitFor("lobby> half a message");
    await signal(tmux, "SIGUSR2");
    await tmux.waitFor(/\nuser2: incoming 1 ␛\[2J\nlobby> half a message$/);
    await tmux.key("Left");
    await tmux.key("Left");
    await signal(tmux, "SIGUSR2");
    await tmux.waitFor("incoming 2");
    await tmux.type("你");
    await tmux.waitFor("lobby> half a messa你ge");
    await tmux.key("Enter");
    await tmux.waitFor(/me: half a messa你ge\nlobby>$/);
  },
);

Deno.test({ name: "in a terminal, history, pastes and a narrow window work", ignore }, async () => {
  await using tmux = await startDemo({ columns: 40, rows: 10 });
  await logIn(tmux);
  for (const line of ["one", "two"]) {
    await tmux.type(line);
    await tmux.key("Enter");
  }
  await tmux.waitFor("me: two");
  await tmux.type("draft");
  await tmux.key("Up");
  await tmux.key("Up");
  await tmux.waitFor(/lobby> one$/);
  await tmux.key("Down");
  await tmux.key("Down");
  await tmux.waitFor(/lobby> draft$/);
  await tmux.key("C-u");
  await tmux.paste("first\nsecond\n");
  await tmux.waitFor(/lobby> first second$/);
  await tmux.resize(20, 10);
  await tmux.type("and more");
  await tmux.waitFor(/lobby> …nd and more$/);
  await tmux.key("Enter");
  await tmux.resize(40, 10);
  await tmux.waitFor(/me: first second and more\nlobby>$/);
});

for (
  const [how, leave, status] of [
    ["Ctrl-D", (tmux: Tmux) => tmux.key("C-d"), 0],
    ["Ctrl-C", (tmux: Tmux) => tmux.key("C-c"), 130],
    ["SIGTERM", (tmux: Tmux) => signal(tmux, "SIGTERM"), 143],
    ["an error", async (tmux: Tmux) => {
      await tmux.type("crash");
      await tmux.key("Enter");
    }, 1],
  ] as const
) {
  Deno.test(
    { name: `in a terminal, ${how} ends, and the terminal is as before`, ignore },
    async () => {
      await using tmux = await startDemo();
      await logIn(tmux);
      await leave(tmux);
      const screen = await tmux.waitFor(/status \d+\n.*icanon\n.*echo/);
      assert.ok(screen.includes(`status ${status}\n`), screen);
      assert.ok(!screen.includes("-icanon") && !screen.includes("-echo"), screen);
      await tmux.paste("pasted"); // "~" would show if bracketed paste were still on
      await tmux.waitFor(/^pasted$/m);
    },
  );
}
