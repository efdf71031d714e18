/**
 * Feeds a decoder random inputs. Each has to end in one of the ways that the decoder names: taken, or
 * refused with an error of the one right class and one of these codes. Each of these ways has to
 * come up, too, or the inputs would not reach what they are to test.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { FernchatError } from "../../lib/errors.ts";
import { SeededRandom } from "./seeded_random.ts";

/** A decoder with its inputs. */
export interface Decoder<I = unknown> {
  name: string;
  /** How many inputs it gets: the cheaper, the more. */
  inputs: number;
  /** The class of the errors that it may throw: whose fault they are. */
  throws: abstract new (...args: never[]) => FernchatError;
  /** `taken`, and the codes of these errors or what `reason` makes of them. */
  ends: readonly string[];
  /** Tells errors of one code apart. */
  reason?(error: FernchatError): string;
  /** Makes an input. */
  make(random: SeededRandom): I;
  /** Decodes it; fails an assertion if what it took is not what it should be. */
  decode(input: I): void | Promise<void>;
}

/** The same with the type of its inputs forgotten, for a table of many. */
export function decoder<I>(decoder: Decoder<I>): Decoder {
  return decoder as Decoder;
}

/** For `decode`: what was taken has one form, and it was in it. */
export function assertSame(encodedAgain: Uint8Array, input: Uint8Array): void {
  assert.ok(Buffer.compare(encodedAgain, input) === 0, "it was taken in another form than its own");
}

/**
 * What all inputs depend on: the variable `FERNCHAT_FUZZ_SEED`. Without it always the same, so that
 * the same code passes or fails whoever runs it.
 */
export const SEED = Deno.env.get("FERNCHAT_FUZZ_SEED") ?? "fernchat";

/** How often memory is looked at while a decoder runs. */
const LOOKS = 10;

/**
 * Bytes by which memory may grow from the first decoder to the last. V8 lets garbage pile up before
 * it collects it, and nothing here forces it to: up to 140 MB were seen. With a million inputs, about
 * 130 bytes that were kept of each would go above the bound.
 */
const MAX_GROWTH = 256 * 1024 * 1024;

const START = memory();

/** Feeds the decoder all of its inputs. */
export async function fuzz(decoder: Decoder): Promise<void> {
  const random = new SeededRandom(`${SEED}/${decoder.name}`);
  const ends = new Map<string, number>();
  for (let number = 0; number < decoder.inputs; number += 1) {
    const pending = endOf(decoder, decoder.make(random), number);
    const end = typeof pending === "string" ? pending : await pending;
    ends.set(end, (ends.get(end) ?? 0) + 1);
    if (number % Math.ceil(decoder.inputs / LOOKS) === 0) assertBounded(memory());
  }
  assertBounded(memory());
  const seen = `${decoder.name} with FERNCHAT_FUZZ_SEED=${SEED}: ${JSON.stringify([...ends])}`;
  assert.deepEqual([...ends.keys()].sort(), [...decoder.ends].sort(), seen);
}

function endOf(decoder: Decoder, input: unknown, number: number): string | Promise<string> {
  try {
    const pending = decoder.decode(input);
    return pending?.then(() => "taken", (error) => endBy(error, decoder, input, number)) ?? "taken";
  } catch (error) {
    return endBy(error, decoder, input, number);
  }
}

/** The name of a refusal. Any other error fails the test. */
function endBy(error: unknown, decoder: Decoder, input: unknown, number: number): string {
  if (error instanceof decoder.throws) {
    const end = decoder.reason?.(error) ?? error.code;
    if (decoder.ends.includes(end)) return end;
  }
  const which = `input ${number} of FERNCHAT_FUZZ_SEED=${SEED}`;
  throw new Error(`${decoder.name}, ${which}: ${error}\nThe input: ${show(input)}`, {
    cause: error,
  });
}

/** Of this isolate alone: other tests run in the same process. */
function memory(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

function assertBounded(bytes: number): void {
  assert.ok(bytes - START < MAX_GROWTH, `memory grew from ${START} to ${bytes} bytes`);
}

function show(input: unknown): string {
  const shown = input instanceof Uint8Array
    ? Buffer.from(input).toString("hex")
    : JSON.stringify(input, (_, value) => {
      return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
    });
  return shown.length > 4_000 ? `${shown.slice(0, 4_000)}… (${shown.length} characters)` : shown;
}
