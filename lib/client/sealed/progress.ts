/**
 * Waiting for something that goes on to come so far, or to end before.
 *
 * @module
 */

/** See the module's description. */
export class Progress {
  #ended: unknown;
  #changed = Promise.withResolvers<void>();

  /** Why it goes on no more, if so. */
  get ended(): unknown {
    return this.#ended;
  }

  /** It has gone on. */
  advance(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** It goes on no more; the first reason counts. */
  end(reason: unknown): void {
    this.#ended ??= reason;
    this.advance();
  }

  /** Resolves when something holds. Throws why it will not. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#ended !== undefined) throw this.#ended;
      await this.#changed.promise;
    }
  }
}
