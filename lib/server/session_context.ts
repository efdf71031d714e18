/**
 * What all sessions of a server share.
 *
 * @module
 */

import type { AuthenticationContext } from "./authentication.ts";
import type { Floor } from "./floor.ts";
import type { Hub } from "./hub.ts";
import type { MessageLog } from "../log/message_log.ts";
import type { Limits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import type { RequestContext } from "./requests.ts";
import type { TokenBuckets } from "./token_bucket.ts";

/** See the module's description. */
export interface SessionContext extends AuthenticationContext, RequestContext {
  hub: Hub;
  log: MessageLog;
  floor: Floor;
  limits: Limits;
  /** How fast accounts may send. */
  rates: TokenBuckets;
  metrics: Metrics;
  /** Takes what happens to users. */
  logger: Logger;
  /** Takes what peers can cause without end: so many lines a minute. */
  bounded: Logger;
}
