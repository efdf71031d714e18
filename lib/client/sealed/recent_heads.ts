/**
 * The chain's values at the last places of a log: what another member says to have seen there is
 * compared with them.
 *
 * @module
 */

import type { Head } from "../../log/message_log.ts";

/** Places that are remembered: what a member seals is rarely further behind, and 64 KiB. */
const CAPACITY = 1_024;

/** See the module's description. */
export class RecentHeads {
  readonly #chains = new Map<number, string>();
  #last: Head;

  /** @param head where the log is followed from. */
  constructor(head: Head) {
    this.#last = head;
    this.add(head);
  }

  /** The last one. */
  get last(): Head {
    return this.#last;
  }

  /** Notes the next one. */
  add(head: Head): void {
    this.#last = head;
    this.#chains.set(head.seq, head.chain);
    if (this.#chains.size <= CAPACITY) return;
    for (const seq of this.#chains.keys()) {
      this.#chains.delete(seq);
      return;
    }
  }

  /** Whether somebody may have seen this; true also for what is not remembered. */
  agreesWith({ seq, chain }: Head): boolean {
    if (seq > this.#last.seq) return false;
    return (this.#chains.get(seq) ?? chain) === chain;
  }
}
