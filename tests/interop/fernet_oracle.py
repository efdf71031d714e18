"""Python's cryptography.fernet, as a program that answers questions.

Each line of standard input is one JSON object, answered by one line of JSON on standard output.
"""

import json
import sys
import time

import cryptography
from cryptography.fernet import Fernet, InvalidToken, MultiFernet


def version(_):
    python = ".".join(map(str, sys.version_info[:3]))
    return {"python": python, "cryptography": cryptography.__version__}


def encrypt(request):
    fernet = Fernet(request["key"])
    return [fernet.encrypt(text.encode()).decode() for text in request["texts"]]


def decrypt(request):
    """The text in each token, or null where Python refuses the token."""
    fernet = Fernet(request["key"])
    return [open_token(fernet, **attempt) for attempt in request["attempts"]]


def decrypt_with_ring(request):
    """The same, with the keys in a file, one a line, newest first."""
    with open(request["file"]) as file:
        ring = MultiFernet([Fernet(line) for line in file.read().split()])
    return [open_token(ring, **attempt) for attempt in request["attempts"]]


def open_token(fernet, token, ttl=None, now=None):
    try:
        if ttl is None:
            return fernet.decrypt(token.encode()).decode()
        return fernet.decrypt_at_time(token.encode(), ttl, now).decode()
    except InvalidToken:
        return None


def measure(request):
    """Microseconds per call, of encryption and of decryption."""
    fernet = Fernet(request["key"])
    data = request["text"].encode()
    token = fernet.encrypt(data)
    count = request["count"]
    return {
        "encrypt": per_call(lambda: fernet.encrypt(data), count),
        "decrypt": per_call(lambda: fernet.decrypt(token), count),
    }


def per_call(function, count):
    start = time.perf_counter()
    for _ in range(count):
        function()
    return (time.perf_counter() - start) / count * 1e6


COMMANDS = {
    "version": version,
    "encrypt": encrypt,
    "decrypt": decrypt,
    "decryptWithRing": decrypt_with_ring,
    "measure": measure,
}

for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(COMMANDS[request["command"]](request)), flush=True)
