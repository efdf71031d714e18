/**
 * The server's counters and histograms, through the runtime's own OpenTelemetry: numbers and fixed
 * names, never a user, an address or a text. Names and units follow OpenTelemetry's semantic
 * conventions (its pages "Naming" and "Metrics").
 *
 * @module
 */

import type { Commit } from "../log/sqlite_log.ts";

/** A bounded set of values by name. */
interface Attributes {
  [name: string]: string;
}

/** The parts of OpenTelemetry's API for JavaScript that are used here; Deno types them as `any`. */
interface Meter {
  createCounter(name: string, options: InstrumentOptions): Counter;
  createUpDownCounter(name: string, options: InstrumentOptions): Counter;
  createHistogram(name: string, options: InstrumentOptions): Histogram;
  createObservableGauge(name: string, options: InstrumentOptions): ObservableGauge;
}

interface InstrumentOptions {
  description: string;
  unit: string;
  advice?: { explicitBucketBoundaries: number[] };
}

interface Counter {
  add(value: number, attributes?: Attributes): void;
}

interface Histogram {
  record(value: number, attributes?: Attributes): void;
}

interface ObservableGauge {
  addCallback(observe: (result: { observe(value: number): void }) => void): void;
}

/** Seconds, from a commit that a battery-backed disk takes to one that waits for another program. */
const SECONDS = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5];

/** Messages in a commit, up to the log's limit. */
const ENTRIES = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/**
 * Where the package `@opentelemetry/api`, major version 1, looks for whoever implements it. With
 * `OTEL_DENO=true` Deno puts itself there; without, there is nothing, and nothing is counted. To read
 * it costs no time and no permission, while the package costs a starting server 7 ms, and
 * `Deno.telemetry.meterProvider` throws without `OTEL_DENO` (Deno 2.4 even crashes).
 */
const REGISTRY = Symbol.for("opentelemetry.js.api.1");

/** Counts what happens. Without `OTEL_DENO=true` in the environment, each method does nothing. */
export class Metrics {
  readonly #instruments: Instruments | undefined;

  constructor() {
    const meter = findMeter();
    this.#instruments = meter === undefined ? undefined : makeInstruments(meter);
  }

  /** A connection was accepted. */
  connectionOpened(): void {
    this.#instruments?.connections.add(1);
  }

  /** A connection that was accepted is over. */
  connectionClosed(): void {
    this.#instruments?.connections.add(-1);
  }

  /** A connection was turned away at once. `reason` is a fixed name. */
  connectionRefused(reason: string): void {
    this.#instruments?.refused.add(1, { "error.type": reason });
  }

  /** A connection ended otherwise than by a good-bye. `reason` is a fixed name, such as `too-slow`. */
  disconnected(reason: string): void {
    this.#instruments?.disconnects.add(1, { "error.type": reason });
  }

  /** A login was tried. `outcome` is a fixed name, such as `accepted`. */
  login(outcome: string): void {
    this.#instruments?.logins.add(1, { "fernchat.login.outcome": outcome });
  }

  /** Messages became durable. */
  committed({ entries, seconds }: Commit): void {
    this.#instruments?.messages.add(entries);
    this.#instruments?.commitEntries.record(entries);
    this.#instruments?.commitDuration.record(seconds);
  }

  /** So many copies of messages were queued for members. */
  delivered(copies: number): void {
    this.#instruments?.deliveries.add(copies);
  }

  /** A page of older messages was sent. */
  historyPageSent(): void {
    this.#instruments?.historyPages.add(1);
  }

  /** Asks, as often as metrics are exported, how many bytes wait for all connections. */
  observeQueues(bytes: () => number): void {
    this.#instruments?.queueSize.addCallback((result) => result.observe(bytes()));
  }
}

function findMeter(): Meter | undefined {
  const registered = (globalThis as { [REGISTRY]?: Registered })[REGISTRY];
  return registered?.metrics?.getMeter("fernchat");
}

interface Registered {
  metrics?: { getMeter(scope: string): Meter };
}

interface Instruments {
  connections: Counter;
  refused: Counter;
  disconnects: Counter;
  logins: Counter;
  messages: Counter;
  deliveries: Counter;
  historyPages: Counter;
  commitDuration: Histogram;
  commitEntries: Histogram;
  queueSize: ObservableGauge;
}

function makeInstruments(meter: Meter): Instruments {
  return {
    connections: meter.createUpDownCounter("fernchat.connections", {
      description: "Connections that are open",
      unit: "{connection}",
    }),
    refused: meter.createCounter("fernchat.refused_connections", {
      description: "Connections that were turned away at once",
      unit: "{connection}",
    }),
    disconnects: meter.createCounter("fernchat.disconnects", {
      description: "Connections that ended otherwise than by a good-bye",
      unit: "{connection}",
    }),
    logins: meter.createCounter("fernchat.logins", {
      description: "Logins that were tried",
      unit: "{login}",
    }),
    messages: meter.createCounter("fernchat.messages", {
      description: "Messages that were stored",
      unit: "{message}",
    }),
    deliveries: meter.createCounter("fernchat.deliveries", {
      description: "Copies of messages that were queued for members",
      unit: "{message}",
    }),
    historyPages: meter.createCounter("fernchat.history_pages", {
      description: "Pages of older messages that were sent",
      unit: "{page}",
    }),
    commitDuration: meter.createHistogram("fernchat.commit.duration", {
      description: "Time until a commit was on disk",
      unit: "s",
      advice: { explicitBucketBoundaries: SECONDS },
    }),
    commitEntries: meter.createHistogram("fernchat.commit.entries", {
      description: "Messages that shared a commit",
      unit: "{message}",
      advice: { explicitBucketBoundaries: ENTRIES },
    }),
    queueSize: meter.createObservableGauge("fernchat.queue.size", {
      description: "Bytes that wait for connections to take them",
      unit: "By",
    }),
  };
}
