/**
 * Addresses as people write them.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { formatAddress, parseAddress, parsePort } from "../../lib/client/address.ts";
import { CallerError, ExitCode } from "../../lib/errors.ts";
import { assertThrows } from "../attacks/server.ts";

for (
  const [text, hostname, port] of [
    ["localhost", "localhost", 5555],
    ["127.0.0.1:1", "127.0.0.1", 1],
    ["chat.example.org:65535", "chat.example.org", 65535],
    ["a-b.c_d:0080", "a-b.c_d", 80],
    ["[::1]", "::1", 5555],
    ["[::1]:80", "::1", 80],
    ["[2001:db8::7]:443", "2001:db8::7", 443],
    ["[::ffff:127.0.0.1]:443", "::ffff:127.0.0.1", 443],
    ["münchen.example:80", "münchen.example", 80],
  ] as const
) {
  Deno.test(`parseAddress() reads ${text}`, () => {
    assert.deepEqual(parseAddress(text), { hostname, port });
  });
}

for (
  const text of [
    "",
    " ",
    ":80",
    "a b",
    "::1",
    "::1:80",
    "[]:80",
    "[::1",
    "::1]",
    "[::1]80",
    "[localhost]:80",
    "a/b",
    "http://a",
    "a:80:90",
    " localhost",
    "localhost\n",
  ]
) {
  Deno.test(`parseAddress() refuses ${JSON.stringify(text)}`, () => {
    const error = assertThrows(
      () => parseAddress(text),
      CallerError,
      text === "a:80:90" || text === "http://a" ? "port-invalid" : "address-invalid",
    );
    assert.equal(error.exitCode, ExitCode.usage);
    assert.ok(error.hint);
  });
}

for (
  const port of ["0", "65536", "99999", "100000", "-1", "+1", "1.0", "1e3", "0x50", " 1", "", "٣"]
) {
  Deno.test(`parseAddress() refuses the port ${JSON.stringify(port)}`, () => {
    assertThrows(() => parseAddress(`localhost:${port}`), CallerError, "port-invalid");
  });
}

Deno.test("parsePort() allows 0 where a server may choose", () => {
  assert.equal(parsePort("0", 0), 0);
  const error = assertThrows(() => parsePort("0", 1), CallerError, "port-invalid");
  assert.match(error.hint ?? "", /from 1 to 65535/);
});

Deno.test("parseAddress() reads what formatAddress() writes", () => {
  const hostname = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
  fc.assert(fc.property(hostname, fc.integer({ min: 1, max: 65535 }), (hostname, port) => {
    assert.deepEqual(parseAddress(formatAddress({ hostname, port })), { hostname, port });
  }));
});
