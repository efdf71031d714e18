/**
 * What someone does on a connection from the login to the end: joins rooms, speaks, asks, changes
 * the password. A table says what is done with each message.
 *
 * @module
 */

import { describeError, PeerError } from "../errors.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../protocol/messages.ts";
import { encodeParts } from "../protocol/parts.ts";
import type { Request } from "../protocol/requests.ts";
import { Attendance } from "./attendance.ts";
import { Dismissal, explainRefusal } from "./explain.ts";
import { HISTORY_COST, JOIN_COST, PART_COST, REQUEST_COST } from "./limits.ts";
import type { LogFields } from "./logger.ts";
import type { Outbound } from "./outbound.ts";
import { pause } from "./pause.ts";
import type { Visitor } from "./people.ts";
import { Registration } from "./registration.ts";
import { answer } from "./requests.ts";
import { answerSealed, isSealedRequest, type SealedAnswer } from "./sealed/sealed_requests.ts";
import { partsInvalid, Staging } from "./sealed/staging.ts";
import type { SessionContext } from "./session_context.ts";
import { describeBan, readStanding, type Standing } from "./standing.ts";

const NOTHING = new Uint8Array();

/** What a visit works with. */
export interface VisitOptions {
  context: SessionContext;
  outbound: Outbound;
  /** The account's name. */
  user: string;
  /** From where: an IP address. */
  address: string;
  /** The same with its port, for the log. */
  peer: string;
  /** Aborted when nothing is worth waiting for any more. */
  signal: AbortSignal;
  /** Ends the connection, and says why. */
  dismiss(why: unknown): void;
}

/** What may come after a login. */
export type VisitMessage = Exclude<
  ClientMessage,
  { type: "login_start" | "login_finish" | "create_start" | "create_finish" }
>;

type Handler<T extends VisitMessage["type"]> = (
  visit: Visit,
  message: MessageOf<VisitMessage, T>,
) => void | Promise<void>;

const HANDLERS: { [T in VisitMessage["type"]]: Handler<T> } = {
  register_start: (visit, message) => visit.startRegistration(message),
  register_finish: (visit, message) => visit.finishRegistration(message),
  join: (visit, message) => visit.join(message),
  leave: (visit, message) => visit.part(message),
  send: (visit, message) => visit.post(message),
  history: (visit, message) => visit.history(message),
  part: (visit, message) => visit.stage(message),
  request: (visit, message) => visit.answer(message),
  ping: (visit) => visit.pong(),
};

/** See the module's description. */
export class Visit implements Visitor {
  readonly user: string;
  readonly since = new Date().toISOString();
  readonly address: string;
  readonly attendance: Attendance;
  readonly #options: VisitOptions;
  readonly #staging: Staging;
  #standing: Standing | undefined;
  #registration: Registration | undefined;
  #hasJoined = false;

  constructor(options: VisitOptions) {
    this.#options = options;
    this.user = options.user;
    this.address = options.address;
    this.attendance = this.#makeAttendance();
    this.#staging = new Staging(options.context.sealed.staging);
  }

  /** Greets and is counted among the people; false if the account may not be here. */
  begin(): boolean {
    if (!this.#mayStay(this.#look())) return false;
    this.#options.outbound.send({ type: "welcome", user: this.user });
    this.#options.context.people.enter(this);
    return true;
  }

  /** Handles a message; resolves when the next one may be read. Throws `PeerError`. */
  async handle(message: VisitMessage): Promise<void> {
    await (HANDLERS[message.type] as Handler<VisitMessage["type"]>)(this, message);
  }

  /**
   * Is nowhere any more.
   *
   * @param wasCut whether the client may want to go on where it was.
   */
  leave(wasCut = false): void {
    const { people, presence, sealed } = this.#options.context;
    this.attendance.end();
    sealed.leases.release(this, wasCut);
    this.#staging.clear();
    if (people.leave(this)) presence.setBack(this.user);
  }

  isIn(room: string): boolean {
    return this.attendance.isIn(room);
  }

  remove(room: string, code: string, message: string): void {
    this.attendance.remove(room, code, message);
  }

  end(code: string, message: string): void {
    this.leave(); // at once, although the connection may take some seconds to end
    this.#options.dismiss(new Dismissal(code, message));
  }

  tell(message: ServerMessage): void {
    this.#options.outbound.send(message);
  }

  review(standing: Standing | undefined): void {
    this.#mayStay(standing);
  }

  /** A new password: allowed once, right after a login, which proved the old one. */
  startRegistration(message: MessageOf<ClientMessage, "register_start">): void {
    if (this.#hasJoined || this.#registration !== undefined) throw untimely(message);
    if (!this.#mayStay(this.#look())) return;
    const { accounts, sealed } = this.#options.context;
    this.#registration = new Registration(accounts, accounts.get(this.user), sealed.delivery.vault);
    this.#options.outbound.send(this.#registration.start(message));
  }

  finishRegistration(message: MessageOf<ClientMessage, "register_finish">): void {
    // Whose sessions were ended a moment ago must not win the account back by this.
    if (!this.#mayStay(this.#look())) return;
    const answer = this.#hasJoined ? undefined : this.#registration?.finish(message);
    if (answer === undefined) throw untimely(message);
    if (answer.type === "registered") {
      this.#options.context.logger.info("password-changed", this.#fields());
    }
    this.#options.outbound.send(answer);
  }

  async join(message: MessageOf<ClientMessage, "join">): Promise<void> {
    this.#hasJoined = true;
    await this.attendance.join(message);
    await this.#payFor(JOIN_COST);
  }

  async part(message: MessageOf<ClientMessage, "leave">): Promise<void> {
    await this.attendance.leave(message);
    await this.#payFor(1);
  }

  async post(message: MessageOf<ClientMessage, "send">): Promise<void> {
    await this.attendance.post(message);
    await this.#payFor(1);
  }

  async history(message: MessageOf<ClientMessage, "history">): Promise<void> {
    await this.attendance.history(message);
    this.#options.context.metrics.historyPageSent();
    await this.#payFor(HISTORY_COST);
  }

  /** Keeps bytes for the request to come. */
  async stage({ data }: MessageOf<ClientMessage, "part">): Promise<void> {
    this.#staging.add(data);
    await this.#payFor(PART_COST);
  }

  async answer({ ref, request }: MessageOf<ClientMessage, "request">): Promise<void> {
    const { outbound } = this.#options;
    try {
      // The next one of the name must not find in the vault what a session of before has put there.
      if (isSealedRequest(request) && !this.#mayStay(this.#look())) return;
      const { result, bytes } = await this.#answerTo(request);
      for (const data of encodeParts(bytes ?? NOTHING)) {
        if (!await outbound.calm()) return;
        outbound.send({ type: "part", ref, data });
      }
      outbound.send({ type: "reply", ref, result });
    } catch (error) {
      outbound.send({ type: "error", ...explainRefusal(error), ref });
    } finally {
      this.#staging.clear();
    }
    await this.#payFor(REQUEST_COST);
  }

  async #answerTo(request: Request): Promise<SealedAnswer> {
    const { context } = this.#options;
    const bytes = this.#staging.take();
    if (isSealedRequest(request)) return await answerSealed(context, this, request, bytes);
    if (bytes.length > 0) throw partsInvalid();
    return { result: answer(context, this, request) };
  }

  pong(): void {
    this.#options.outbound.send({ type: "pong" });
  }

  #look(): Standing | undefined {
    return readStanding(this.#options.context, this.user);
  }

  /** Takes what the account may do now; ends the connection unless that is to be here. */
  #mayStay(standing: Standing | undefined): boolean {
    const before = this.#standing;
    this.#standing = standing ?? before;
    if (standing === undefined) this.end("account-removed", whyRemoved(before));
    else if (standing.ban !== undefined) this.end("banned", describeBan(standing.ban));
    else if (before !== undefined && before.sessionEpoch !== standing.sessionEpoch) {
      this.end("kicked", "An operator ended your sessions");
    } else return true;
    return false;
  }

  #makeAttendance(): Attendance {
    const { context, outbound, user, dismiss } = this.#options;
    return new Attendance({
      ...context,
      user,
      outbound,
      standing: () => this.#standing as Standing,
      onFailure: dismiss,
      onRefused: (error) =>
        context.bounded.warn("message-refused", {
          ...this.#fields(),
          reason: describeError(error),
        }),
      onDelivered: () => context.metrics.delivered(1),
    });
  }

  /** Who sends more than is granted is read from later: nothing is lost, and nobody else waits. */
  async #payFor(cost: number): Promise<void> {
    const { context, signal } = this.#options;
    await pause(context.rates.take(this.user, cost), signal);
  }

  #fields(): LogFields {
    return { user: this.user, peer: this.#options.peer };
  }
}

function whyRemoved(before: Standing | undefined): string {
  return before?.demo
    ? "The demo is over: log in with an account of your own"
    : "Your account was removed";
}

/** Whether a message is one that may come after a login. */
export function isForVisit(message: ClientMessage): message is VisitMessage {
  return Object.hasOwn(HANDLERS, message.type);
}

/** A message at a time that is not its own. */
export function untimely({ type }: { type: string }): PeerError {
  return new PeerError("message-unexpected", `Not the time for a message ${type}`);
}
