/**
 * Address groups: one for an IPv4 address and for a /64, in whatever form it is written.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { addressGroup } from "../../lib/server/address_group.ts";

const GROUPS: Record<string, string> = {
  "127.0.0.1": "127.0.0.1",
  "192.0.2.255": "192.0.2.255",
  "::ffff:192.0.2.1": "192.0.2.1",
  "::FFFF:c000:0201": "192.0.2.1",
  "0:0:0:0:0:ffff:127.0.0.1": "127.0.0.1",
  "::1": "0:0:0:0::/64",
  "::": "0:0:0:0::/64",
  "2001:db8::17": "2001:db8:0:0::/64",
  "2001:0DB8:0000:0000:0001:0002:0003:0004": "2001:db8:0:0::/64",
  "2001:db8:0:1::": "2001:db8:0:1::/64",
  "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
  "2001::7": "2001:0:0:0::/64",
  "::7:8:9:a:b:c": "0:0:7:8::/64",
  "::7:8:9:a:b:c:d": "0:7:8:9::/64",
  "64:ff9b::192.0.2.1": "64:ff9b:0:0::/64",
  "fe80::1%eth0": "fe80:0:0:0::/64",
  "2001:db8:0:1::/64": "2001:db8:0:1::/64",
  "not:an:address": "not:an:address",
  "": "",
};

for (const [address, group] of Object.entries(GROUPS)) {
  Deno.test(`addressGroup() of "${address}" is "${group}"`, () => {
    assert.equal(addressGroup(address), group);
  });
}

Deno.test("addressGroup() keeps addresses together if and only if their first 64 bits are equal", () => {
  // Few values, so that equal prefixes and runs of zeros come often; the sixth group is never ffff.
  const group = fc.constantFrom("0", "1", "00ab", "AB", "ff00");
  const address = fc.array(group, { minLength: 8, maxLength: 8 });
  const prefix = (groups: string[]): string =>
    groups.slice(0, 4).map((one) => Number(`0x${one}`)).join();
  fc.assert(fc.property(address, address, fc.boolean(), (one, other, same) => {
    if (same) other.splice(0, 4, ...one.slice(0, 4));
    assert.equal(
      addressGroup(one.join(":")) === addressGroup(other.join(":")),
      prefix(one) === prefix(other),
    );
  }));
});

Deno.test("addressGroup() knows an IPv4 address again when it is mapped", () => {
  fc.assert(fc.property(fc.ipV4(), (ip) => {
    assert.equal(addressGroup(ip), ip);
    assert.equal(addressGroup(`::ffff:${ip}`), ip);
  }));
});

Deno.test("addressGroup() takes any text, and a group is its own group", () => {
  fc.assert(fc.property(fc.oneof(fc.ipV6(), fc.string()), (text) => {
    const group = addressGroup(text);
    assert.equal(addressGroup(group), group);
  }));
});
