/**
 * From an address to a secure channel: TCP and the handshake. Nobody is logged in yet.
 *
 * @module
 */

import { ConnectError, describeError, PeerError } from "../errors.ts";
import { MAX_MESSAGE_BYTES } from "../protocol/limits.ts";
import { SecureChannel } from "../protocol/channel.ts";
import { clientHandshake } from "../protocol/handshake.ts";
import { type Address, formatAddress } from "./address.ts";
import { MAX_UNACKED } from "./outbox.ts";

/** Milliseconds to reach a server, and again for its answer. */
const DIAL_DEADLINE_MS = 10_000;

/**
 * Opens a channel to a server.
 *
 * @throws {ConnectError} if there is no server, or it is not one of ours.
 */
export async function dial(address: Address): Promise<SecureChannel> {
  const connection = await connectTcp(address);
  connection.setNoDelay(true);
  const deadline = setTimeout(() => connection.close(), DIAL_DEADLINE_MS);
  try {
    const handshake = await clientHandshake(connection);
    const maxQueuedBytes = MAX_UNACKED * MAX_MESSAGE_BYTES;
    return new SecureChannel("client", connection, handshake, { maxQueuedBytes });
  } catch (cause) {
    closeQuietly(connection);
    throw handshakeError(address, cause);
  } finally {
    clearTimeout(deadline);
  }
}

async function connectTcp(address: Address): Promise<Deno.TcpConn> {
  const late = Promise.withResolvers<never>();
  const deadline = setTimeout(() => late.reject(new Error("no answer")), DIAL_DEADLINE_MS);
  const connecting = Deno.connect(address);
  try {
    return await Promise.race([connecting, late.promise]);
  } catch (cause) {
    connecting.then(closeQuietly, () => {});
    const reason = cause instanceof Deno.errors.ConnectionRefused
      ? "nothing listens there"
      : describeError(cause);
    throw new ConnectError(
      "cannot-connect",
      `Cannot connect to ${formatAddress(address)}: ${reason}`,
      { cause, hint: "check the address, and that the server runs" },
    );
  } finally {
    clearTimeout(deadline);
  }
}

function handshakeError(address: Address, cause: unknown): ConnectError {
  const where = formatAddress(address);
  if (cause instanceof PeerError && cause.code === "version-mismatch") {
    const hint = cause.hint ?? "update the older one";
    return new ConnectError(cause.code, `Cannot talk to ${where}: ${cause.message}`, {
      cause,
      hint,
    });
  }
  const said = cause instanceof PeerError && cause.code === "not-fernchat"
    ? "it is not a Fernchat server"
    : "it closed or did not answer the handshake";
  return new ConnectError("not-fernchat", `Cannot talk to ${where}: ${said}`, {
    cause,
    hint: "check the address and the port",
  });
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It was closed already, which is what is wanted.
  }
}
