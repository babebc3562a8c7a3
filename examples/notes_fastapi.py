"""Notes, in FastAPI: people sign in under `/auth`, and every route gets the session, whichever credential arrived.

    python examples/notes_fastapi.py
    tallystick account create ada@example.com --password-stdin --store sqlite:///notes.db

Settings come from the environment, so that a second copy can run beside the first: ISSUER, STORE, ROOT_KEY, PORT.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import Annotated

import uvicorn
from fastapi import Body, FastAPI

from tallystick import Authority, open_stores
from tallystick.fastapi import CurrentSession, fresh, install, requires
from tallystick.web import routes

PORT = int(os.environ.get("PORT", "8000"))
authority = Authority(
    os.environ.get("ISSUER", f"http://localhost:{PORT}/auth"),
    open_stores(os.environ.get("STORE", "sqlite:///notes.db")),
    root_key_file=os.environ.get("ROOT_KEY", "notes-root.key"),
)

app = FastAPI(title="Notes", lifespan=authority.lifespan)
app.mount("/auth", routes(authority))
install(app)

notes_of: defaultdict[str, list[str]] = defaultdict(list)


@app.get("/notes")
async def read(session: CurrentSession) -> list[str]:
    """Gives your notes."""
    return notes_of[session.principal]


@app.post("/notes", status_code=201, dependencies=[requires("notes:write")])
async def write(session: CurrentSession, text: Annotated[str, Body(embed=True, max_length=1000)]) -> list[str]:
    """Adds a note; the account needs the permission `notes:write`."""
    notes_of[session.principal].append(text)
    return notes_of[session.principal]


@app.delete("/notes", status_code=204, dependencies=[fresh(minutes=10)])
async def burn(session: CurrentSession) -> None:
    """Burns all of your notes; only shortly after you proved who you are."""
    notes_of.pop(session.principal, None)


if __name__ == "__main__":
    # Nobody is in front of it, so nobody may say where a request comes from.
    uvicorn.run(app, host="127.0.0.1", port=PORT, access_log=False, proxy_headers=False)
