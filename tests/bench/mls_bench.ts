/**
 * Measures groups of devices: what making, adding, following and joining cost at 2, 30 and 200
 * members, and how many bytes each message has.
 *
 * @module
 */

import { Group } from "../../lib/mls/group.ts";
import { device, devices, policyOf } from "../mls/people.ts";
import { type Column, formatTable } from "./table.ts";
