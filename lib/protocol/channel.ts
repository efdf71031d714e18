/**
 * The secure channel: messages over records over frames over a byte stream. What waits for the
 * stream goes out together, as one record and one write; the queue is bounded in bytes.
 *
 * @module
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { PeerError } from "../errors.ts";
import {
  type ByteSink,
  type ByteSource,
  decodeFrames,
  encodeFrames,
  FRAME_HEADER_BYTES,
  type FrameReader,
  writeAll,
} from "../framing.ts";
import type { HandshakeResult } from "./handshake.ts";
import { masterSecret, type TrafficSecrets, trafficSecrets } from "./key_schedule.ts";
import { MAX_FRAME_BYTES, RECORD_BATCH_BYTES } from "./limits.ts";
import { type KeyUsage, RecordOpener, RecordSealer, RecordType } from "./record.ts";

/** A byte stream in both directions. Closing it makes a pending read end or fail. */
export interface ByteStream extends ByteSource, ByteSink {
  close(): void;
}

/** What an owner may set. */
export interface ChannelOptions {
  /** Bytes of messages that may wait for the peer to read. Above it the channel fails. */
  maxQueuedBytes?: number;
  /** When this side moves to its next sending key. */
  keyUsage?: KeyUsage;
}

/**
 * Default of {@linkcode ChannelOptions.maxQueuedBytes}: some thousand usual messages, so that a
 * short stall costs nobody the connection, and a thousand stalled peers cost 1 GiB at the worst.
 */
export const DEFAULT_MAX_QUEUED_BYTES = 1024 * 1024;

/** In the queue: a message, or a change of keys that holds from there on. */
type Queued = Uint8Array | { sealer: RecordSealer };

/** An encrypted, ordered, authenticated pipe of messages. */
export class SecureChannel {
  readonly #stream: ByteStream;
  readonly #reader: FrameReader;
  readonly #role: "client" | "server";
  readonly #handshake: HandshakeResult;
  readonly #options: ChannelOptions;
  #sealer: RecordSealer;
  #opener: RecordOpener;
  #queue: Queued[] = [];
  #queuedBytes = 0;
  #pump: Promise<void> | undefined;
  #inbox: Uint8Array[] = [];
  #closed: Promise<void> | undefined;
  #failure: unknown;
  #writingSince: number | undefined;
  /** Called at each step of the queue. */
  readonly #watchers = new Set<() => void>();

  constructor(
    role: "client" | "server",
    stream: ByteStream,
    handshake: HandshakeResult,
    options: ChannelOptions = {},
  ) {
    this.#role = role;
    this.#stream = stream;
    this.#reader = handshake.reader;
    this.#handshake = handshake;
    this.#options = options;
    const [sealer, opener] = this.#keys(handshake.traffic);
    this.#sealer = sealer;
    this.#opener = opener;
  }

  /** Bytes of messages that wait for the stream. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * When the write that the peer holds up began, on the clock of `performance.now()`; undefined if it
   * holds up none.
   */
  get writingSince(): number | undefined {
    return this.#writingSince;
  }

  /**
   * Resolves with true when at most `bytes` of messages wait for the stream, or with false when none
   * can be sent any more.
   */
  async queuedAtMost(bytes: number): Promise<boolean> {
    while (this.#queuedBytes > bytes && this.#failure === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add(resolve);
      await promise;
    }
    return this.#failure === undefined && this.#closed === undefined;
  }

  /**
   * The next message, or `null` once the peer has closed. Not for concurrent use.
   *
   * @throws {PeerError} `connection-cut` if the stream ends without an authenticated close,
   * `record-invalid`, what {@linkcode FrameReader} throws, or why the channel was aborted.
   */
  async receive(): Promise<Uint8Array | null> {
    while (this.#inbox.length === 0) {
      const record = this.#opener.open(await this.#nextFrame());
      if (record.type === RecordType.close) return null;
      if (record.type === RecordType.messages) this.#inbox = decodeFrames(record.content).reverse();
    }
    return this.#inbox.pop() as Uint8Array;
  }

  async #nextFrame(): Promise<Uint8Array> {
    let frame: Uint8Array | null;
    try {
      frame = await this.#reader.next();
    } catch (error) {
      throw this.#failure ?? error;
    }
    if (frame === null) {
      throw this.#failure ?? new PeerError("connection-cut", "The connection was cut");
    }
    return frame;
  }

  /**
   * Queues a message and returns at once. Nothing happens on a channel that is closed or failed:
   * {@linkcode receive} tells. A peer that lets too much wait ends the channel with `too-slow`.
   */
  send(message: Uint8Array): void {
    if (this.#closed !== undefined || this.#failure !== undefined) return;
    this.#queue.push(message);
    this.#queuedBytes += message.length;
    const limit = this.#options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES;
    if (this.#queuedBytes > limit) {
      this.abort(
        new PeerError("too-slow", `The peer left more than ${limit} bytes unread`),
      );
    } else {
      this.#startPump();
    }
  }

  /**
   * Mixes the login's session key into new keys for both directions. What was sent before still
   * goes out under the old ones.
   *
   * @param loginKey OPAQUE's session key.
   * @param loginMessages the login's messages, in order: they join the transcript.
   * @throws {PeerError} `message-unexpected` if the peer sent more than it may before the change: a
   * man in the middle could otherwise put own messages behind a login that it relays.
   */
  rekey(loginKey: Uint8Array, loginMessages: readonly Uint8Array[]): void {
    if (this.#inbox.length > 0) {
      throw new PeerError("message-unexpected", "A message came before the login was done");
    }
    const { secret, transcript } = this.#handshake;
    const afterLogin = sha256.create().update(transcript).update(encodeFrames(loginMessages));
    const master = masterSecret(secret, transcript, loginKey);
    const [sealer, opener] = this.#keys(trafficSecrets(master, "ap", afterLogin.digest()));
    this.#queue.push({ sealer });
    this.#opener = opener;
    this.#reader.maxBytes = MAX_FRAME_BYTES;
    this.#startPump();
  }

  /** Forgets the messages that wait for the stream: the peer will not get them. */
  discard(): void {
    this.#queue = this.#queue.filter((one) => "sealer" in one);
    this.#queuedBytes = 0;
    this.#notify();
  }

  /** Resolves when nothing waits any more, sent or given up: {@linkcode receive} tells which. */
  async flush(): Promise<void> {
    while (this.#pump !== undefined) await this.#pump;
  }

  /** Sends what waits, then the authenticated close. The stream stays open for the peer's own. */
  closeWrite(): Promise<void> {
    return this.#closed ??= this.#sayClose();
  }

  async #sayClose(): Promise<void> {
    await this.flush();
    if (this.#failure !== undefined) return;
    await this.#write(this.#sealer.seal(RecordType.close, new Uint8Array()));
  }

  /** Sends what waits and the authenticated close, and closes the stream. */
  async close(): Promise<void> {
    await this.closeWrite();
    this.abort(new PeerError("connection-cut", "The connection is closed"));
  }

  /** Closes the stream at once; a pending {@linkcode receive} throws `reason`. */
  abort(reason: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#notify();
    try {
      this.#stream.close();
    } catch {
      // It was closed already, which is what is wanted.
    }
  }

  #keys({ clientToServer, serverToClient }: TrafficSecrets): [RecordSealer, RecordOpener] {
    const [send, receive] = this.#role === "client"
      ? [clientToServer, serverToClient]
      : [serverToClient, clientToServer];
    return [new RecordSealer(send, this.#options.keyUsage), new RecordOpener(receive)];
  }

  #startPump(): void {
    this.#pump ??= this.#run();
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // what is sent in the same turn of the event loop shares a record
    while (this.#queue.length > 0 && this.#failure === undefined) {
      const batch = this.#takeBatch();
      if (batch.length === 0) continue;
      await this.#write(this.#sealer.seal(RecordType.messages, encodeFrames(batch)));
    }
    this.#pump = undefined;
  }

  /** Takes the messages that fit one record, up to a change of keys, which it applies. */
  #takeBatch(): Uint8Array[] {
    const batch: Uint8Array[] = [];
    let size = 0;
    let taken = 0;
    for (const next of this.#queue) {
      if ("sealer" in next) {
        if (batch.length > 0) break;
        this.#sealer = next.sealer;
        taken += 1;
        continue;
      }
      size += FRAME_HEADER_BYTES + next.length;
      if (batch.length > 0 && size > RECORD_BATCH_BYTES) break;
      batch.push(next);
      this.#queuedBytes -= next.length;
      taken += 1;
    }
    this.#queue.splice(0, taken);
    return batch;
  }

  async #write(records: Uint8Array[]): Promise<void> {
    this.#writingSince = performance.now();
    try {
      await writeAll(this.#stream, encodeFrames(records));
    } catch (cause) {
      this.abort(new PeerError("connection-cut", "The connection was cut", { cause }));
    }
    this.#writingSince = undefined;
    this.#notify();
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }
}
