/**
 * The listening socket: connections one after another, whatever goes wrong with one of them.
 *
 * @module
 */

import { EnvironmentError } from "../errors.ts";

/** Milliseconds to wait when no connection can be accepted: until files are free again. */
const RETRY_MS = 100;

/**
 * Listens on an address.
 *
 * @throws {EnvironmentError} `cannot-listen`.
 */
export function listen(host: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname: host, port });
  } catch (cause) {
    const [reason, hint] = cause instanceof Deno.errors.AddrInUse
      ? ["the port is taken", "end the other program, or pick another port with --port (0: any)"]
      : cause instanceof Deno.errors.PermissionDenied
      ? ["the system does not allow it", "use a port above 1023"]
      : [cause instanceof Error ? cause.message : String(cause), "check --host and --port"];
    const message = `Cannot listen on ${host}:${port}: ${reason}`;
    throw new EnvironmentError("cannot-listen", message, { cause, hint });
  }
}

/** The connections of a listener, until it is closed. `onError` is told when none can be accepted. */
export async function* connections(
  listener: Deno.TcpListener,
  onError: (error: unknown) => void,
): AsyncGenerator<Deno.TcpConn, void> {
  for (;;) {
    let connection: Deno.TcpConn;
    try {
      connection = await listener.accept();
    } catch (error) {
      if (isClosed(error)) return;
      if (isGone(error)) continue;
      onError(error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      continue;
    }
    setNoDelay(connection);
    yield connection;
  }
}

/** The listener was closed. */
function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted;
}

/** A peer that was gone before it was accepted: that costs nobody else anything. */
function isGone(error: unknown): boolean {
  const { NotConnected, ConnectionAborted, ConnectionReset } = Deno.errors;
  return [NotConnected, ConnectionAborted, ConnectionReset].some((kind) => error instanceof kind);
}

function setNoDelay(connection: Deno.TcpConn): void {
  try {
    connection.setNoDelay(true);
  } catch {
    // It is gone already: its session finds out at the first read.
  }
}
