/**
 * The attacks' part 1.
 *
 * @module
 */

import { testsIn } from "./suite.ts";

await testsIn("attacks", { at: 1, of: 2 });
