/**
 * The metrics as Deno's own console exporter shows them, and nothing at all without it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Metrics } from "../../lib/server/metrics.ts";
import { assertMetric, TELEMETRY } from "../scenario/telemetry.ts";

const METRICS = new URL("../../lib/server/metrics.ts", import.meta.url).href;

/** Everything that can be counted, once or more; then as long as it takes to be exported. */
const PROGRAM = `
  import { Metrics } from ${JSON.stringify(METRICS)};
  const metrics = new Metrics();
  for (let at = 0; at < 3; at += 1) metrics.connectionOpened();
  metrics.connectionClosed();
  metrics.connectionRefused("too-many");
  metrics.disconnected("too-slow");
  metrics.disconnected("too-slow");
  metrics.disconnected("deadline-missed");
  metrics.login("accepted");
  metrics.committed({ entries: 3, seconds: 0.25 });
  metrics.committed({ entries: 40, seconds: 0.5 });
  metrics.delivered(120);
  metrics.historyPageSent();
  metrics.observeQueues(() => {
    setTimeout(() => Deno.exit()); // it was asked: that is all that is waited for
    return 4321;
  });
  setInterval(() => {}, 60_000);
`;

/** Runs the program with these variables alone; returns what it wrote to stderr. */
async function run(env: { [name: string]: string }): Promise<string> {
  const program = `data:application/typescript,${encodeURIComponent(PROGRAM)}`;
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", `--allow-import`, program],
    env,
  }).output();
  return new TextDecoder().decode(stderr);
}

Deno.test("every method counts under its own name, unit and reason", async () => {
  const shown = await run({ ...TELEMETRY, OTEL_METRIC_EXPORT_INTERVAL: "100" });
  assertMetric(shown, "fernchat.connections", "{connection}", "{} value=2");
  assertMetric(
    shown,
    "fernchat.refused_connections",
    "{connection}",
    "{error.type=too-many} value=1",
  );
  assertMetric(shown, "fernchat.disconnects", "{connection}", "{error.type=too-slow} value=2");
  assertMetric(
    shown,
    "fernchat.disconnects",
    "{connection}",
    "{error.type=deadline-missed} value=1",
  );
  assertMetric(shown, "fernchat.logins", "{login}", "{fernchat.login.outcome=accepted} value=1");
  assertMetric(shown, "fernchat.messages", "{message}", "{} value=43");
  assertMetric(shown, "fernchat.commit.entries", "{message}", "{} count=2 sum=43 min=3 max=40");
  assertMetric(shown, "fernchat.commit.duration", "s", "{} count=2 sum=0.75 min=0.25 max=0.5");
  assertMetric(shown, "fernchat.deliveries", "{message}", "{} value=120");
  assertMetric(shown, "fernchat.history_pages", "{page}", "{} value=1");
  assertMetric(shown, "fernchat.queue.size", "By", "{} value=4321");
});

Deno.test("without OTEL_DENO nothing is counted, asked or shown", () => {
  const metrics = new Metrics();
  metrics.connectionOpened();
  metrics.committed({ entries: 1, seconds: 1 });
  metrics.observeQueues(() => assert.fail("nobody exports it"));
});
