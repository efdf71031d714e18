/**
 * A server that reads all that it stores, or a thief of its files: of sealed rooms it has no text and
 * no key, and with all of the server's own secrets it opens nothing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { FernetKey } from "../../lib/fernet.ts";
import { type ClientState, decodeState } from "../../lib/mls/state.ts";
import { decodeAccountRecord } from "../../lib/vault/account_record.ts";
import { openBlob } from "../../lib/vault/blob.ts";
import { decodeDeviceRecord } from "../../lib/vault/device_record.ts";
import { decodeRoomRecord } from "../../lib/vault/room_record.ts";
import { unwrapVaultRing } from "../../lib/vault/vault_key.ts";
import { type Blob, blobOf, OpenVault } from "./sealed_insider.ts";
import { exportKeyOf, Liar } from "./sealed_liar.ts";
import { meet, ROOM } from "./sealed_tricks.ts";

const TEXTS = ["the safe is behind the painting", "and its number is 4711-0815"];

/** Two people who have talked in two epochs, and alone; all of it is saved. */
async function converse(liar: Liar): Promise<void> {
  const [alice, bob] = await meet(liar, "alice", "bob");
  await alice.chat.send(TEXTS[0]!, { room: ROOM });
  await bob.reads(TEXTS[0]!);
  await bob.chat.sealed.rekey(ROOM);
  await alice.hears("members", ({ by }) => by === "bob");
  await alice.chat.send(TEXTS[1]!, { room: await alice.chat.sealed.direct("bob") });
  await bob.reads(TEXTS[1]!);
  await Promise.all([alice, bob].map(({ chat }) => chat.close()));
}

/** Every secret of an account's, as its vault has them. */
function secretsOf(liar: Liar, user: string): Uint8Array[] {
  const vault = new OpenVault(liar, user);
  const { keys, packages } = decodeDeviceRecord(vault.read("device/1"));
  const { archive, state } = decodeRoomRecord(vault.read(`device/1/${ROOM}`));
  return [
    vault.key,
    exportKeyOf(user),
    decodeAccountRecord(vault.read("account")).seed,
    keys.signatureSeed,
    ...packages.map((one) => one.private.subarray(4, 36)), // the first of two framed keys
    ...archive.epochs.map(({ key }) => Buffer.from(String(key), "base64url")),
    ...groupSecrets(decodeState(state)),
  ];
}

function groupSecrets({ keySchedule, privatePath }: ClientState): Uint8Array[] {
  return [...Object.values(keySchedule), ...Object.values(privatePath.privateKeys)];
}

/** All bytes of the server's files. */
function stolen({ server: { folder } }: Liar): Buffer {
  const names = [...Deno.readDirSync(folder.path)].map(({ name }) => name);
  return Buffer.concat(names.map((name) => Deno.readFileSync(folder.file(name))));
}

/** Some bytes as they could stand in a file: in base64, what is before them moves them. */
function forms(secret: Uint8Array): Buffer[] {
  const base64 = [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([new Uint8Array(before), secret]).toString("base64").slice(4, -4);
    return [text, text.replaceAll("+", "-").replaceAll("/", "_")];
  });
  const hex = Buffer.from(secret).toString("hex");
  return [
    Buffer.from(secret),
    ...[...base64, hex, hex.toUpperCase()].map((one) => Buffer.from(one)),
  ];
}

Deno.test("a stolen database has no text of a sealed room, and no key of anybody's", async () => {
  await using liar = await Liar.start("alice", "bob");
  await converse(liar);
  const secrets = ["alice", "bob"].flatMap((user) => secretsOf(liar, user));
  assert.ok(secrets.length > 40, `${secrets.length}`);
  secrets.push(...TEXTS.map((text) => new TextEncoder().encode(text)));
  const bytes = stolen(liar);
  for (const secret of secrets) {
    for (const form of forms(secret)) assert.ok(!bytes.includes(form), `it has ${form}`);
  }
  assert.ok(bytes.includes(Buffer.from(blobOf(liar, "alice", "account").data.subarray(0, 64)))); // it would be found
});

Deno.test("with all secrets of the server, no vault opens, and no token of a sealed room", async () => {
  await using liar = await Liar.start("alice", "bob");
  await converse(liar);
  const blob = blobOf(liar, "alice", "account");
  const wrap = blobOf(liar, "alice", "wrap");
  const known = liar.sql<{ text: string }>(
    "SELECT value AS text FROM secrets UNION ALL SELECT record FROM accounts",
  ).map(({ text }) => Buffer.from(text, "base64url"));
  let tried = 0;
  for (const bytes of known) {
    for (let at = 0; at + 32 <= bytes.length; at++) {
      assert.throws(() => open(blob, bytes.subarray(at, at + 32)), { code: "vault-invalid" });
      const exportKey = bytes.subarray(at, at + 64);
      if (exportKey.length < 64) continue;
      assert.throws(() => unwrapVaultRing(wrap.data, exportKey, "alice"), {
        code: "vault-invalid",
      });
      tried += 1;
    }
  }
  assert.ok(tried > 100, `${tried}`);
  const tokens = liar.sql<{ token: string }>("SELECT token FROM messages WHERE room <> 'lobby'");
  assert.ok(tokens.length >= TEXTS.length);
  const open_ = [...liar.server.running.ring.keys, FernetKey.generate()];
  for (const { token } of tokens) {
    for (const key of open_) assert.throws(() => key.decryptText(token), { code: "token-invalid" });
  }
});

function open({ name, version, data }: Blob, key: Uint8Array): Uint8Array {
  return openBlob(key, { user: "alice", name, version }, data);
}
