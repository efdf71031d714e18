/**
 * The MLS library's key schedule gives the published values. Of its suites, the vectors cover those
 * of the RFC; the code is the same for ours.
 *
 * @module
 */

import assert from "node:assert/strict";
import { getCiphersuiteFromName, getCiphersuiteImpl, mlsExporter } from "ts-mls";
import { decodeGroupContext } from "ts-mls/groupContext.js";
import { initializeEpoch } from "ts-mls/keySchedule.js";
import vectors from "../testdata/mls_key_schedule.json" with { type: "json" };
import { hex, unhex } from "./people.ts";

const suite = await getCiphersuiteImpl(
  getCiphersuiteFromName("MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"),
);

for (const [at, epoch] of vectors.epochs.entries()) {
  const before = vectors.epochs[at - 1]?.initSecret ?? vectors.initialInitSecret;

  Deno.test(`the key schedule of the RFC's epoch ${at} has the published secrets`, async () => {
    const context = decodeGroupContext(unhex(epoch.groupContext), 0)?.[0];
    assert.ok(context !== undefined);
    const { keySchedule, joinerSecret, welcomeSecret, encryptionSecret } = await initializeEpoch(
      unhex(before),
      unhex(epoch.commitSecret),
      context,
      unhex(epoch.pskSecret),
      suite.kdf,
    );
    const derived = { ...keySchedule, joinerSecret, welcomeSecret, encryptionSecret };
    for (const [name, secret] of Object.entries(derived)) {
      assert.equal(hex(secret), epoch[name as keyof typeof derived], name);
    }
  });

  Deno.test(`the exporter of the RFC's epoch ${at} gives the published key`, async () => {
    const { label, context, length, secret } = epoch.exporter;
    const exporterSecret = unhex(epoch.exporterSecret);
    const key = await mlsExporter(exporterSecret, label, unhex(context), length, suite);
    assert.equal(hex(key), secret);
  });
}
