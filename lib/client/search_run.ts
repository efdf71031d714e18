/**
 * One search as it goes back through a room: what is still to be looked at, and what came of it.
 *
 * @module
 */

import type { PeerError } from "../errors.ts";
import type { LogEntry } from "../log/message_log.ts";
import type { FoundEvent, SearchEvent } from "./events.ts";
import { KnownPast } from "./history_page.ts";
import type { Ignored } from "./ignored.ts";
import { calendarDate } from "./output.ts";
import type { PastPage } from "./past_pages.ts";
import { RecentMessages } from "./recent.ts";
import type { RoomState } from "./room_state.ts";
import type { SearchQuery } from "./search_query.ts";

/** Messages after which it says how far it is. */
const PROGRESS_EVERY = 2_000;

/** What a run works with. */
export interface SearchRunOptions {
  state: RoomState;
  query: SearchQuery;
  ignored: Ignored;
}

/** Why a search ends. */
export type SearchEnd = NonNullable<SearchEvent["end"]>;

/** See the module's description. */
export class SearchRun {
  /** How far back the pages go. */
  readonly known: KnownPast;
  /** Whether a page is on its way. */
  isAsking = false;
  readonly #options: SearchRunOptions;
  readonly #recent: RecentMessages;
  /** What is still to be looked at: a page at most, the newest last. */
  #rest: LogEntry[] = [];
  #granted = 0;
  #found = 0;
  #searched = 0;
  #unopened = 0;
  #backTo: string | undefined;
  #isFaulty = false;
  #toldAt = 0;

  constructor(options: SearchRunOptions) {
    this.#options = options;
    this.known = new KnownPast(options.state);
    this.#recent = new RecentMessages(this.known.before - 1);
  }

  /** Whether nothing is left. */
  get isThrough(): boolean {
    return this.#rest.length === 0 && this.known.isWhole;
  }

  /** Whether it found as much as it was granted. */
  get hasEnough(): boolean {
    return this.#granted === 0;
  }

  /** Lets it find some more. */
  grant(count: number): void {
    this.#granted = count;
  }

  /** Takes the page before what it looked at; what is wrong, the first time that something is. */
  add({ entries, fault }: PastPage): PeerError | undefined {
    this.#rest = [...entries, ...this.#rest];
    const repeated = entries.findLast((entry) => !this.#recent.add(entry));
    if (this.#isFaulty) return undefined;
    const wrong = fault ?? (repeated === undefined ? undefined : this.#repeats(repeated));
    this.#isFaulty = wrong !== undefined;
    return wrong;
  }

  /** The next message that it finds in the page. */
  next(): FoundEvent | undefined {
    while (this.#granted > 0) {
      const entry = this.#rest.pop();
      if (entry === undefined) return undefined;
      const hit = this.#examine(entry);
      if (hit === undefined) continue;
      this.#found += 1;
      this.#granted -= 1;
      return hit;
    }
    return undefined;
  }

  /** How far it is, when it is time to say so. */
  progress(): SearchEvent | undefined {
    if (this.#searched - this.#toldAt < PROGRESS_EVERY) return undefined;
    this.#toldAt = this.#searched;
    const { room } = this.#options.state;
    const message = `Searched ${room}${this.#reach()}: ${counted(this.#found)} found by now`;
    return this.#event("progress", message);
  }

  /** What came of it. */
  summary(end: SearchEnd): SearchEvent {
    return { ...this.#event("done", this.#describe(end)), end };
  }

  #examine(entry: LogEntry): FoundEvent | undefined {
    const { state, query, ignored } = this.#options;
    this.#searched += 1;
    this.#backTo = entry.sentAt;
    if (!query.canBeFrom(entry.sender) || ignored.has(entry.sender)) return undefined;
    try {
      const opened = state.open(entry, true);
      if (opened === undefined || !query.isIn(opened.text)) return undefined;
      const { type: _, history: __, mention: ___, ...message } = opened;
      return { type: "found", ...message, matches: query.placesIn(message.text) };
    } catch {
      this.#unopened += 1;
      return undefined;
    }
  }

  #repeats({ sender, seq }: LogEntry): PeerError {
    return this.#options.state.inconsistent(`has message ${seq} of ${sender} once more later on`);
  }

  #event(state: SearchEvent["state"], message: string): SearchEvent {
    const { room } = this.#options.state;
    const counts = { found: this.#found, searched: this.#searched, unopened: this.#unopened };
    const back = this.#backTo === undefined ? {} : { back_to: this.#backTo };
    return { type: "search", room, state, ...counts, ...back, message };
  }

  #describe(end: SearchEnd): string {
    const messages = `${counted(this.#searched)} ${this.#searched === 1 ? "message" : "messages"}`;
    const lost = this.#unopened === 0 ? "" : `; ${counted(this.#unopened)} could not be opened`;
    const sum = `${counted(this.#found)} found in ${messages} of ${this.#options.state.room}`;
    switch (end) {
      case "beginning":
        return sum + lost;
      case "enough":
        return `${sum}${this.#reach()}${lost}; /search more goes on`;
      case "stopped":
        return `Search stopped: ${sum}${this.#reach()}${lost}; /search more goes on`;
      case "failed":
        return `Search failed: ${sum}${this.#reach()}${lost}; /search more tries again`;
    }
  }

  #reach(): string {
    return this.#backTo === undefined ? "" : ` back to ${calendarDate(this.#backTo)}`;
  }
}

/** A number as people read it: `48,210`. */
function counted(number: number): string {
  return number.toLocaleString("en-US");
}
