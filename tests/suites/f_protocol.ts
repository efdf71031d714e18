/**
 * The protocol, by itself and against other implementations.
 *
 * @module
 */

import { testsIn } from "./suite.ts";

await testsIn(".");
await testsIn("protocol");
await testsIn("auth");
await testsIn("interop");
