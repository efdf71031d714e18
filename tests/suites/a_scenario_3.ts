/**
 * The scenarios' part 3.
 *
 * @module
 */

import { testsIn } from "./suite.ts";

await testsIn("scenario", { at: 3, of: 4 });
