/**
 * The links of invites: what is read is what was written, and a broken one is told without it.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  formatInviteLink,
  meansInviteLink,
  parseInviteLink,
} from "../../lib/client/invite_link.ts";
import { CallerError, describeError } from "../../lib/errors.ts";
import { assertThrows } from "../attacks/server.ts";

const CODE = "abcdefghijklmnopqrstuvw234";

for (
  const [link, hostname, port] of [
    [`fernchat://chat.example.org:7000/${CODE}`, "chat.example.org", 7000],
    [`fernchat://chat.example.org/${CODE}`, "chat.example.org", 5555],
    [`fernchat://[2001:db8::1]:7000/${CODE}`, "2001:db8::1", 7000],
    [`fernchat://[::1]/${CODE}`, "::1", 5555],
    [` \t\r\nFERNCHAT://LOCALHOST/${CODE.toUpperCase()}\n`, "localhost", 5555],
  ] as const
) {
  Deno.test(`parseInviteLink() reads ${JSON.stringify(link)}`, () => {
    assert.ok(meansInviteLink(link));
    const parsed = parseInviteLink(link);
    assert.deepEqual(parsed, { address: { hostname, port }, code: CODE });
    assert.deepEqual(parseInviteLink(formatInviteLink(parsed)), parsed);
  });
}

for (
  const link of [
    "",
    "fernchat:",
    `fernchat:/host/${CODE}`,
    `fernchat://${CODE}`,
    `fernchat:///${CODE}`,
    `fernchat://host/${CODE}/`,
    `fernchat://host/${CODE.slice(1)}`,
    `fernchat://host/${CODE}a`,
    `fernchat://host/${CODE.slice(1)}1`,
    `fernchat://host/${CODE}?`,
    `fernchat://host:${CODE}/${CODE}`,
    `fernchat://host:0/${CODE}`,
    `fernchat://::1/${CODE}`,
    `https://host/${CODE}`,
    `host/${CODE}`,
  ]
) {
  Deno.test(`parseInviteLink() refuses ${JSON.stringify(link)}, and does not repeat it`, () => {
    const error = assertThrows(() => parseInviteLink(link), CallerError, "link-invalid");
    assert.ok(!describeError(error).includes(CODE.slice(1, 9)));
    assert.match(error.hint ?? "", /fernchat:\/\/HOST/);
  });
}

Deno.test("meansInviteLink() tells links from addresses", () => {
  for (const address of ["localhost", "chat.example.org:7000", "[::1]:5555", "fernchat"]) {
    assert.ok(!meansInviteLink(address), address);
  }
});
