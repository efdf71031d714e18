/**
 * Where a server is: `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT`.
 *
 * @module
 */

import { CallerError } from "../errors.ts";

/** The port of a server that was given none. */
export const DEFAULT_PORT = 5555;
/** The address of a server that was given none. */
export const DEFAULT_HOST = "127.0.0.1";

/** A server's address. */
export interface Address {
  hostname: string;
  port: number;
}

/**
 * Reads an address as people write it.
 *
 * @throws {CallerError} `address-invalid`, `port-invalid`.
 */
export function parseAddress(text: string): Address {
  const match = /^(?:\[(?<ipv6>[0-9a-fA-F:.]+)\]|(?<host>[^\s:\[\]/]+))(?::(?<port>.*))?$/.exec(
    text,
  );
  const hostname = match?.groups?.["ipv6"] ?? match?.groups?.["host"];
  if (hostname === undefined) {
    throw new CallerError("address-invalid", `Not an address: ${text}`, {
      hint: "write HOST or HOST:PORT, an IPv6 address in brackets",
    });
  }
  const port = match?.groups?.["port"];
  return { hostname, port: port === undefined ? DEFAULT_PORT : parsePort(port, 1) };
}

/**
 * Reads a port number.
 *
 * @throws {CallerError} `port-invalid` unless it is a whole number from `least` to 65535.
 */
export function parsePort(text: string, least: 0 | 1): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port >= least && port <= 65535) return port;
  throw new CallerError("port-invalid", `Not a port: ${JSON.stringify(text)}`, {
    hint: `use a number from ${least} to 65535`,
  });
}

/** An address as people write it. */
export function formatAddress({ hostname, port }: Address): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
