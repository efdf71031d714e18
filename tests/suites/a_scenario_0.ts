/**
 * The scenarios' part 0.
 *
 * @module
 */

import { testsIn } from "./suite.ts";

await testsIn("scenario", { at: 0, of: 4 });
