/**
 * The scenarios' part 2.
 *
 * @module
 */

import { testsIn } from "./suite.ts";

await testsIn("scenario", { at: 2, of: 4 });
