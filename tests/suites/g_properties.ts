/**
 * Properties, by random inputs. By themselves, since they bound how much memory a worker may take.
 *
 * @module
 */

import { testsIn } from "./suite.ts";

await testsIn("properties");
