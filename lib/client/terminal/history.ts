/**
 * The lines entered before, for the up and down keys.
 *
 * @module
 */

/** More than anyone walks back through by hand. */
const DEFAULT_CAPACITY = 500;

/** A bounded list of lines with a place in it; the place after the newest is the unsent draft. */
export class History {
  #lines: string[] = [];
  #place = 0;
  #draft = "";
  readonly #capacity: number;

  constructor(capacity: number = DEFAULT_CAPACITY) {
    this.#capacity = capacity;
  }

  /** Adds a line that was entered, unless it is empty or the newest again, and leaves history. */
  add(line: string): void {
    if (line !== "" && line !== this.#lines.at(-1)) this.#lines.push(line);
    if (this.#lines.length > this.#capacity) this.#lines.shift();
    this.#place = this.#lines.length;
    this.#draft = "";
  }

  /**
   * The line before the current place, which moves there; `undefined` at the oldest.
   *
   * @param current what is being typed: the draft to come back to
   */
  older(current: string): string | undefined {
    if (this.#place === 0) return undefined;
    if (this.#place === this.#lines.length) this.#draft = current;
    return this.#lines[--this.#place];
  }

  /** The line after the current place, at last the draft; `undefined` when already there. */
  newer(): string | undefined {
    if (this.#place >= this.#lines.length) return undefined;
    return this.#lines[++this.#place] ?? this.#draft;
  }
}
