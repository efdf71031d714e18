/**
 * From the bytes that a terminal sends to keys.
 *
 * Special keys arrive as ESC sequences (ECMA-48 section 5.4, and xterm's "ctlseqs"), anything may
 * be cut in the middle by a read, and Alt is just an ESC in front: so this is a small state machine.
 *
 * @module
 */

import { controlKey, sequenceKey } from "./keynames.ts";

/** One thing that the person did. */
export type Key =
  /** Typed characters: printable, one or more. */
  | { kind: "text"; text: string }
  /** A piece of a paste (bracketed paste mode): may hold tabs and newlines. */
  | { kind: "paste"; text: string }
  /** A key by name, such as "enter", "left", "ctrl-a", "alt-b" or "ctrl-left". */
  | { kind: "key"; name: string };

/** Longest sequence of any terminal we know is under 20 bytes; the rest of a longer one is noise. */
const MAX_SEQUENCE = 32;

const ESC = 0x1b;
const CTRL_C = 0x03;

type State = "text" | "escape" | "csi" | "csi-linux" | "ss3";

/**
 * Decodes terminal input incrementally: the keys do not depend on how reads cut the bytes, except
 * that typed text may come in more pieces.
 *
 * Never throws and keeps at most 32 bytes: what no terminal sends is skipped or becomes U+FFFD.
 *
 * @example
 * ```ts
 * import { KeyDecoder } from "./keys.ts";
 * const keys = new KeyDecoder().push(new TextEncoder().encode("é\x1b[D"));
 * console.assert(keys[0]?.kind === "text" && keys[1]?.kind === "key" && keys[1].name === "left");
 * ```
 */
export class KeyDecoder {
  #state: State = "text";
  #sequence = "";
  #pasting = false;
  #keys: Key[] = [];
  #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

  /** Whether an ESC waits for what follows it: see {@linkcode KeyDecoder.flush}. */
  get pending(): boolean {
    return this.#state !== "text";
  }

  /** The keys that these bytes complete. */
  push(bytes: Uint8Array): Key[] {
    let start = 0; // of the current run of text
    for (const [index, byte] of bytes.entries()) {
      if (this.#state === "text" && !isControl(byte)) continue;
      this.#text(bytes.subarray(start, index));
      start = index + 1;
      if (!this.#step(byte)) start = index; // the byte is text after all
    }
    this.#text(bytes.subarray(start));
    return this.#take();
  }

  /**
   * Ends a sequence that nothing follows: a lone ESC is the Escape key. Call it when no byte came
   * for a moment, for only time tells Escape, then "b", from Alt-b.
   */
  flush(): Key[] {
    if (this.#state === "escape") this.#name("escape");
    this.#state = "text";
    return this.#take();
  }

  #take(): Key[] {
    const keys = this.#keys;
    this.#keys = [];
    return keys;
  }

  /** Handles one byte that is a control, or follows an ESC; false: it starts a run of text. */
  #step(byte: number): boolean {
    switch (this.#state) {
      case "text":
        return this.#control(byte);
      case "escape":
        return this.#afterEscape(byte);
      case "csi":
        return this.#inSequence(byte);
      case "csi-linux": // ESC [ [ A: the Linux console's F1
      case "ss3":
        return this.#lastOfSequence(byte);
    }
  }

  #control(byte: number): boolean {
    this.#endOfText();
    // A paste cannot hold Ctrl-C: terminals filter it. So it also ends one that never ends itself.
    if (byte === CTRL_C) this.#pasting = false;
    if (byte === ESC) this.#state = "escape";
    else if (this.#pasting) this.#pasted(byte);
    else this.#name(controlKey(byte));
    return true;
  }

  #pasted(byte: number): void {
    if (byte === 0x09 || byte === 0x0a || byte === 0x0d) {
      this.#keys.push({ kind: "paste", text: byte === 0x09 ? "\t" : "\n" });
    }
  }

  #afterEscape(byte: number): boolean {
    this.#state = "text";
    this.#sequence = "";
    if (byte === 0x5b) this.#state = "csi";
    else if (byte === 0x4f) this.#state = "ss3";
    else if (byte === 0x08 || byte === 0x7f) this.#name("alt-backspace");
    else if (byte > 0x20 && byte < 0x7f) this.#name(`alt-${String.fromCharCode(byte)}`);
    else {
      this.#name("escape");
      return isControl(byte) ? this.#control(byte) : false;
    }
    return true;
  }

  /** ECMA-48 5.4: parameter bytes 0x30–0x3F, intermediate 0x20–0x2F, then one final 0x40–0x7E. */
  #inSequence(byte: number): boolean {
    if (byte === 0x5b && this.#sequence === "") {
      this.#state = "csi-linux";
      return true;
    }
    if (byte < 0x20 || byte >= 0x40) return this.#lastOfSequence(byte);
    if (this.#sequence.length < MAX_SEQUENCE) this.#sequence += String.fromCharCode(byte);
    return true;
  }

  #lastOfSequence(byte: number): boolean {
    const linux = this.#state === "csi-linux";
    this.#state = "text";
    if (isControl(byte)) return this.#control(byte); // the sequence was cut off
    if (byte >= 0x80) return false;
    if (!linux) this.#endOfSequence(sequenceKey(this.#sequence, String.fromCharCode(byte)));
    return true;
  }

  #endOfSequence(name: string | undefined): void {
    if (name === "paste-start" || name === "paste-end") this.#pasting = name === "paste-start";
    else if (name !== undefined) this.#name(name);
  }

  #name(name: string): void {
    if (!this.#pasting) this.#keys.push({ kind: "key", name });
  }

  #text(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#addText(this.#utf8.decode(bytes, { stream: true }));
  }

  /** A character cut off by a control byte becomes U+FFFD. */
  #endOfText(): void {
    this.#addText(this.#utf8.decode());
  }

  #addText(decoded: string): void {
    const text = decoded.replaceAll(/[\u0080-\u009f]/g, ""); // C1 controls
    if (text !== "") this.#keys.push({ kind: this.#pasting ? "paste" : "text", text });
  }
}

function isControl(byte: number): boolean {
  return byte < 0x20 || byte === 0x7f;
}
