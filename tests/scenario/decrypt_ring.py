"""Decrypts a room's log with exported keys: DATABASE KEYS -> one JSON payload, or null, a row."""

import json
import sqlite3
import sys

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

database, keys = sys.argv[1:]
with open(keys, encoding="ascii") as file:
    ring = MultiFernet([Fernet(line.strip()) for line in file if line.strip()])
rows = sqlite3.connect(f"file:{database}?mode=ro", uri=True).execute(
    "SELECT token FROM messages WHERE room = 'physics' ORDER BY seq"
)
for (token,) in rows:
    try:
        print(ring.decrypt(token.encode()).decode())
    except InvalidToken:
        print("null")
