"""Decrypts every row of a chat log with Python's own Fernet: DATABASE KEY -> one JSON line a row."""

import json
import sqlite3
import sys

from cryptography.fernet import Fernet

database, key = sys.argv[1:]
fernet = Fernet(key)
rows = sqlite3.connect(f"file:{database}?mode=ro", uri=True).execute(
    "SELECT room, seq, sender, sent_at, message_id, token FROM messages ORDER BY id"
)
for room, seq, sender, sent_at, message_id, token in rows:
    payload = json.loads(fernet.decrypt(token.encode()))
    print(json.dumps({"row": [room, seq, sender, sent_at, message_id], "payload": payload}))
