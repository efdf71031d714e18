/**
 * Real terminal tests: a program in tmux, typed at and looked at like a person would.
 *
 * @module
 */

import { TmuxControl } from "./tmux_control.ts";

/** What to run, and how big the terminal is. */
export interface TmuxOptions {
  command: readonly string[];
  columns?: number;
  rows?: number;
  /** Added to a small, clean environment. */
  env?: Record<string, string>;
  cwd?: string;
  /** A file that gets every byte that the command writes to the terminal. */
  record?: string;
}

/** What {@linkcode Tmux.waitFor} looks for on the screen. */
export type Expectation = string | RegExp | ((screen: string) => boolean);

/** tmux has no event for the end of a command, nor for a redrawn screen: this one place polls. */
const POLL_MS = 50;
const DEFAULT_TIMEOUT_MS = 30_000;

/** One tmux server of our own, with one window: nothing of the user's tmux is touched. */
export class Tmux implements AsyncDisposable {
  /** Random, since test files that run in parallel share their process id. */
  readonly #socket = `fernchat-${crypto.randomUUID()}`;
  #control!: TmuxControl;

  private constructor() {}

  /** Whether tmux is there to test with. */
  static available(): boolean {
    try {
      return new Deno.Command("tmux", { args: ["-V"], stdout: "null" }).outputSync().success;
    } catch {
      return false;
    }
  }

  /** Starts a command in a terminal of its own; the window stays when the command has ended. */
  static async start(options: TmuxOptions): Promise<Tmux> {
    const { columns = 80, rows = 24 } = options;
    const tmux = new Tmux();
    const env = Object.entries(options.env ?? {}).flatMap((
      [key, value],
    ) => ["-e", `${key}=${value}`]);
    await tmux.#open(
      ...[
        "new-session",
        "-d",
        "-x",
        `${columns}`,
        "-y",
        `${rows}`,
        "-c",
        options.cwd ?? Deno.cwd(),
      ],
      ...[...env, "--", "cat"], // a placeholder: the options below must come first
      ...[";", "set-option", "-g", "remain-on-exit", "on"],
      ...[";", "set-option", "-g", "status", "off"],
      ...[";", "set-option", "-g", "window-size", "manual"], // not that of who looks at it
      ...[";", "set-option", "-g", "escape-time", "0"],
      ...(options.record === undefined ? [] : [";", "pipe-pane", `cat > '${options.record}'`]),
      ...[";", "respawn-pane", "-k", "-c", options.cwd ?? Deno.cwd(), ...env, "--"],
      ...options.command,
    );
    return tmux;
  }

  /** Types text as it is. */
  async type(text: string): Promise<void> {
    await this.#run("send-keys", "-l", "--", text);
  }

  /** Presses a key by tmux's name for it: "Enter", "Up", "C-c", "M-b", "BSpace", … */
  async key(name: string): Promise<void> {
    await this.#run("send-keys", name);
  }

  /** Pastes text as a terminal does: bracketed, if the program asked for that. */
  async paste(text: string): Promise<void> {
    await this.#run("set-buffer", "--", text);
    await this.#run("paste-buffer", "-p");
  }

  /** Resizes the terminal. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.#run("resize-window", "-x", `${columns}`, "-y", `${rows}`);
  }

  /** What the screen shows now, without blanks at the end of lines and of itself. */
  async screen(): Promise<string> {
    return (await this.#run("capture-pane", "-p")).trimEnd();
  }

  /** A tmux format of this window, such as "#{pane_pid}" or "#{cursor_x}". */
  async ask(format: string): Promise<string> {
    return (await this.#run("display-message", "-p", format)).trim();
  }

  /** The exit status of the command, once it has ended; NaN if a signal ended it. */
  async exitCode(timeoutMs: number = DEFAULT_TIMEOUT_MS): Promise<number> {
    const deadline = Date.now() + timeoutMs;
    // The window is dead when its terminal is closed; the status comes later. tmux 3.3 can miss the
    // child's end, and sees it when another child ends.
    const format = "#{pane_dead_status}#{?pane_dead_signal,signal #{pane_dead_signal},}";
    for (;;) {
      const written = this.#control.written;
      const [dead, status] = (await this.ask(`#{pane_dead};${format}`)).split(";");
      if (status !== "") return Number(status);
      if (dead === "1") await this.#run("run-shell", "-b", "true"); // -b: its end can be missed too
      await this.#pause(written, deadline, "the end");
    }
  }

  /**
   * Waits until the screen is as expected, and gives it.
   *
   * @throws {Error} after the time, with the last screen
   */
  async waitFor(expected: Expectation, timeoutMs: number = DEFAULT_TIMEOUT_MS): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const written = this.#control.written;
      const screen = await this.screen();
      if (matches(screen, expected)) return screen;
      await this.#pause(written, deadline, String(expected));
    }
  }

  /** Ends the private server and what runs in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const socket = await this.ask("#{socket_path}");
    await this.#run("kill-server").catch(() => {}); // it ends before it answers
    await this.#control[Symbol.asyncDispose]();
    await Deno.remove(socket).catch(() => {}); // tmux leaves it
  }

  /** Until something is written, but not for long. */
  async #pause(written: Promise<void>, deadline: number, expected: string): Promise<void> {
    if (Date.now() > deadline) {
      throw new Error(`Waited too long for ${expected}; the screen:\n${await this.screen()}`);
    }
    await patiently(written, POLL_MS).catch(() => {});
  }

  /** Runs a command of tmux in the server; a tmux that hangs fails its test. */
  async #run(...words: string[]): Promise<string> {
    return await patiently(this.#control.run(...words), DEFAULT_TIMEOUT_MS);
  }

  /** Starts the server with its first commands, and attaches to it. */
  async #open(...commands: string[]): Promise<void> {
    const { PATH = "", HOME = "" } = Deno.env.toObject();
    const env = { PATH, HOME, LANG: "C.UTF-8", TERM: "xterm-256color", SHELL: "/bin/sh" };
    const flags = ["-u", "-L", this.#socket, "-f", "/dev/null"];
    const { code, stderr } = await new Deno.Command("tmux", {
      args: [...flags, ...commands],
      signal: AbortSignal.timeout(DEFAULT_TIMEOUT_MS),
      clearEnv: true,
      env,
    }).output();
    if (code !== 0) throw new Error(`tmux ${commands[0]}: ${new TextDecoder().decode(stderr)}`);
    this.#control = new TmuxControl(flags, env);
  }
}

/** Bounds a wait. */
async function patiently<T>(waiting: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("tmux is late")), ms);
  try {
    return await Promise.race([waiting, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function matches(screen: string, expected: Expectation): boolean {
  if (typeof expected === "string") return screen.includes(expected);
  return expected instanceof RegExp ? expected.test(screen) : expected(screen);
}
