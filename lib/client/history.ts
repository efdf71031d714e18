/**
 * What was said before: asked for in pages, the newest first (PROTOCOL.md section 7.6), and checked
 * backwards along the log's chain, from an entry that is known.
 *
 * @module
 */

import { CallerError, PeerError } from "../errors.ts";
import { chainNext, chainStart } from "../log/chain.ts";
import type { LogEntry } from "../log/message_log.ts";
import { MAX_HISTORY_PAGE } from "../protocol/limits.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../protocol/messages.ts";
import { type ErrorEvent, errorEvent, type MessageEvent, type NoticeEvent } from "./events.ts";
import type { RoomState } from "./room_state.ts";
import { Unopened } from "./unopened.ts";

/** Messages that can be asked for at once: with the longest texts, 16 MiB of memory. */
export const MAX_HISTORY = 1_000;

/** A part of the history. */
export interface Past {
  /** What is wrong with it, what could not be opened, and the messages in the log's order. */
  events: (ErrorEvent | NoticeEvent | MessageEvent)[];
  /** The places that were asked for: from the first one up to the last. */
  first: number;
  last: number;
}

/** What is asked for, and what came of it by now. */
interface Request {
  /** Entries that are still to come. */
  wanted: number;
  last: number;
  page: LogEntry[];
  messages: MessageEvent[];
  unopened: Unopened;
  fault: PeerError | undefined;
}

/** See the module's description. One request at a time. */
export class History {
  readonly #state: RoomState;
  /** What came before this place was not asked for yet. */
  #before: number;
  /** The chain's value right before that place. */
  #chain: string;
  #request: Request | undefined;

  /** Begins where the room is followed from. */
  constructor(state: RoomState) {
    this.#state = state;
    this.#before = state.head.seq + 1;
    this.#chain = state.head.chain;
  }

  /** Whether there is nothing older. */
  get isAtStart(): boolean {
    return this.#before <= 1;
  }

  /** Whether a request is under way. */
  get isBusy(): boolean {
    return this.#request !== undefined;
  }

  /**
   * Begins a request. Send {@linkcode question} then, and again after an outage.
   *
   * @throws {CallerError} `history-busy` if one is under way already.
   */
  begin(wanted: number): void {
    if (this.isBusy) {
      throw new CallerError("history-busy", "Older messages are on their way already");
    }
    const last = this.#before - 1;
    const unopened = new Unopened();
    this.#request = { wanted, last, page: [], messages: [], unopened, fault: undefined };
  }

  /** What to ask the server for, if a request is under way. The page begins anew. */
  question(): MessageOf<ClientMessage, "history"> | undefined {
    if (this.#request === undefined) return undefined;
    this.#request.page = [];
    const { room } = this.#state;
    return { type: "history", room, before: this.#before, limit: pageSize(this.#request) };
  }

  /**
   * Takes an entry of the page.
   *
   * @throws {PeerError} `message-unexpected` if it was not asked for.
   */
  add(entry: LogEntry): void {
    const request = this.#request;
    if (request === undefined || request.page.length >= pageSize(request)) throw unexpected();
    request.page.push(entry);
  }

  /**
   * Takes the end of the page.
   *
   * @returns whether the request is done; else the next page is to be asked for.
   * @throws {PeerError} `message-unexpected` if it was not asked for.
   */
  endPage({ before, previous }: MessageOf<ServerMessage, "history_end">): boolean {
    const request = this.#request;
    if (request === undefined || before !== this.#before) throw unexpected();
    const { page } = request;
    request.fault ??= this.#check(page, previous);
    request.messages.unshift(...this.#open(request));
    request.wanted -= page.length;
    request.page = [];
    const first = page[0]?.seq ?? 1;
    // A page that does not fit may begin anywhere: only what leads back is gone on from.
    this.#before = first < this.#before ? first : 1;
    this.#chain = previous;
    return request.wanted <= 0 || this.isAtStart;
  }

  /** Ends the request, done or not; what came by now, in whole pages. */
  end(): Past | undefined {
    const request = this.#request;
    if (request === undefined) return undefined;
    this.#request = undefined;
    const { fault, unopened, messages, last } = request;
    const faults = fault === undefined ? [] : [errorEvent(fault)];
    return { events: [...faults, ...unopened.take(), ...messages], first: this.#before, last };
  }

  /** Runs the chain from the value before the page to the one that is known behind it. */
  #check(page: readonly LogEntry[], previous: string): PeerError | undefined {
    const { room } = this.#state;
    let seq = this.#before - page.length;
    let chain = previous;
    const begins = page.length > 0 && (seq > 1 || seq === 1 && previous === chainStart(room));
    const follows = page.every((entry) => {
      chain = chainNext(chain, entry);
      return entry.room === room && entry.seq === seq++ && entry.chain === chain;
    });
    if (begins && follows && chain === this.#chain) return undefined;
    return this.#state.inconsistent(`does not lead up to message ${this.#before} from before`);
  }

  /** The messages of a page; counts what is none to show. */
  #open(request: Request): MessageEvent[] {
    return request.page.flatMap((entry) => {
      request.fault ??= this.#state.recall(entry);
      return request.unopened.tryOpen(this.#state, entry, true) ?? [];
    });
  }
}

function pageSize({ wanted }: Request): number {
  return Math.min(MAX_HISTORY_PAGE, wanted);
}

function unexpected(): PeerError {
  return new PeerError("message-unexpected", "The server sent history that nobody asked for");
}
