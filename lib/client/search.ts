/**
 * A search through all that this client can read of a room, newest first. The server pages
 * ciphertext, and never learns what is looked for.
 *
 * @module
 */

import { CallerError } from "../errors.ts";
import { MAX_HISTORY_PAGE } from "../protocol/limits.ts";
import type { EventQueue } from "./event_queue.ts";
import { errorEvent } from "./events.ts";
import type { PastPage, PastPages } from "./past_pages.ts";
import type { RoomState } from "./room_state.ts";
import { SearchQuery } from "./search_query.ts";
import { type SearchEnd, SearchRun } from "./search_run.ts";

/** Messages that are shown before someone has to ask for more: some screens. */
const MAX_FOUND = 100;

/** What a search works with. */
export interface SearchOptions {
  state: RoomState;
  events: EventQueue;
  pages: PastPages;
}

/** See the module's description. One at a time. */
export class Search {
  readonly #options: SearchOptions;
  /** The last one, under way or not. */
  #run: SearchRun | undefined;
  /** While one is under way. */
  #ended: PromiseWithResolvers<void> | undefined;

  constructor(options: SearchOptions) {
    this.#options = options;
  }

  /**
   * Begins to search from the room's end. The events tell what it finds, and how it ends.
   *
   * @param words as behind `/search`.
   * @throws {CallerError} `search-invalid`, `search-busy` if there is one already.
   */
  start(words: string): void {
    const query = new SearchQuery(words);
    this.#checkIdle();
    const { state, events: { ignored } } = this.#options;
    this.#run = new SearchRun({ state, query, ignored });
    this.#goOn(this.#run);
  }

  /**
   * Goes on with the last one, from where it ended.
   *
   * @throws {CallerError} `search-busy`, `search-over` if there is none to go on with.
   */
  more(): void {
    this.#checkIdle();
    if (this.#run === undefined || this.#run.isThrough) {
      throw nothing("There is no search to go on");
    }
    this.#goOn(this.#run);
  }

  /**
   * Stops it.
   *
   * @throws {CallerError} `search-over` if there is none.
   */
  stop(): void {
    if (this.#ended === undefined) throw nothing("There is no search to stop");
    void this.#end(this.#run as SearchRun, "stopped");
  }

  /** Resolves when none is under way. */
  async settled(): Promise<void> {
    await this.#ended?.promise;
  }

  /** The room was left, or the connection has ended for good. */
  abandon(): void {
    if (this.#ended !== undefined) this.stop();
  }

  #goOn(run: SearchRun): void {
    run.grant(MAX_FOUND);
    this.#ended = Promise.withResolvers<void>();
    void this.#look(run);
  }

  /** Looks at what is there, and asks for the page before it. */
  async #look(run: SearchRun): Promise<void> {
    const turn = this.#ended;
    for (let hit = run.next(); hit !== undefined; hit = run.next()) {
      await this.#options.events.push(hit);
      if (this.#ended !== turn) return; // stopped meanwhile, and perhaps gone on with
    }
    if (run.isThrough) return await this.#end(run, "beginning");
    if (run.hasEnough) return await this.#end(run, "enough");
    const progress = run.progress();
    if (progress !== undefined) await this.#options.events.push(progress);
    if (this.#ended === turn) this.#ask(run);
  }

  #ask(run: SearchRun): void {
    if (run.isAsking) return; // for the page that was on its way when it was stopped
    run.isAsking = true;
    this.#options.pages.ask({
      known: run.known,
      wanted: MAX_HISTORY_PAGE,
      take: (page) => this.#take(run, page),
      fail: () => this.#fail(run),
      abandon: () => {}, // whoever abandons the pages abandons the search
    });
  }

  async #take(run: SearchRun, page: PastPage): Promise<void> {
    run.isAsking = false;
    const turn = this.#turnOf(run);
    const fault = run.add(page);
    if (fault !== undefined) {
      await this.#options.events.push(errorEvent(fault, this.#options.state.room));
    }
    if (turn !== undefined && this.#turnOf(run) === turn) await this.#look(run);
  }

  /** Why, an error event has told. */
  async #fail(run: SearchRun): Promise<void> {
    run.isAsking = false;
    if (this.#turnOf(run) !== undefined) await this.#end(run, "failed");
  }

  async #end(run: SearchRun, end: SearchEnd): Promise<void> {
    const turn = this.#ended;
    this.#ended = undefined;
    await this.#options.events.push(run.summary(end));
    turn?.resolve();
  }

  /** What tells one going on of a search from the next one; undefined while it rests. */
  #turnOf(run: SearchRun): PromiseWithResolvers<void> | undefined {
    return this.#run === run ? this.#ended : undefined;
  }

  #checkIdle(): void {
    if (this.#ended === undefined) return;
    throw new CallerError("search-busy", "A search is under way already", {
      hint: "/search stop stops it",
    });
  }
}

function nothing(message: string): CallerError {
  return new CallerError("search-over", message, { hint: "/search WORDS begins one" });
}
