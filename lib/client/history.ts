/**
 * What was said before: asked for page by page, and shown in the log's order when all of it is
 * there.
 *
 * @module
 */

import { CallerError, type EnvironmentError, type PeerError } from "../errors.ts";
import type { EventQueue } from "./event_queue.ts";
import { type ClientEvent, errorEvent, type MessageEvent } from "./events.ts";
import { KnownPast } from "./history_page.ts";
import type { PastPage, PastPages } from "./past_pages.ts";
import type { RoomState } from "./room_state.ts";
import { Unopened } from "./unopened.ts";

/** Messages that can be asked for at once: with the longest texts, some 16 MiB of memory. */
export const MAX_HISTORY = 1_000;

/** What a history works with. */
export interface HistoryOptions {
  state: RoomState;
  events: EventQueue;
  pages: PastPages;
}

/** What someone asked for, and what came of it by now. */
interface Request {
  /** Whether it is what the connection begins with. */
  isFirst: boolean;
  /** Entries that are still to come. */
  wanted: number;
  /** The last place of it. */
  last: number;
  messages: MessageEvent[];
  fault: PeerError | undefined;
  unopened: Unopened;
  shown: PromiseWithResolvers<void>;
}

/** See the module's description. One request at a time. */
export class History {
  readonly #state: RoomState;
  readonly #events: EventQueue;
  readonly #pages: PastPages;
  readonly #known: KnownPast;
  #request: Request | undefined;

  constructor({ state, events, pages }: HistoryOptions) {
    this.#state = state;
    this.#events = events;
    this.#pages = pages;
    this.#known = new KnownPast(state);
  }

  /** Begins with older messages: the events that come meanwhile are shown behind them. */
  beginWith(count: number): void {
    if (count === 0 || this.#known.isWhole) return;
    this.#events.hold(this.#state.room);
    this.#begin(count, true);
  }

  /**
   * Shows older messages, behind those that the room begins with; resolves when they are shown.
   *
   * @throws {CallerError} `history-busy` if others were asked for and are on their way,
   * `count-invalid`.
   * @throws {EnvironmentError} `history-failed` if the server cannot read them.
   * @throws {PeerError} if the connection ends before.
   */
  async show(count: number): Promise<void> {
    checkHistoryCount(count, 1);
    if (this.#request?.isFirst) await this.settled();
    if (this.#request !== undefined) {
      throw new CallerError("history-busy", "Older messages are on their way already");
    }
    if (this.#known.isWhole) {
      const { room } = this.#state;
      const message = `There are no older messages in ${room}`;
      return await this.#events.push({ type: "notice", code: "history", message, room });
    }
    await this.#begin(count, false).shown.promise;
  }

  /** Resolves when no request is under way any more. */
  async settled(): Promise<void> {
    await this.#request?.shown.promise.catch(() => {});
  }

  #begin(wanted: number, isFirst: boolean): Request {
    const shown = Promise.withResolvers<void>();
    shown.promise.catch(() => {}); // nobody may wait for it
    const last = this.#known.before - 1;
    const unopened = new Unopened();
    const request = { isFirst, wanted, last, messages: [], fault: undefined, unopened, shown };
    this.#request = request;
    this.#ask(request);
    return request;
  }

  #ask(request: Request): void {
    const { wanted, shown } = request;
    this.#pages.ask({
      known: this.#known,
      wanted,
      take: (page) => this.#take(request, page),
      fail: (error) => this.#fail(request, error),
      abandon: (reason) => {
        this.#request = undefined;
        shown.reject(reason);
      },
    });
  }

  async #take(request: Request, { entries, fault }: PastPage): Promise<void> {
    const repeated = entries.map((entry) => this.#state.recall(entry)).find(Boolean);
    request.fault ??= fault ?? repeated;
    const messages = entries.map((entry) => request.unopened.tryOpen(this.#state, entry, true));
    request.messages.unshift(...messages.filter((message) => message !== undefined));
    request.wanted -= entries.length;
    if (request.wanted > 0 && !this.#known.isWhole) return this.#ask(request);
    await this.#end(request);
    request.shown.resolve();
  }

  /** The server cannot read it: shows what came by now. */
  async #fail(request: Request, error: EnvironmentError): Promise<void> {
    await this.#end(request);
    request.shown.reject(error);
  }

  async #end({ isFirst, last, messages, fault, unopened }: Request): Promise<void> {
    this.#request = undefined;
    const events: ClientEvent[] = [...unopened.take(this.#state.room), ...messages];
    if (fault !== undefined) events.unshift(errorEvent(fault, this.#state.room));
    if (isFirst) return this.#events.release(this.#state.room, ...events);
    await this.#events.push(this.#headline(last), ...events);
  }

  #headline(last: number): ClientEvent {
    const { before, isWhole } = this.#known;
    const { room } = this.#state;
    const range = `Messages ${before} to ${last} of ${room}`;
    const message = isWhole
      ? `${range}: from its beginning`
      : `${range}; /history shows older ones`;
    return { type: "notice", code: "history", message, room };
  }
}

/**
 * Checks how many messages someone asks for.
 *
 * @throws {CallerError} `count-invalid` unless it is a whole number up to {@linkcode MAX_HISTORY}.
 */
export function checkHistoryCount(count: number, least: 0 | 1): void {
  if (Number.isInteger(count) && count >= least && count <= MAX_HISTORY) return;
  throw new CallerError("count-invalid", "Not a number of older messages", {
    hint: `use ${least} to ${MAX_HISTORY}`,
  });
}
