/**
 * The client's side of OPAQUE a second time, written from RFC 9807 and PROTOCOL.md section 7.2 on
 * primitives of another origin than those of the library that Fernchat uses. Names are the RFC's.
 *
 * @module
 */

import { ristretto255_oprf } from "@noble/curves/ed25519.js";
import { equalBytes } from "@noble/curves/utils.js";
import { argon2id } from "@noble/hashes/argon2.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, randomBytes, utf8ToBytes } from "@noble/hashes/utils.js";

type Bytes = Uint8Array;

const { oprf } = ristretto255_oprf;

/** Sizes in bytes: a public key, a nonce or seed, a MAC or hash (sections 2.2 and 6.4). */
const [Npk, Nn, Nm, Nh] = [32, 32, 64, 64];

const SERVER_IDENTITY = utf8ToBytes("fernchat");
const NOTHING = new Uint8Array();

/** HKDF-Expand (section 2.2) with an info of texts and bytes. */
const Expand = (key: Bytes, length: number, ...info: (string | Bytes)[]): Bytes =>
  expand(sha512, key, concat(...info), length);

/** What one side keeps to itself, and what it shows. */
interface KeyPair {
  secretKey: Bytes;
  publicKey: Bytes;
}

/** Section 6.4.1. */
const DeriveDiffieHellmanKeyPair = (seed: Bytes): KeyPair =>
  oprf.deriveKeyPair(seed, utf8ToBytes("OPAQUE-DeriveDiffieHellmanKeyPair"));

/** Section 6.4.1: k * B, which is what an OPRF server does to a blinded element (RFC 9497 3.3.1). */
const DiffieHellman = (k: Bytes, B: Bytes): Bytes => oprf.blindEvaluate(k, B);

/** A user at a client. */
export interface User {
  password: string;
  /** In lower case. */
  client_identity: string;
  /** Of Argon2id: as for passwords (PROTOCOL.md section 7.2) if not given. */
  stretching?: { m: number; t: number; p: number };
}

const PASSWORD_STRETCHING = { m: 65_536, t: 3, p: 4 };

/** A password that was blinded, until the server has evaluated it. */
export class Registration {
  readonly #user: User;
  readonly #blind: ReturnType<typeof oprf.blind>;

  constructor(user: User) {
    this.#user = user;
    this.#blind = oprf.blind(utf8ToBytes(user.password)); // 5.2.1, CreateRegistrationRequest
  }

  get request(): Bytes {
    return this.#blind.blinded;
  }

  /** FinalizeRegistrationRequest (section 5.2.3) and Store (section 4.1.2): the record. */
  finalize(response: Bytes): Bytes {
    const [evaluated, server_public_key] = split(response, Npk, Npk);
    const randomized_password = randomize(this.#user, this.#blind.blind, evaluated);
    const envelope_nonce = randomBytes(Nn);
    const { keys, auth_tag } = openEnvelope(
      randomized_password,
      envelope_nonce,
      server_public_key,
      this.#user,
    );
    const masking_key = Expand(randomized_password, Nh, "MaskingKey");
    return concat(keys.publicKey, masking_key, envelope_nonce, auth_tag);
  }
}

/** A login. */
export class Login {
  readonly #user: User;
  readonly #blind: ReturnType<typeof oprf.blind>;
  readonly #ephemeral = DeriveDiffieHellmanKeyPair(randomBytes(Nn));
  readonly ke1: Bytes;

  /** GenerateKE1 (section 6.2.1). */
  constructor(user: User) {
    this.#user = user;
    this.#blind = oprf.blind(utf8ToBytes(user.password));
    this.ke1 = concat(this.#blind.blinded, randomBytes(Nn), this.#ephemeral.publicKey);
  }

  /** GenerateKE3 (section 6.2.3); undefined if the password or the server is not the right one. */
  finish(ke2: Bytes): { ke3: Bytes; session_key: Bytes } | undefined {
    const [credential_response, server_nonce, server_keyshare, server_mac] = split(
      ke2,
      Npk + Nn + Npk + Nn + Nm,
      Nn,
      Npk,
      Nm,
    );
    const recovered = this.#recover(credential_response);
    if (recovered === undefined) return undefined;
    const { server_public_key, keys } = recovered;
    const ikm = concat( // section 6.4.3
      DiffieHellman(this.#ephemeral.secretKey, server_keyshare),
      DiffieHellman(this.#ephemeral.secretKey, server_public_key),
      DiffieHellman(keys.secretKey, server_keyshare),
    );
    const preamble = concat( // section 6.4.2.1, with an empty context
      "OPAQUEv1-",
      vector(NOTHING),
      vector(utf8ToBytes(this.#user.client_identity)),
      this.ke1,
      vector(SERVER_IDENTITY),
      credential_response,
      server_nonce,
      server_keyshare,
    );
    const { Km2, Km3, session_key } = DeriveKeys(ikm, preamble);
    if (!equalBytes(hmac(sha512, Km2, sha512(preamble)), server_mac)) return undefined;
    return { ke3: hmac(sha512, Km3, sha512(concat(preamble, server_mac))), session_key };
  }

  /** RecoverCredentials (section 6.3.2.3) and Recover (section 4.1.3). */
  #recover(response: Bytes): { server_public_key: Bytes; keys: KeyPair } | undefined {
    const [evaluated, masking_nonce, masked] = split(response, Npk, Nn, Npk + Nn + Nm);
    const randomized_password = randomize(this.#user, this.#blind.blind, evaluated);
    const masking_key = Expand(randomized_password, Nh, "MaskingKey");
    const pad = Expand(masking_key, masked.length, masking_nonce, "CredentialResponsePad");
    const plain = masked.map((byte, at) => byte ^ (pad[at] as number));
    const [server_public_key, envelope_nonce, tag] = split(plain, Npk, Nn, Nm);
    const { keys, auth_tag } = openEnvelope(
      randomized_password,
      envelope_nonce,
      server_public_key,
      this.#user,
    );
    return equalBytes(auth_tag, tag) ? { server_public_key, keys } : undefined;
  }
}

/** The OPRF's output, stretched and extracted (sections 5.2.3 and 6.3.2.3). */
function randomize(user: User, blind: Bytes, evaluated: Bytes): Bytes {
  const { password, stretching = PASSWORD_STRETCHING } = user;
  const oprf_output = oprf.finalize(utf8ToBytes(password), blind, evaluated);
  const stretched = argon2id(oprf_output, new Uint8Array(16), {
    ...stretching,
    dkLen: 64,
    version: 0x13,
  });
  return extract(sha512, concat(oprf_output, stretched), NOTHING);
}

/** What the password and an envelope's nonce give (section 4.1). */
function openEnvelope(
  randomized_password: Bytes,
  envelope_nonce: Bytes,
  server_public_key: Bytes,
  { client_identity }: User,
): { keys: KeyPair; auth_tag: Bytes } {
  const auth_key = Expand(randomized_password, Nh, envelope_nonce, "AuthKey");
  const seed = Expand(randomized_password, Nn, envelope_nonce, "PrivateKey");
  const identities = [vector(SERVER_IDENTITY), vector(utf8ToBytes(client_identity))];
  const cleartext_credentials = concat(server_public_key, ...identities);
  return {
    keys: DeriveDiffieHellmanKeyPair(seed),
    auth_tag: hmac(sha512, auth_key, concat(envelope_nonce, cleartext_credentials)),
  };
}

/** Section 6.4.2.2. */
function DeriveKeys(
  ikm: Bytes,
  preamble: Bytes,
): { Km2: Bytes; Km3: Bytes; session_key: Bytes } {
  const prk = extract(sha512, ikm, NOTHING);
  const handshake_secret = DeriveSecret(prk, "HandshakeSecret", sha512(preamble));
  return {
    Km2: DeriveSecret(handshake_secret, "ServerMAC", NOTHING),
    Km3: DeriveSecret(handshake_secret, "ClientMAC", NOTHING),
    session_key: DeriveSecret(prk, "SessionKey", sha512(preamble)),
  };
}

/** Derive-Secret and Expand-Label (section 6.4.2). */
function DeriveSecret(secret: Bytes, label: string, transcript_hash: Bytes): Bytes {
  const full = utf8ToBytes(`OPAQUE-${label}`);
  const lengths = [Uint8Array.of(0, Nh), Uint8Array.of(full.length)] as const;
  const context = [Uint8Array.of(transcript_hash.length), transcript_hash] as const;
  return Expand(secret, Nh, ...lengths, full, ...context);
}

/** Bytes behind their 16-bit length. */
function vector(bytes: Bytes): Bytes {
  return concat(Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes);
}

function concat(...parts: (string | Bytes)[]): Bytes {
  return concatBytes(...parts.map((part) => typeof part === "string" ? utf8ToBytes(part) : part));
}

/** Cuts bytes into parts of these sizes, which are the whole. */
function split<S extends number[]>(bytes: Bytes, ...sizes: S): { [at in keyof S]: Bytes } {
  let end = 0;
  const parts = sizes.map((size) => bytes.slice(end, end += size));
  if (end !== bytes.length) throw new RangeError(`${bytes.length} bytes, not ${end}`);
  return parts as { [at in keyof S]: Bytes };
}
