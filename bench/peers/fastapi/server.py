"""What is written in an afternoon: FastAPI and a table of SHA-256 digests in SQLite. POST /verify with a key, answered
with the key's id. `python server.py PORT KEYS STORE` first puts the lines "digest id" of KEYS into the store."""

import hashlib
import json
import sqlite3
import sys
import time

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel

port, keys, store = sys.argv[1:]
connection = sqlite3.connect(store, isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute(
    "CREATE TABLE keys (digest BLOB PRIMARY KEY, id TEXT NOT NULL, scopes TEXT NOT NULL, expires_at INTEGER, revoked_at INTEGER)"
    " WITHOUT ROWID"
)
SCOPES = json.dumps(["products:read", "products:write"])
connection.execute("BEGIN")
with open(keys, encoding="ascii") as lines:
    known = (line.split() for line in lines)
    rows = ((bytes.fromhex(digest), id, SCOPES) for digest, id in known)
    connection.executemany("INSERT INTO keys (digest, id, scopes) VALUES (?, ?, ?)", rows)
connection.execute("COMMIT")

app = FastAPI(openapi_url=None)


class Question(BaseModel):
    key: str
    scope: str


# Not in a thread of its own: the look-up takes less time than handing it over.
@app.post("/verify")
async def verify(question: Question) -> JSONResponse:
    digest = hashlib.sha256(question.key.encode()).digest()
    found = connection.execute(
        "SELECT id, scopes, expires_at, revoked_at FROM keys WHERE digest = ?", (digest,)
    ).fetchone()
    if found is None:
        return JSONResponse({"valid": False}, status_code=401)
    id, scopes, expires_at, revoked_at = found
    is_over = revoked_at is not None or (expires_at is not None and expires_at <= time.time())
    if is_over or question.scope not in json.loads(scopes):
        return JSONResponse({"valid": False}, status_code=401)
    return JSONResponse({"valid": True, "key": {"id": id}})


uvicorn.run(
    app, host="127.0.0.1", port=int(port), loop="uvloop", http="httptools", access_log=False, timeout_keep_alive=600
)
