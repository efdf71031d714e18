/**
 * The client.
 *
 * @module
 */

import { testsIn } from "./suite.ts";

await testsIn("client");
await testsIn("terminal");
await testsIn("rooms");
await testsIn("log");
await testsIn("cli");
