/**
 * The attacks' part 0.
 *
 * @module
 */

import { testsIn } from "./suite.ts";

await testsIn("attacks", { at: 0, of: 2 });
