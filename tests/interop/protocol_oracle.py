"""The protocol's bytes from PROTOCOL.md's words, with Python's standard library and `cryptography`.

Shares no code with lib/. One JSON object on standard input, one on standard output; bytes are
hexadecimal. Section numbers are PROTOCOL.md's.
"""

import base64
import hashlib
import hmac
import json
import struct
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MESSAGES, KEY_UPDATE, CLOSE = 1, 2, 3


def frame(payload):
    """Section 2."""
    return struct.pack(">I", len(payload)) + payload


def frames(payloads):
    return b"".join(map(frame, payloads))


def hello(body):
    """Section 3.1."""
    return b"fernchat" + struct.pack(">H", 1) + body


def extract(salt, key):
    """RFC 5869 section 2.2."""
    return hmac.digest(salt, key, "sha256")


def expand(secret, info, length):
    """RFC 5869 section 2.3, for at most one block, which is all that is needed."""
    assert length <= 32
    return hmac.digest(secret, info + b"\x01", "sha256")[:length]


def expand_label(secret, label, context, length):
    """RFC 8446 section 7.1, with the prefix of section 4."""
    label = b"fern1 " + label.encode()
    info = struct.pack(">HB", length, len(label)) + label + bytes([len(context)]) + context
    return expand(secret, info, length)


def key_and_iv(secret):
    return expand_label(secret, "key", b"", 32), expand_label(secret, "iv", b"", 12)


def describe(secret):
    key, iv = key_and_iv(secret)
    return {"secret": secret.hex(), "key": key.hex(), "iv": iv.hex()}


def stage(secret, name, transcript):
    """Section 4: the traffic secrets of both directions."""
    client = expand_label(secret, f"c {name} traffic", transcript, 32)
    server = expand_label(secret, f"s {name} traffic", transcript, 32)
    return {"client": describe(client), "server": describe(server)}


class Direction:
    """Section 5: the key and the counter of one direction."""

    def __init__(self, secret):
        self.secret = secret
        self.sequence = 0

    def nonce(self):
        _, iv = key_and_iv(self.secret)
        return (int.from_bytes(iv, "big") ^ self.sequence).to_bytes(12, "big")

    def cipher(self):
        key, _ = key_and_iv(self.secret)
        return ChaCha20Poly1305(key)

    def seal(self, kind, content):
        plaintext = bytes([kind]) + content
        header = struct.pack(">I", len(plaintext) + 16)
        record = self.cipher().encrypt(self.nonce(), plaintext, header)
        self.count(kind)
        return record

    def open(self, record):
        header = struct.pack(">I", len(record))
        plaintext = self.cipher().decrypt(self.nonce(), record, header)
        self.count(plaintext[0])
        return plaintext[0], plaintext[1:]

    def count(self, kind):
        self.sequence += 1
        if kind == KEY_UPDATE:
            self.secret = expand_label(self.secret, "traffic upd", b"", 32)
            self.sequence = 0


def seal_all(secret, records):
    direction = Direction(secret)
    return [direction.seal(one["type"], bytes.fromhex(one["content"])).hex() for one in records]


def open_all(secret, records):
    """Each record's type and content, or null where it is not the authentic next one."""
    direction = Direction(secret)
    return [open_one(direction, bytes.fromhex(record)) for record in records]


def open_one(direction, record):
    try:
        kind, content = direction.open(record)
    except InvalidTag:
        return None
    return {"type": kind, "content": content.hex()}


def hash_texts(texts):
    return hashlib.sha256(frames([text.encode() for text in texts])).hexdigest()


def chain(room, entries):
    """Section 9."""
    value = hash_texts(["fernchat log start v1", room])
    values = [value]
    for entry in entries:
        fields = ["room", "seq", "sender", "sent_at", "key_id", "id", "token"]
        texts = [str(entry[field]) for field in fields]
        value = hash_texts(["fernchat log entry v1", value, *texts])
        values.append(value)
    return values


def texts(*values):
    return frames([value.encode() for value in values])


def vault_seal(secret, purpose, additional, plaintext, salt):
    """Section 12: a key of its own for each encryption, so that its nonce can be 0."""
    cipher = ChaCha20Poly1305(expand(secret, purpose + salt, 32))
    return salt + cipher.encrypt(bytes(12), plaintext, additional)


def vault(inputs):
    """Section 12: the vault's key under the password's, and a blob under the vault's key."""
    export_key, vault_key, wrap_salt, blob_salt, content = (
        bytes.fromhex(inputs[name])
        for name in ("exportKey", "vaultKey", "wrapSalt", "blobSalt", "content")
    )
    user, name = inputs["user"].lower(), inputs["name"]
    label = b"fernchat vault key-encryption key v1"
    wrapping_key = expand(extract(bytes(32), export_key), label, 32)
    purpose = texts("fernchat vault wrap v1", user)
    wrap = vault_seal(wrapping_key, purpose, texts(user), vault_key, wrap_salt)
    purpose = texts("fernchat blob v1", user, name)
    additional = texts(user, name, str(inputs["version"]))
    blob = vault_seal(vault_key, purpose, additional, content, blob_salt)
    return {"wrap": wrap.hex(), "blob": blob.hex()}


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sealed_payload(seed, fernet_key, fields):
    """Section 12: the plaintext of a sealed room's token. Fields are in their order."""
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    device = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    fields = {**fields, "device": base64url(device)}
    key_digest = hashlib.sha256(base64.urlsafe_b64decode(fernet_key)).digest()
    message = b"fernchat sealed message v1\0" + key_digest + compact(fields).encode()
    signed = {**fields, "signature": base64url(key.sign(message))}
    return {"signed": message.hex(), "plaintext": compact(signed)}


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def vectors(inputs):
    """Everything in tests/testdata/protocol.json under "outputs"."""
    shares = [bytes.fromhex(inputs[name]) for name in ("clientShare", "serverShare")]
    hellos = [hello(share) for share in shares]
    transcript = hashlib.sha256(frames(hellos)).digest()
    handshake = extract(bytes(32), bytes.fromhex(inputs["sharedSecret"]))
    messages = [text.encode() for text in inputs["loginMessages"]]
    login_transcript = hashlib.sha256(transcript + frames(messages)).digest()
    salt = expand_label(handshake, "derived", transcript, 32)
    master = extract(salt, bytes.fromhex(inputs["loginKey"]))
    hs = stage(handshake, "hs", transcript)
    first = bytes.fromhex(hs["client"]["secret"])
    return {
        "frames": frames([bytes.fromhex(payload) for payload in inputs["frames"]]).hex(),
        "clientHello": hellos[0].hex(),
        "serverHello": hellos[1].hex(),
        "transcript": transcript.hex(),
        "handshakeSecret": handshake.hex(),
        "hs": hs,
        "records": seal_all(first, inputs["records"]),
        "afterKeyUpdate": describe(expand_label(first, "traffic upd", b"", 32)),
        "loginTranscript": login_transcript.hex(),
        "masterSecret": master.hex(),
        "ap": stage(master, "ap", login_transcript),
        "chain": chain(inputs["room"], inputs["entries"]),
        "vault": vault(inputs["vault"]),
        "sealedPayloads": [
            sealed_payload(inputs["deviceSeed"], inputs["fernetKey"], fields) for fields in inputs["sealedPayloads"]
        ],
    }


COMMANDS = {
    "vectors": lambda request: vectors(request["inputs"]),
    "seal": lambda request: seal_all(bytes.fromhex(request["secret"]), request["records"]),
    "open": lambda request: open_all(bytes.fromhex(request["secret"]), request["records"]),
    "chain": lambda request: chain(request["room"], request["entries"]),
}

for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(COMMANDS[request["command"]](request)), flush=True)
