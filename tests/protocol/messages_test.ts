/**
 * Messages: one form each. What decodes encodes to the same bytes; whatever else comes is
 * message-invalid, and no error's text repeats a value.
 *
 * @module
 */

import fc from "fast-check";
import assert from "node:assert/strict";
import { BugError, describeError } from "../../lib/errors.ts";
import {
  MAX_INVITED,
  MAX_KEY_PACKAGES,
  MAX_MESSAGE_BYTES,
  MAX_PART_CHARS,
  MAX_TEXT_BYTES,
  MAX_TOKEN_CHARS,
} from "../../lib/protocol/limits.ts";
import {
  type ClientMessage,
  decodeClientMessage,
  decodeServerMessage,
  encodeClientMessage,
  encodeServerMessage,
  isAccountName,
  isMessageId,
  isRoomName,
  type ServerMessage,
} from "../../lib/protocol/messages.ts";
import { FernetKey } from "../../lib/fernet.ts";
import { encodePayload } from "../../lib/rooms/payload.ts";
import { fault, utf8 } from "./pipe.ts";

const invalid = fault("message-invalid");
const CHAIN = "0123456789abcdef".repeat(4);
const KEY = `${"A".repeat(43)}=`;
const envelope = {
  room: "lobby",
  id: "0b5d9e2c:1.a_b-c",
  sent_at: "2026-01-01T00:00:00.000Z",
  key_id: "630dcd29",
  token: "gAAAAABpVbkA-_=",
};
const send = { type: "send", ...envelope } as const;
const delivery = {
  type: "message",
  seq: 7,
  sender: "user2",
  ...envelope,
  chain: CHAIN,
} as const;
const { token: _token, ...withoutToken } = send;

/** A message of each type from a client, in its one form. */
const clientForms: Record<ClientMessage["type"], string[]> = {
  login_start: ['{"type":"login_start","username":"Us er\\u0000é","ke1":"AZaz09-_"}'],
  login_finish: ['{"type":"login_finish","ke3":"AA"}'],
  register_start: ['{"type":"register_start","request":"AA"}'],
  register_finish: [
    '{"type":"register_finish","record":"AA"}',
    '{"type":"register_finish","record":"AA","wrap":"AZaz09-_"}',
  ],
  create_start: ['{"type":"create_start","name":"Us er\\u0000é","request":"AA"}'],
  create_finish: ['{"type":"create_finish","record":"AA"}'],
  leave: ['{"type":"leave","room":"lobby"}'],
  request: [
    '{"type":"request","ref":1,"request":{"do":"rooms"}}',
    '{"type":"request","ref":1,"request":{"do":"names","room":"lobby"}}',
    '{"type":"request","ref":1,"request":{"do":"whois","user":"é"}}',
    '{"type":"request","ref":1,"request":{"do":"away","text":""}}',
    '{"type":"request","ref":1,"request":{"do":"back"}}',
    '{"type":"request","ref":1,"request":{"do":"create_room","room":"physics","topic":"é"}}',
    '{"type":"request","ref":1,"request":{"do":"topic","room":"lobby","topic":""}}',
    '{"type":"request","ref":1,"request":{"do":"slow","room":"lobby","seconds":86400}}',
    '{"type":"request","ref":1,"request":{"do":"kick","room":"lobby","user":"b","reason":""}}',
    '{"type":"request","ref":1,"request":{"do":"ban","user":"b","reason":""}}',
    '{"type":"request","ref":2,"request":{"do":"ban","user":"b","seconds":1,"reason":"é"}}',
    '{"type":"request","ref":1,"request":{"do":"unban","user":"b"}}',
    '{"type":"request","ref":1,"request":{"do":"mute","user":"b","seconds":60,"reason":""}}',
    '{"type":"request","ref":9007199254740991,"request":{"do":"unmute","user":"b"}}',
    '{"type":"request","ref":1,"request":{"do":"blobs"}}',
    '{"type":"request","ref":1,"request":{"do":"get","name":"wrap"}}',
    '{"type":"request","ref":1,"request":{"do":"put","name":"account","version":0}}',
    '{"type":"request","ref":1,"request":{"do":"put","name":"device/16/a_b-c","version":7,' +
    '"lease":2}}',
    '{"type":"request","ref":1,"request":{"do":"lease"}}',
    '{"type":"request","ref":1,"request":{"do":"lease","device":1,"lease":3}}',
    '{"type":"request","ref":1,"request":{"do":"publish","device":1,"lease":3,"sizes":[2900,1]}}',
    '{"type":"request","ref":1,"request":{"do":"claim","users":["a","b"]}}',
    '{"type":"request","ref":1,"request":{"do":"look","user":"é"}}',
    '{"type":"request","ref":1,"request":{"do":"create_sealed","room":"physics",' +
    '"key_id":"630dcd29","device":1,"lease":1}}',
    '{"type":"request","ref":1,"request":{"do":"create_sealed","room":"dm-0011223344556677",' +
    '"peer":"b","key_id":"630dcd29","device":1,"lease":1}}',
    '{"type":"request","ref":1,"request":{"do":"direct","user":"b"}}',
    '{"type":"request","ref":1,"request":{"do":"commit","room":"physics","epoch":0,' +
    '"key_id":"630dcd29","id":"1","sent_at":"2026-01-01T00:00:00.000Z","token":"gAAAAABpVbkA-_=",' +
    '"adds":[],"removes":[],"promotes":["b"],"demotes":["c"],"welcomes":[],"device":1,"lease":1,' +
    '"sizes":[9,0,0]}}',
    '{"type":"request","ref":1,"request":{"do":"commit","room":"physics","epoch":0,' +
    '"key_id":"630dcd29","id":"1","sent_at":"2026-01-01T00:00:00.000Z","token":"gAAAAABpVbkA-_=",' +
    '"adds":["b"],"removes":[],"welcomes":[{"user":"b","device":2}],"device":1,"lease":1,' +
    '"sizes":[9,8,0]}}',
    '{"type":"request","ref":1,"request":{"do":"welcome","room":"physics","device":2}}',
    '{"type":"request","ref":1,"request":{"do":"resign","room":"physics"}}',
  ],
  join: ['{"type":"join","room":"lobby"}', '{"type":"join","room":"lobby","after":0}'],
  history: ['{"type":"history","room":"lobby","before":1,"limit":200}'],
  part: ['{"type":"part","data":"AZaz09-_"}'],
  ping: ['{"type":"ping"}'],
  send: [
    '{"type":"send","room":"lobby","id":"0b5d9e2c:1.a_b-c",' +
    '"sent_at":"2026-01-01T00:00:00.000Z","key_id":"630dcd29","token":"gAAAAABpVbkA-_="}',
  ],
};

/** The same from a server. */
const serverForms: Record<ServerMessage["type"], string[]> = {
  login_response: ['{"type":"login_response","ke2":"AA"}'],
  welcome: ['{"type":"welcome","user":"User.1_x-y"}'],
  register_response: ['{"type":"register_response","response":"AA"}'],
  registered: ['{"type":"registered"}'],
  joined: [
    '{"type":"joined","room":"lobby","kind":"open","topic":"","slow":0,' +
    `"keys":["${KEY}"],"last_seq":0,"head":"${CHAIN}"}`,
    '{"type":"joined","room":"a_b-c","kind":"open","topic":"é","slow":86400,' +
    `"keys":["${KEY}","${KEY}"],` +
    `"last_seq":9007199254740991,"head":"${CHAIN}"}`,
    '{"type":"joined","room":"physics","kind":"sealed","topic":"","slow":0,' +
    `"keys":[],"last_seq":7,"head":"${CHAIN}"}`,
    '{"type":"joined","room":"dm-0011223344556677","kind":"sealed","topic":"","slow":0,' +
    `"keys":[],"peer":"b","last_seq":7,"head":"${CHAIN}"}`,
  ],
  message: [
    '{"type":"message","seq":7,"sender":"user2","room":"lobby","id":"0b5d9e2c:1.a_b-c",' +
    '"sent_at":"2026-01-01T00:00:00.000Z","key_id":"630dcd29","token":"gAAAAABpVbkA-_=",' +
    `"chain":"${CHAIN}"}`,
  ],
  past: [
    '{"type":"past","seq":7,"sender":"user2","room":"lobby","id":"0b5d9e2c:1.a_b-c",' +
    '"sent_at":"2026-01-01T00:00:00.000Z","key_id":"630dcd29","token":"gAAAAABpVbkA-_=",' +
    `"chain":"${CHAIN}"}`,
  ],
  history_end: [`{"type":"history_end","room":"lobby","before":0,"previous":"${CHAIN}"}`],
  keys: [`{"type":"keys","room":"lobby","keys":["${KEY}","${KEY}"]}`],
  invited: ['{"type":"invited","role":"operator","room":"physics"}'],
  left: ['{"type":"left","room":"lobby","code":"kicked","message":"alice: é"}'],
  settings: [
    '{"type":"settings","room":"lobby","topic":"","slow":0}',
    '{"type":"settings","room":"lobby","topic":"é","slow":9,"by":"alice"}',
  ],
  presence: [
    '{"type":"presence","room":"lobby","changes":[{"user":"a","change":"joined"},' +
    '{"user":"b","change":"left"},{"user":"c","change":"away","text":"é"},' +
    '{"user":"d","change":"back"}],"more":3}',
  ],
  reply: [
    '{"type":"reply","ref":1,"result":{"is":"rooms","rooms":[{"room":"lobby","kind":"open",' +
    '"topic":"","members":2}],"more":0}}',
    '{"type":"reply","ref":1,"result":{"is":"rooms","rooms":[{"room":"dm-0011223344556677",' +
    '"kind":"sealed","topic":"","members":2,"peer":"b"}],"more":0}}',
    '{"type":"reply","ref":1,"result":{"is":"names","room":"lobby","names":[' +
    '{"user":"a","role":"member"},{"user":"b","role":"operator","away":""}],"more":1}}',
    '{"type":"reply","ref":1,"result":{"is":"whois","user":"a","role":"member","muted":true,' +
    '"sessions":[],"more":0,"rooms":[]}}',
    '{"type":"reply","ref":1,"result":{"is":"whois","user":"a","role":"member","away":"é",' +
    '"muted":false,"sessions":[{"since":"2026-01-01T00:00:00.000Z","address":"::1"}],"more":2,' +
    '"rooms":["lobby"]}}',
    '{"type":"reply","ref":1,"result":{"is":"done"}}',
    '{"type":"reply","ref":1,"result":{"is":"blobs","blobs":[' +
    '{"name":"device/1/physics","version":2,"size":1024}]}}',
    '{"type":"reply","ref":1,"result":{"is":"blob","version":0}}',
    '{"type":"reply","ref":1,"result":{"is":"lease","device":16,"lease":3}}',
    '{"type":"reply","ref":1,"result":{"is":"packages","packages":[' +
    '{"user":"b","device":1,"size":2900}]}}',
    '{"type":"reply","ref":1,"result":{"is":"direct"}}',
    '{"type":"reply","ref":1,"result":{"is":"direct","room":"dm-0011223344556677"}}',
    `{"type":"reply","ref":1,"result":{"is":"welcome","seq":7,"head":"${CHAIN}"}}`,
  ],
  part: ['{"type":"part","ref":1,"data":"AZaz09-_"}'],
  commit_part: ['{"type":"commit_part","room":"physics","data":"AA"}'],
  added: [
    '{"type":"added","room":"physics","by":"alice"}',
    '{"type":"added","room":"dm-0011223344556677","by":"alice","peer":"alice"}',
  ],
  pong: ['{"type":"pong"}'],
  ack: [`{"type":"ack","room":"lobby","id":"1","seq":0,"chain":"${CHAIN}"}`],
  error: [
    '{"type":"error","code":"room-unknown","message":""}',
    '{"type":"error","code":"x","message":"é\\n","id":"1"}',
    '{"type":"error","code":"x","message":"","room":"lobby","id":"1","ref":1}',
  ],
  bye: ['{"type":"bye","code":"server-stopping","message":"The server is stopping"}'],
};

for (const [type, forms] of Object.entries(clientForms)) {
  Deno.test(`a client's message ${type} has one form, which decodes and encodes`, () => {
    for (const form of forms) {
      const message = decodeClientMessage(utf8(form));
      assert.equal(message.type, type);
      assert.equal(decodeText(encodeClientMessage(message)), form);
    }
  });
}

for (const [type, forms] of Object.entries(serverForms)) {
  Deno.test(`a server's message ${type} has one form, which decodes and encodes`, () => {
    for (const form of forms) {
      const message = decodeServerMessage(utf8(form));
      assert.equal(message.type, type);
      assert.equal(decodeText(encodeServerMessage(message)), form);
    }
  });
}

Deno.test("neither side takes the other side's messages", () => {
  for (const form of Object.values(serverForms).flat()) {
    assert.throws(() => decodeClientMessage(utf8(form)), invalid);
  }
  for (const form of Object.values(clientForms).flat()) {
    assert.throws(() => decodeServerMessage(utf8(form)), invalid);
  }
});

Deno.test("encoding puts the keys into their order, whatever order the caller used", () => {
  const reversed = Object.fromEntries(Object.entries(send).reverse()) as ClientMessage;
  assert.equal(decodeText(encodeClientMessage(reversed)), clientForms.send[0]);
});

Deno.test("encoding what has no form is our own bug", () => {
  const bad = [{ ...send, room: "" }, { ...send, extra: 1 }, { type: "hello" }, withoutToken, null];
  for (const message of bad) {
    assert.throws(() => encodeClientMessage(message as ClientMessage), BugError);
  }
});

const join = clientForms.join[0]!;
const ack = serverForms.ack[0]!;

/** Other spellings of a message that any JSON parser reads as the same, or nearly. */
const otherForms: [string, string[]][] = [
  ["keys in another order", ['{"room":"lobby","type":"join"}']],
  ["white space", [` ${join}`, `${join} `, `${join}\n`, join.replace(",", ", "), `\t${join}`]],
  ["a key twice", [
    '{"type":"join","room":"lobby","room":"lobby"}',
    '{"type":"join","room":"other","room":"lobby"}',
    '{"type":"join","type":"join","room":"lobby"}',
    '{"type":"send","type":"join","room":"lobby"}',
  ]],
  ["escapes that are not needed", [
    join.replace("lobby", "l\\u006fbby"),
    join.replace("room", "r\\u006fom"),
    join.replace("join", "j\\u006Fin"),
    '{"type":"login_start","username":"\\u0041","ke1":"AA"}',
    '{"type":"login_start","username":"\\/","ke1":"AA"}',
    '{"type":"login_start","username":"\\u000a","ke1":"AA"}',
    '{"type":"login_start","username":"\\u001F","ke1":"AA"}',
  ]],
  ["another field", [
    '{"type":"join","room":"lobby","x":1}',
    '{"x":1,"type":"join","room":"lobby"}',
    '{"type":"join","room":"lobby","x":null}',
    '{"type":"join","room":"lobby","__proto__":{}}',
    '{"type":"join","room":"lobby","toString":1}',
    '{"type":"join","room":"lobby","constructor":1}',
    '{"type":"join","room":"lobby","":1}',
  ]],
  ["a field missing", ['{"type":"join"}', '{"room":"lobby"}', "{}"]],
  ["another type of value", [
    '{"type":"join","room":["lobby"]}',
    '{"type":"join","room":1}',
    '{"type":"join","room":null}',
    '{"type":["join"],"room":"lobby"}',
    '{"type":"__proto__","room":"lobby"}',
    '{"type":"Join","room":"lobby"}',
  ]],
  ["not an object", ["[]", "null", "1", '"join"', "true", `[${join}]`, ""]],
  ["not JSON", ["{", `${join}}`, `${join}${join}`, join.replaceAll('"', "'"), "NaN", "\0"]],
  ["a byte order mark", [`\ufeff${join}`]],
];
for (const [name, forms] of otherForms) {
  Deno.test(`a message with ${name} is refused`, () => {
    for (const form of forms) assert.throws(() => decodeClientMessage(utf8(form)), invalid, form);
  });
}

Deno.test("a number in any other form is refused, as is one that is no sequence", () => {
  assert.equal(decodeServerMessage(utf8(ack)).type, "ack");
  const spellings = ["-0", "0.0", "0e0", "0E0", "00", "+0", "1e0", "1.0", "10e-1", '"0"'];
  const values = ["-1", "0.5", "9007199254740992", "1e400", "null", "[0]", "true"];
  for (const number of [...spellings, ...values]) {
    const form = ack.replace('"seq":0', `"seq":${number}`);
    assert.throws(() => decodeServerMessage(utf8(form)), invalid, number);
  }
});

Deno.test("bytes that are not UTF-8 are refused: stray, overlong, surrogate, too high, cut", () => {
  const [before, after] = ['{"type":"login_start","username":"', '","ke1":"AA"}'].map(utf8);
  const wrap = (...bytes: number[]): Uint8Array => Uint8Array.of(...before!, ...bytes, ...after!);
  assert.equal(decodeClientMessage(wrap(0xc3, 0xa9)).type, "login_start");
  for (
    const bytes of [
      [0xff],
      [0x80],
      [0xc1, 0x81],
      [0xe0, 0x81, 0x81],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xc3],
      [0xf0, 0x9f, 0x98],
    ]
  ) assert.throws(() => decodeClientMessage(wrap(...bytes)), invalid);
});

Deno.test("whatever decodes encodes to the same bytes, over a thousand altered messages", () => {
  const forms = Object.values(clientForms).flat();
  const insert = fc.string({ unit: fc.constantFrom(...' a0A\\u",:{}[]é\n'), maxLength: 2 });
  const edit = fc.tuple(fc.constantFrom(...forms), fc.nat(200), fc.nat(2), insert);
  let decoded = 0;
  const check = ([form, at, remove, insert]: [string, number, number, string]): void => {
    const start = at % (form.length + 1);
    const altered = utf8(form.slice(0, start) + insert + form.slice(start + remove));
    const message = tryDecode(altered);
    if (message === undefined) return;
    decoded += 1;
    assert.equal(decodeText(encodeClientMessage(message)), decodeText(altered));
  };
  fc.assert(fc.property(edit, check), { numRuns: 2000, seed: 1 });
  assert.ok(decoded > 100, `only ${decoded} decoded`);
});

/** Whether a client's message with these fields decodes; anything but message-invalid fails. */
function takes(type: keyof typeof clientForms, fields: Record<string, unknown>): boolean {
  const form = JSON.parse(clientForms[type][0]!);
  return tryDecode(utf8(JSON.stringify({ ...form, ...fields }))) !== undefined;
}

/** The field takes texts of the least and the greatest size, and refuses one less and one more. */
function assertSizes(
  type: keyof typeof clientForms,
  field: string,
  make: (size: number) => string,
  [least, greatest]: [number, number],
): void {
  const sizes = [least - 1, least, least + 1, greatest - 1, greatest, greatest + 1];
  const taken = sizes.map((size) => takes(type, { [field]: make(size) }));
  assert.deepEqual(taken, [false, true, true, true, true, false], field);
}

const repeated = (size: number): string => "a".repeat(size);

Deno.test("each text takes its least and greatest size, and not one less or one more", () => {
  const tokenOf = (size: number): string => `gAAAA${"A".repeat(size - 5)}`;
  assertSizes("send", "token", tokenOf, [6, MAX_TOKEN_CHARS]);
  assertSizes("send", "id", repeated, [1, 64]);
  assertSizes("send", "room", repeated, [1, 32]);
  assertSizes("login_start", "username", repeated, [1, 128]);
  assertSizes("login_start", "ke1", repeated, [1, 1024]);
  assertSizes("login_finish", "ke3", repeated, [1, 1024]);
  assertSizes("register_start", "request", repeated, [1, 1024]);
  assertSizes("register_finish", "record", repeated, [1, 1024]);
  assertSizes("part", "data", repeated, [1, MAX_PART_CHARS]);
});

Deno.test("a user name is counted in UTF-16 units: 64 characters outside the BMP are 128", () => {
  assert.ok(takes("login_start", { username: "😀".repeat(64) }));
  assert.ok(!takes("login_start", { username: "😀".repeat(65) }));
});

Deno.test("the names of accounts, rooms and messages obey their own rules", () => {
  const longest = "a".repeat(32);
  for (const name of ["a", "0", "User.1_x-y", longest]) assert.ok(isAccountName(name), name);
  for (const name of ["", ".a", "-a", "_a", "a b", "é", "a\n", `${longest}a`]) {
    assert.ok(!isAccountName(name), name);
  }
  for (const name of ["a", "0", "a_b-c", longest]) assert.ok(isRoomName(name), name);
  for (const name of ["", "_a", "-a", "A", "a.b", "a\n", "é", `${longest}a`]) {
    assert.ok(!isRoomName(name), name);
  }
  for (const id of ["a", "-", "A.b_c:d-9", "a".repeat(64)]) assert.ok(isMessageId(id), id);
  for (const id of ["", "a b", "é", "a/b", "a\n", "a".repeat(65)]) assert.ok(!isMessageId(id), id);
});

Deno.test("a time has to exist, in UTC with milliseconds", () => {
  for (const time of ["2024-02-29T23:59:59.999Z", "0000-01-01T00:00:00.000Z"]) {
    assert.ok(takes("send", { sent_at: time }), time);
  }
  const bad = [
    "2026-02-29T00:00:00.000Z",
    "2026-01-01T24:00:00.000Z",
    "2026-01-01T00:00:60.000Z",
    "2026-13-01T00:00:00.000Z",
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.0000Z",
    "2026-01-01T00:00:00.000+00:00",
    "2026-01-01 00:00:00.000Z",
    "2026-01-01t00:00:00.000z",
    "+002026-01-01T00:00:00.000Z",
    "2026-01-01T00:00:00.000Z\n",
    "",
  ];
  for (const time of bad) assert.ok(!takes("send", { sent_at: time }), time);
});

Deno.test("ids of keys, OPAQUE's messages and tokens take their own alphabet alone", () => {
  for (const id of ["630dcd2", "630dcd29a", "630DCD29", "630dcd2g"]) {
    assert.ok(!takes("send", { key_id: id }), id);
  }
  for (const ke3 of ["A=", "A+", "A/", "A B", "é", "A\n"]) {
    assert.ok(!takes("login_finish", { ke3 }), ke3);
  }
  for (const token of ["gAAAA", "gAAAB0", "AAAAA0", "gAAAA+", "gAAAA ", "gAAAA0\n", " gAAAA0"]) {
    assert.ok(!takes("send", { token }), token);
  }
});

Deno.test("a joined message takes up to 1024 keys, a bye or error up to 500 characters", () => {
  const joined = JSON.parse(serverForms.joined[0]!);
  const counts = [0, 1, 2, 1023, 1024, 1025].filter((count) =>
    serverTakes({ ...joined, keys: Array(count).fill(KEY) })
  );
  assert.deepEqual(counts, [0, 1, 2, 1023, 1024]); // none: a sealed room
  for (const type of ["bye", "error"]) {
    const sizes = [0, 499, 500, 501].filter((size) =>
      serverTakes({ type, code: "x", message: repeated(size) })
    );
    assert.deepEqual(sizes, [0, 499, 500]);
  }
});

/** Whether a request decodes that is one of the forms above but for these fields. */
function asks(wanted: string, fields: Record<string, unknown>): boolean {
  const all = clientForms.request.map((form) => JSON.parse(form).request);
  const request = { ...all.find((one) => one.do === wanted), ...fields };
  return takes("request", { request });
}

Deno.test("a blob is the key, the account, a device or a device's room, and nothing else", () => {
  const names = ["wrap", "account", "device/1", "device/16", "device/1/lobby", "device/9/a_b-c"];
  for (const name of names) assert.ok(asks("get", { name }), name);
  const others = ["", "Wrap", "device", "device/", "device/0", "device/01", "device/100"];
  const paths = ["device/1/", "device/1/A", "device/1/a/b", "../wrap", "device/1\n", "wrap/1"];
  for (const name of [...others, ...paths]) assert.ok(!asks("get", { name }), name);
});

Deno.test("devices, key packages, and those who are invited at once have their numbers", () => {
  const devices = [0, 1, 16, 17].filter((device) => asks("welcome", { device }));
  assert.deepEqual(devices, [1, 16]);
  const sizes = [0, 1, MAX_KEY_PACKAGES, MAX_KEY_PACKAGES + 1];
  assert.deepEqual(
    sizes.filter((count) => asks("publish", { sizes: Array(count).fill(1) })),
    [1, MAX_KEY_PACKAGES],
  );
  const people = [0, 1, MAX_INVITED, MAX_INVITED + 1];
  const claimed = people.filter((count) => asks("claim", { users: Array(count).fill("a") }));
  assert.deepEqual(claimed, [1, MAX_INVITED]);
  for (const field of ["adds", "removes", "promotes", "demotes"]) {
    const taken = people.filter((count) => asks("commit", { [field]: Array(count).fill("a") }));
    assert.deepEqual(taken, [0, 1, MAX_INVITED]);
  }
  const pieces = [2, 3, 4].filter((count) => asks("commit", { sizes: Array(count).fill(0) }));
  assert.deepEqual(pieces, [3]);
});

Deno.test("the longest text that is allowed fits: its token, its message and its delivery", () => {
  const [room, sender, id] = [repeated(32), repeated(32), repeated(64)];
  const { sent_at } = envelope;
  const payload = encodePayload({ room, sender, id, sent_at }, "\0".repeat(MAX_TEXT_BYTES));
  const token = FernetKey.generate().encrypt(payload);
  assert.ok(token.length <= MAX_TOKEN_CHARS);
  const longest = { ...delivery, room, sender, id, seq: Number.MAX_SAFE_INTEGER };
  const encoded = encodeServerMessage({ ...longest, token: token.padEnd(MAX_TOKEN_CHARS, "=") });
  assert.ok(encoded.length <= MAX_MESSAGE_BYTES);
});

Deno.test("no error's text repeats a value that was refused", () => {
  const secret = "Hunter2 is secret";
  let refused = 0;
  for (const form of Object.values(clientForms).flat()) {
    for (const field of Object.keys(JSON.parse(form))) {
      if (["username", "name"].includes(field)) continue; // they take any text
      for (const value of [secret, [secret], { [secret]: secret }, secret.repeat(99_999)]) {
        const bytes = utf8(JSON.stringify({ ...JSON.parse(form), [field]: value }));
        assert.ok(!textOfRefusal(bytes).includes("Hunter2"), field);
        refused += 1;
      }
    }
  }
  for (const text of [secret, `"${secret}"`, `{"type":"join","room":"${secret}`, ` ${secret}`]) {
    assert.ok(!textOfRefusal(utf8(text)).includes("Hunter2"), text);
  }
  assert.ok(refused > 50);
  for (const form of Object.values(clientForms).flat()) {
    const bytes = utf8(JSON.stringify({ ...JSON.parse(form), [secret.repeat(99)]: 1 }));
    assert.ok(!textOfRefusal(bytes).includes("Hunter2"), "nor the name of an unknown field");
  }
});

/** What people are told of a refusal. */
function textOfRefusal(bytes: Uint8Array): string {
  try {
    decodeClientMessage(bytes);
  } catch (error) {
    invalid(error);
    return describeError(error);
  }
  throw new Error("it was not refused");
}

function serverTakes(message: unknown): boolean {
  return tryDecode(utf8(JSON.stringify(message)), decodeServerMessage) !== undefined;
}

/** The message in the bytes, or undefined if they are refused in the one way that is right. */
function tryDecode(bytes: Uint8Array): ClientMessage | undefined;
function tryDecode<T>(bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T | undefined;
function tryDecode(
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => unknown = decodeClientMessage,
): unknown {
  try {
    return decode(bytes);
  } catch (error) {
    invalid(error);
    return undefined;
  }
}

function decodeText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
