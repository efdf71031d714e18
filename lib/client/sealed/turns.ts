/**
 * Work that is done one after the other, whoever asks for it.
 *
 * @module
 */

/** See the module's description. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does something when all that was asked for before is done, well or not. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => {});
    return await turn;
  }
}
