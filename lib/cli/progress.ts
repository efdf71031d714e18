/**
 * How far a long command is, on a terminal's last line.
 *
 * @module
 */

/** What is counted, and how. */
export interface ProgressOptions {
  /** False where stdout goes to the same terminal. */
  wanted?: boolean;
  /** What a step is, in the plural. */
  unit?: string;
  /** Fewer steps than this take less than a second: no progress is worth showing. */
  minSteps?: number;
}

/** Counts steps, and shows them on stderr if somebody looks there. */
export class Progress implements Disposable {
  readonly #total: number;
  readonly #unit: string;
  readonly #shown: boolean;
  #done = 0;
  #percent = -1;

  /** Steps there are to do, as far as that is known; messages unless `options` say otherwise. */
  constructor(
    total = 0,
    { wanted = true, unit = "messages", minSteps = 20_000 }: ProgressOptions = {},
  ) {
    this.#total = total;
    this.#unit = unit;
    this.#shown = wanted && total >= minSteps && Deno.stderr.isTerminal() && !isPlain();
  }

  /** One more step is done. */
  step(): void {
    this.#done += 1;
    if (!this.#shown) return;
    const percent = Math.min(100, Math.floor(100 * this.#done / this.#total));
    if (percent === this.#percent) return;
    this.#percent = percent;
    write(`\r${String(percent).padStart(3)} % of ${this.#total} ${this.#unit}`);
  }

  /** Clears the line. */
  [Symbol.dispose](): void {
    if (this.#percent >= 0) write("\r\x1b[K");
  }
}

/** Whether a terminal is to be spared all escapes. */
export function isPlain(): boolean {
  return Deno.env.get("TERM") === "dumb" || Boolean(Deno.env.get("NO_COLOR"));
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
