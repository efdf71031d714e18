/**
 * Which addresses count as one peer, for every limit that is per address.
 *
 * @module
 */

/** The 16-bit groups of an IPv6 address (RFC 4291 section 2.2). */
const GROUPS = 8;
/** Those of its subnet prefix, which whoever has one address has whole (RFC 4291 section 2.5.1). */
const PREFIX_GROUPS = 4;

/**
 * The peer that an IP address stands for. An IPv4 address stands for itself, an IPv6 address for its
 * /64, since a host picks the other 64 bits as it likes. An IPv4-mapped IPv6 address
 * (RFC 4291 section 2.5.5.2: `::ffff:192.0.2.1`) is the IPv4 one. What is no IP address stands for
 * itself; in particular, a group is its own group.
 *
 * Who was given a larger block, such as a /48, has many groups: limits in total must hold too.
 *
 * @example
 * ```ts
 * addressGroup("2001:db8::17"); // "2001:db8:0:0::/64"
 * ```
 */
export function addressGroup(ip: string): string {
  const address = ip.replace(/%.*$/, ""); // the zone of a link-local address (RFC 4007 section 11)
  if (!address.includes(":")) return address;
  const shortest = URL.parse(`http://[${address}]`)?.hostname.slice(1, -1);
  if (shortest === undefined) return ip;
  const mapped = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(shortest);
  if (mapped !== null) return dotted(Number(`0x${mapped[1]}`), Number(`0x${mapped[2]}`));
  return `${expand(shortest).slice(0, PREFIX_GROUPS).join(":")}::/64`;
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
}

/** All groups of an address that may have one `::` for its zeros. */
function expand(shortest: string): string[] {
  const [before, after] = shortest.split("::").map((half) => half === "" ? [] : half.split(":"));
  const [left, right] = [before ?? [], after ?? []];
  return [...left, ...Array(GROUPS - left.length - right.length).fill("0"), ...right];
}
