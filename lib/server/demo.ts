/**
 * The demo account on a server: where it may be used, and when it is made.
 *
 * @module
 */

import type { Accounts } from "../auth/accounts.ts";
import { describeError, EnvironmentError } from "../errors.ts";
import type { Logger } from "./logger.ts";

/** Whether an address can be reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * Passes if strangers cannot log in as the demo account, or the operator wants that.
 *
 * @throws {EnvironmentError} `no-accounts`.
 */
export function checkDemo({ host, demo }: { host: string; demo: boolean }): void {
  if (demo || isLoopback(host)) return;
  throw new EnvironmentError(
    "no-accounts",
    `Cannot listen on ${host}: others can reach it, and there is no account but the demo one`,
    { hint: "add one with `user add NAME`, or pass --demo to let everyone in as user1" },
  );
}

/**
 * Makes the demo account; resolves when that is done, also if it failed. Its key stretching takes
 * half a second once per database: the server listens first, and a login waits.
 */
export function prepareDemo(accounts: Accounts, logger: Logger): Promise<void> {
  return new Promise((resolve) =>
    setTimeout(() => {
      try {
        accounts.ensureDemo();
      } catch (error) {
        logger.error("no-demo-account", { reason: describeError(error) });
      }
      resolve();
    })
  );
}
