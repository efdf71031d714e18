/** What is worth another attempt, and what is the end. */

import assert from "node:assert/strict";
import { goodbyeError, mayPass } from "../../lib/client/endings.ts";
import {
  BugError,
  CallerError,
  ConnectError,
  EnvironmentError,
  LoginError,
  PeerError,
  type PeerFault,
} from "../../lib/errors.ts";

const FAULTS: { [fault in PeerFault]: boolean } = {
  "connection-cut": true,
  "deadline-missed": true,
  "frame-too-large": true, // lengths travel in the clear: anyone on the way can flip their bits
  "frame-truncated": true,
  "key-outdated": false,
  "message-invalid": false,
  "message-unexpected": false,
  "mls-invalid": false,
  "mls-refused": false,
  "not-fernchat": false, // while dialling it is a ConnectError, and is tried again
  "record-invalid": true,
  "room-inconsistent": false,
  "token-invalid": false,
  "too-slow": true,
  "vault-invalid": false,
  "vault-rolled-back": false,
  "version-mismatch": false,
};

Deno.test("faults of a peer: what the network can cause may pass, what only the server can may not", () => {
  for (const [fault, passes] of Object.entries(FAULTS)) {
    assert.equal(mayPass(new PeerError(fault as PeerFault, "said")), passes, fault);
  }
});

Deno.test("the server's last word: its own state may pass, its verdict on the client may not", () => {
  for (
    const [code, passes] of [
      ["server-stopping", true],
      ["server-failed", true],
      ["too-slow", true],
      ["deadline-missed", true],
      ["message-invalid", false],
      ["message-unexpected", false],
      ["frame-too-large", false],
      ["frame-truncated", false],
      ["record-invalid", false],
      ["a-code-of-later", false],
    ] as const
  ) {
    assert.equal(mayPass(goodbyeError({ type: "bye", code, message: "said" })), passes, code);
  }
});

Deno.test("no server may pass; another version, a refused or relayed login, and our bugs may not", () => {
  for (const code of ["cannot-connect", "not-fernchat", "connection-cut", "connection-closed"]) {
    assert.ok(mayPass(new ConnectError(code, "said")), code);
  }
  assert.ok(mayPass(new LoginError("login-throttled", "said")));
  for (
    const error of [
      new ConnectError("version-mismatch", "said"),
      new LoginError("login-refused", "said"),
      new LoginError("login-relayed", "said"),
      new EnvironmentError("room-unknown", "said"),
      new CallerError("connection-cut", "said"),
      new BugError("said"),
      new TypeError("said"),
      "said",
    ]
  ) {
    assert.ok(!mayPass(error), String(error));
  }
});
