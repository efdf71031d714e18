/**
 * Deno's console exporter, which writes telemetry to stderr: how to ask for it, and to read it.
 *
 * @module
 */

import assert from "node:assert/strict";

/** What to set, as the README says. */
export const TELEMETRY = { OTEL_DENO: "true", OTEL_EXPORTER_OTLP_PROTOCOL: "console" };

/** Asserts that the last export of a metric has a line that ends like this. */
export function assertMetric(stderr: string, name: string, unit: string, line: string): void {
  const lines = metricLines(stderr, name, unit);
  assert.ok(lines.includes(line), `${name} has no ${line}: ${lines.join("\n") || stderr}`);
}

/** The values of a metric in its last export. */
function metricLines(stderr: string, name: string, unit: string): string[] {
  // deno-lint-ignore no-control-regex -- the exporter colours even what goes to a file
  const plain = stderr.replaceAll(/\x1b\[[0-9;]*m/g, "");
  const last = plain.split(/^METRIC /m).findLast((part) => part.startsWith(`${name} (`)) ?? "";
  const [title = "", ...rest] = last.split("\n");
  assert.ok(title.includes(`unit=${unit})`), `${name} is not in ${unit}: ${title}`);
  return rest.map((one) => one.trim());
}
