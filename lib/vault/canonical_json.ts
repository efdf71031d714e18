/**
 * Records of a vault in their one form: JSON with the keys in the order of a schema, no white space,
 * and each value written in one way.
 *
 * @module
 */

import * as v from "valibot";
import { sameBytes } from "../same_bytes.ts";
import { invalid } from "./seal.ts";

/** A value as JSON in UTF-8. */
export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * What a schema makes of JSON, in whatever form: see {@linkcode checkForm}.
 *
 * @throws {PeerError} `vault-invalid`. It tells where, but nothing of what is there: records hold keys.
 */
export function decodeJson<S extends v.GenericSchema>(
  schema: S,
  bytes: Uint8Array,
): v.InferOutput<S> {
  const result = v.safeParse(schema, parse(bytes), { abortEarly: true });
  if (result.success) return result.output;
  const where = v.getDotPath(result.issues[0]) ?? "the whole";
  throw invalid("a record is not of its schema", new Error(`not of its schema: ${where}`));
}

/**
 * Passes if what was decoded encodes to the same bytes again.
 *
 * @throws {PeerError} `vault-invalid`.
 */
export function checkForm(bytes: Uint8Array, encoded: Uint8Array): void {
  if (!sameBytes(bytes, encoded)) throw invalid("a record is not in its one form");
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw invalid("a record is not JSON"); // the parser's own message quotes what it could not read
  }
}
