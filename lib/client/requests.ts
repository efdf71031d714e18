/**
 * Questions and wishes to the server beside the messages of a room: each has a number, which its
 * answer repeats (PROTOCOL.md section 7.10).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import * as v from "valibot";
import { CallerError, EnvironmentError, PeerError } from "../errors.ts";
import { MAX_AWAY_CHARS, MAX_REASON_CHARS, MAX_TOPIC_CHARS } from "../protocol/limits.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../protocol/messages.ts";
import { encodeParts } from "../protocol/parts.ts";
import {
  type Request,
  request as requestSchema,
  type Result,
  type ResultOf,
} from "../protocol/requests.ts";
import { PartsReceived } from "./parts.ts";

/** What answers the requests whose answer says something, by their `do`; the others are `done`. */
const ANSWERS = {
  rooms: "rooms",
  names: "names",
  whois: "whois",
  blobs: "blobs",
  get: "blob",
  lease: "lease",
  claim: "packages",
  look: "packages",
  direct: "direct",
  welcome: "welcome",
} as const satisfies { [D in Request["do"]]?: Result["is"] };

/** What answers a request, by its `do`. */
export type AnswerTo<D extends Request["do"]> = ResultOf<
  D extends keyof typeof ANSWERS ? typeof ANSWERS[D] : "done"
>;

/** An answer, and the bytes that came with it. */
export interface Answer<D extends Request["do"]> {
  result: AnswerTo<D>;
  bytes: Uint8Array;
}

/** What a field of a request is not, and what it has to be, for people. */
const FIELDS: { [path: string]: readonly [fault: string, hint: string] } = {
  topic: ["Cannot use that topic", `write one line of at most ${MAX_TOPIC_CHARS} characters`],
  text: ["Cannot use that text", `write one line of at most ${MAX_AWAY_CHARS} characters`],
  reason: ["Cannot use that reason", `write one line of at most ${MAX_REASON_CHARS} characters`],
  room: ["Not a room's name", "use 1 to 32 of a-z, 0-9, - and _, a letter or digit first"],
  user: ["Not a user's name", "it has 1 to 128 characters"],
};

/** A request without an answer yet. */
interface Waiting {
  /** What its answer has to be. */
  is: Result["is"];
  bytes: PartsReceived;
  resolve(answer: { result: Result; bytes: Uint8Array }): void;
  reject(error: unknown): void;
}

/** See the module's description. */
export class Requests {
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #send: ((message: ClientMessage) => void) | undefined;

  /** There is a connection. */
  open(send: (message: ClientMessage) => void): void {
    this.#send = send;
  }

  /** There is none any more: nobody knows what became of the requests. */
  close(cause: unknown): void {
    this.#send = undefined;
    const message = "The connection ended before the server answered";
    const hint = "whether it was done is not known; look, and try again";
    const error = new EnvironmentError("connection-cut", message, { cause, hint });
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  /**
   * Asks, and resolves with the answer.
   *
   * @throws {CallerError} `request-invalid`: nothing was sent.
   * @throws {EnvironmentError} with the server's code and words if it refuses; `not-connected` if
   * there is no connection, `connection-cut` if it ends before the answer.
   */
  async ask<R extends Request>(request: R): Promise<AnswerTo<R["do"]>> {
    return (await this.exchange(request)).result;
  }

  /**
   * The same with bytes that go with the request, and those that come with the answer.
   *
   * @throws what {@linkcode ask} throws.
   */
  async exchange<R extends Request>(
    request: R,
    ...bytes: readonly Uint8Array[]
  ): Promise<Answer<R["do"]>> {
    check(request);
    if (this.#send === undefined) throw notConnected();
    const is = (ANSWERS as { [done: string]: Result["is"] })[request.do] ?? "done";
    const { promise, resolve, reject } = Promise.withResolvers<Answer<Request["do"]>>();
    const ref = ++this.#last;
    this.#waiting.set(ref, { is, bytes: new PartsReceived(), resolve, reject });
    for (const data of encodeParts(Buffer.concat(bytes))) this.#send({ type: "part", data });
    this.#send({ type: "request", ref, request });
    return await promise as Answer<R["do"]>;
  }

  /**
   * Takes some of an answer's bytes.
   *
   * @throws {PeerError} `message-unexpected` if nothing was asked for, or there are too many;
   * `message-invalid` if they are not base64url.
   */
  takePart({ ref, data }: MessageOf<ServerMessage, "part">): void {
    const waiting = this.#waiting.get(ref);
    if (waiting === undefined) throw unexpected("The server answered what nobody asked");
    waiting.bytes.add(data);
  }

  /**
   * Takes an answer.
   *
   * @throws {PeerError} `message-unexpected` if it answers nothing that was asked.
   */
  answer({ ref, result }: MessageOf<ServerMessage, "reply">): void {
    const waiting = this.#take(ref);
    if (waiting.is !== result.is) {
      const error = unexpected("The server answered another question");
      waiting.reject(error);
      throw error;
    }
    waiting.resolve({ result, bytes: waiting.bytes.take() });
  }

  /**
   * Takes a refusal.
   *
   * @throws {PeerError} `message-unexpected` if it refuses nothing that was asked.
   */
  refuse(
    ref: number,
    { code, message }: Pick<MessageOf<ServerMessage, "error">, "code" | "message">,
  ): void {
    this.#take(ref).reject(new EnvironmentError(code, message));
  }

  #take(ref: number): Waiting {
    const waiting = this.#waiting.get(ref);
    if (waiting === undefined) throw unexpected("The server answered what nobody asked");
    this.#waiting.delete(ref);
    return waiting;
  }
}

/** What cannot be done without a connection. */
export function notConnected(): EnvironmentError {
  return new EnvironmentError("not-connected", "There is no connection to the server now", {
    hint: "try again when it is there",
  });
}

function check(request: Request): void {
  const { success, issues } = v.safeParse(requestSchema, request);
  if (success) return;
  const field = v.getDotPath(issues[0]) ?? "";
  const [fault, hint] = FIELDS[field] ?? [`Not a request that can be made: see its ${field}`];
  throw new CallerError("request-invalid", fault, hint === undefined ? {} : { hint });
}

function unexpected(message: string): PeerError {
  return new PeerError("message-unexpected", message);
}
