/**
 * The handshake: one frame each way. The client sends an ephemeral X-Wing public key, the server
 * answers with a ciphertext to it (draft-connolly-cfrg-xwing-kem), and both derive the channel's
 * first keys over the hash of the two frames. It hides everything that follows from whoever only
 * listens, also from one who records now and has a quantum computer later. It proves nothing about
 * who the other side is: that is the login's work.
 *
 * @module
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { ml_kem768_x25519 as xWing } from "@noble/post-quantum/hybrid.js";
import { PeerError } from "../errors.ts";
import { type ByteSink, type ByteSource, encodeFrames, FrameReader, writeAll } from "../framing.ts";
import { handshakeSecret, type TrafficSecrets, trafficSecrets } from "./key_schedule.ts";
import { MAX_FRAME_BYTES_BEFORE_LOGIN } from "./limits.ts";

/** The version of everything in PROTOCOL.md. */
export const PROTOCOL_VERSION = 1;

/** What a handshake leaves for the channel and for the login. */
export interface HandshakeResult {
  /** Continues the stream after the hellos. */
  reader: FrameReader;
  /** The root of the key schedule: 32 bytes. */
  secret: Uint8Array;
  /** SHA-256 over both hello frames: 32 bytes. */
  transcript: Uint8Array;
  /** Keys of the channel until the login is done. */
  traffic: TrafficSecrets;
}

/** The KEM as both sides use it; a parameter only so that known answers can be tested. */
export interface Kem {
  keygen(): { publicKey: Uint8Array; secretKey: Uint8Array };
  encapsulate(publicKey: Uint8Array): { cipherText: Uint8Array; sharedSecret: Uint8Array };
  decapsulate(cipherText: Uint8Array, secretKey: Uint8Array): Uint8Array;
}

const MAGIC = new TextEncoder().encode("fernchat");
const PREFIX_BYTES = MAGIC.length + 2;

/** Bytes of an X-Wing public key. */
export const KEM_PUBLIC_KEY_BYTES = 1216;
/** Bytes of an X-Wing ciphertext. */
export const KEM_CIPHERTEXT_BYTES = 1120;

/**
 * The client's side of the handshake.
 *
 * @throws {PeerError} `not-fernchat`, `version-mismatch`, or what the stream threw.
 */
export async function clientHandshake(
  stream: ByteSource & ByteSink,
  kem: Kem = xWing,
): Promise<HandshakeResult> {
  const { publicKey, secretKey } = kem.keygen();
  const clientHello = hello(publicKey);
  await send(stream, clientHello);
  const reader = new FrameReader(stream, MAX_FRAME_BYTES_BEFORE_LOGIN);
  const serverHello = await readHello(reader);
  const cipherText = helloBody(serverHello, "server", KEM_CIPHERTEXT_BYTES);
  const shared = decapsulate(kem, cipherText, secretKey);
  return finish(reader, clientHello, serverHello, shared);
}

/** What a server may set. */
export interface ServerHandshakeOptions {
  kem?: Kem;
  /** Waited for before the encapsulation, which takes some milliseconds of the processor. */
  turn?: () => Promise<void>;
}

/**
 * The server's side of the handshake. A client of another version is told ours before this throws.
 *
 * @throws {PeerError} `not-fernchat`, `version-mismatch`, or what the stream threw.
 */
export async function serverHandshake(
  stream: ByteSource & ByteSink,
  { kem = xWing, turn = () => Promise.resolve() }: ServerHandshakeOptions = {},
): Promise<HandshakeResult> {
  const reader = new FrameReader(stream, MAX_FRAME_BYTES_BEFORE_LOGIN);
  const clientHello = await readHello(reader);
  const publicKey = await bodyOrVersionReply(stream, clientHello);
  await turn();
  const { cipherText, sharedSecret } = encapsulate(kem, publicKey);
  const serverHello = hello(cipherText);
  await send(stream, serverHello);
  return finish(reader, clientHello, serverHello, sharedSecret);
}

async function bodyOrVersionReply(stream: ByteSink, clientHello: Uint8Array): Promise<Uint8Array> {
  try {
    return helloBody(clientHello, "client", KEM_PUBLIC_KEY_BYTES);
  } catch (error) {
    if (error instanceof PeerError && error.code === "version-mismatch") {
      await send(stream, hello(new Uint8Array())).catch(() => {}); // it may have gone already
    }
    throw error;
  }
}

function encapsulate(kem: Kem, publicKey: Uint8Array): ReturnType<Kem["encapsulate"]> {
  try {
    return kem.encapsulate(publicKey); // checks the ML-KEM key's coefficients (FIPS 203 7.2)
  } catch (cause) {
    throw new PeerError("not-fernchat", "The client's public key is not valid", { cause });
  }
}

function decapsulate(kem: Kem, cipherText: Uint8Array, secretKey: Uint8Array): Uint8Array {
  try {
    return kem.decapsulate(cipherText, secretKey); // refuses a low-order X25519 share
  } catch (cause) {
    throw new PeerError("not-fernchat", "The server's ciphertext is not valid", { cause });
  }
}

function finish(
  reader: FrameReader,
  clientHello: Uint8Array,
  serverHello: Uint8Array,
  shared: Uint8Array,
): HandshakeResult {
  const transcript = sha256(encodeFrames([clientHello, serverHello]));
  const secret = handshakeSecret(shared);
  return { reader, secret, transcript, traffic: trafficSecrets(secret, "hs", transcript) };
}

function hello(body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(PREFIX_BYTES + body.length);
  bytes.set(MAGIC);
  new DataView(bytes.buffer).setUint16(MAGIC.length, PROTOCOL_VERSION);
  bytes.set(body, PREFIX_BYTES);
  return bytes;
}

async function readHello(reader: FrameReader): Promise<Uint8Array> {
  let frame: Uint8Array | null;
  try {
    frame = await reader.next();
  } catch (cause) {
    if (cause instanceof PeerError && cause.code === "connection-cut") throw cause;
    throw new PeerError("not-fernchat", "The other side does not speak Fernchat", { cause });
  }
  if (frame === null) {
    throw new PeerError("connection-cut", "The other side closed before the handshake was done");
  }
  return frame;
}

function helloBody(frame: Uint8Array, from: "client" | "server", bytes: number): Uint8Array {
  if (frame.length < PREFIX_BYTES || MAGIC.some((byte, at) => frame[at] !== byte)) {
    throw new PeerError("not-fernchat", "The other side does not speak Fernchat");
  }
  const version = new DataView(frame.buffer, frame.byteOffset).getUint16(MAGIC.length);
  if (version !== PROTOCOL_VERSION) {
    const older = version < PROTOCOL_VERSION ? from : from === "client" ? "server" : "client";
    throw new PeerError(
      "version-mismatch",
      `The ${from} speaks version ${version} of the protocol, this side version ${PROTOCOL_VERSION}`,
      { hint: `update the ${older}` },
    );
  }
  if (frame.length !== PREFIX_BYTES + bytes) {
    throw new PeerError("not-fernchat", "The other side's hello has a wrong length");
  }
  return frame.subarray(PREFIX_BYTES);
}

async function send(stream: ByteSink, frame: Uint8Array): Promise<void> {
  try {
    await writeAll(stream, encodeFrames([frame]));
  } catch (cause) {
    throw new PeerError("connection-cut", "The connection was cut", { cause });
  }
}
