/**
 * The server, and what sealed rooms are made of.
 *
 * @module
 */

import { testsIn } from "./suite.ts";

await testsIn("server");
await testsIn("mls");
await testsIn("vault");
await testsIn("delivery");
