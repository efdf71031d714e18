/**
 * One read of the person: keys in, an input out, and the screen kept up to date meanwhile.
 *
 * @module
 */

import type { EditorOutcome, LineEditor } from "./editor.ts";
import type { Key } from "./keys.ts";
import type { KeySource } from "./keysource.ts";
import type { Screen } from "./screen.ts";

/** What the person entered. */
export type Input =
  | { kind: "line"; text: string }
  /** Ctrl-D on an empty line, or the terminal is gone. */
  | { kind: "end" }
  /** Ctrl-C on an empty line, or anywhere in a password. */
  | { kind: "interrupt" };

/** How one kind of reading differs from the others. */
export interface ReadMode {
  editor: LineEditor;
  /** Called when a line is full, once a line. */
  onFull: () => void;
  /** Show nothing of what is typed, not even its length. */
  secret: boolean;
  /** Leave what was entered on the screen. */
  keep: boolean;
}

/** Reads until Enter, the end or an interrupt. The screen has the prompt already. */
export async function readInput(keys: KeySource, screen: Screen, mode: ReadMode): Promise<Input> {
  let told = false;
  let drawn = false;
  for (;;) {
    // Not while more keys wait: a paste is drawn once. Nor for each key of a secret: even an
    // unchanged picture would tell whoever watches the connection how many there are.
    if (!keys.ready && !(mode.secret && drawn)) {
      show(screen, mode, mode.editor.text, mode.editor.cursor);
      drawn = true;
    }
    const outcome = press(mode, await keys.next());
    switch (outcome.kind) {
      case "submit":
        return finish(screen, mode, { kind: "line", text: outcome.text });
      case "end":
      case "interrupt":
        return finish(screen, mode, outcome);
      case "clear-screen":
        screen.clear();
        break;
      case "full":
        screen.bell();
        if (!told) mode.onFull();
        told = true;
    }
  }
}

function show(screen: Screen, mode: ReadMode, text: string, cursor: number): void {
  if (mode.secret) screen.show("", 0);
  else screen.show(text, cursor);
}

function finish(screen: Screen, mode: ReadMode, input: Input): Input {
  const entered = mode.keep && input.kind === "line" ? input.text : "";
  show(screen, mode, entered, entered.length);
  if (mode.keep) screen.commit();
  return input;
}

function press(mode: ReadMode, key: Key | undefined): EditorOutcome {
  if (key === undefined) return { kind: "end" };
  // Clearing what cannot be seen would look as if Ctrl-C did nothing.
  const stops = mode.secret && key.kind === "key" && key.name === "ctrl-c";
  return stops ? { kind: "interrupt" } : mode.editor.press(key);
}
