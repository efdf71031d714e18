/**
 * Sealed rooms as their members have them.
 *
 * @module
 */

import { testsIn } from "./suite.ts";

await testsIn("sealed");
