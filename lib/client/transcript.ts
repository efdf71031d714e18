/**
 * What was said and what happened in the room that a person looks at, on the terminal.
 *
 * @module
 */

import type { FoundEvent } from "./events.ts";
import { clockTime } from "./output.ts";
import { foundSegments, saidSegments, type SaidStyles } from "./said.ts";
import { styleFor } from "./terminal/style.ts";
import type { Terminal } from "./terminal/terminal.ts";
import type { Remark, Said, Waiting } from "./unread.ts";

/** See the module's description. */
export class Transcript {
  readonly #terminal: Terminal;
  readonly #user: string;

  /** @param user the own account's name. */
  constructor(terminal: Terminal, user: string) {
    this.#terminal = terminal;
    this.#user = user;
  }

  /** Prints what somebody said. */
  print(said: Said): void {
    const time = { text: `[${clockTime(said.sent_at)}] `, style: "dim" } as const;
    this.#terminal.print([time, ...saidSegments(said, this.#stylesFor(said))]);
  }

  /** Prints a message that was found, with its room unless that is `home`. */
  printFound(event: FoundEvent, home: string | undefined): void {
    this.#terminal.print(foundSegments(event, home));
  }

  /**
   * Prints what waited in a room.
   *
   * @param name what it is called.
   * @param isShown whether to show what somebody said.
   */
  printWaiting(name: string, waiting: Waiting, isShown: (said: Said) => boolean): void {
    const { items, count, dropped, remarksDropped } = waiting;
    if (count > 0) this.#terminal.notice(`Unread in ${name}: ${count}`);
    if (dropped > 0) this.#terminal.notice(`${dropped} older ones are not kept: ${howToSee(name)}`);
    if (remarksDropped > 0) {
      this.#terminal.notice("Its members changed before that: /security shows who can read it");
    }
    for (const item of items) this.#printItem(item, isShown);
  }

  #printItem(item: Said | Remark, isShown: (said: Said) => boolean): void {
    if ("remark" in item) this.#terminal.notice(item.remark);
    else if (isShown(item)) this.print(item);
  }

  /** What was said before is dim, so that it is not taken for what is said now. */
  #stylesFor({ sender, history, mention }: Said): SaidStyles {
    if (history) return { name: "dim", words: mention ? "yellow" : "dim" };
    const name = sender === this.#user ? "bold" : styleFor(sender);
    return mention ? { name, words: "brightYellow" } : { name };
  }
}

/** A room's history goes back from where it was joined. */
function howToSee(name: string): string {
  return `/leave and /join ${name}, then /history shows them`;
}
