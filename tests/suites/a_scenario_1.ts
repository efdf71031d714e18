/**
 * The scenarios' part 1.
 *
 * @module
 */

import { testsIn } from "./suite.ts";

await testsIn("scenario", { at: 1, of: 4 });
