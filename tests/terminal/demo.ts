/**
 * A program that uses the terminal as the client does, without any network: for the tmux tests.
 * SIGUSR2 makes a line from "user2" arrive (SIGUSR1 opens the debugger of Deno 2.9).
 *
 * @module
 */

import { systemTerminal } from "../../lib/client/terminal/io.ts";
import { styleFor } from "../../lib/client/terminal/style.ts";
import { Terminal } from "../../lib/client/terminal/terminal.ts";

async function main(): Promise<number> {
  await using terminal = Terminal.open(systemTerminal(), { color: true, maxLineBytes: 200 });
  let count = 0;
  Deno.addSignalListener("SIGUSR2", () => {
    const text = `: incoming ${++count} \x1b[2J`;
    terminal.print([{ text: "user2", style: styleFor("user2") }, { text }]);
  });
  Deno.addSignalListener("SIGWINCH", () => terminal.redraw());
  Deno.addSignalListener("SIGTERM", () => {
    terminal.restore();
    Deno.exit(143);
  });
  const user = await terminal.readLine("Username: ");
  const password = await terminal.readPassword("Password: ");
  if (user.kind !== "line" || password.kind !== "line") return 130;
  terminal.notice(`welcome ${user.text}, of ${password.text.length} secret characters`);
  terminal.setPrompt({ text: "lobby> ", style: "bold" });
  for await (const input of terminal) {
    if (input.kind === "interrupt") return 130;
    if (input.kind === "line" && input.text === "crash") throw new Error("crashed as asked");
    if (input.kind === "line") terminal.print(`me: ${input.text}`);
  }
  return 0;
}

Deno.exit(await main());
