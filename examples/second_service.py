"""A second service of the same host: it can check credentials, and can do nothing else with them.

    python examples/second_service.py

It shares the log of the notes example, so what ends there ends here. Settings come from the environment: ISSUER,
AUDIENCE (what its access tokens are meant for; the issuer itself by default), STORE, PORT.
"""

from __future__ import annotations

import os

import uvicorn
from fastapi import FastAPI

from tallystick import Verifier, open_log
from tallystick.fastapi import CurrentSession, install

ISSUER = os.environ.get("ISSUER", "http://localhost:8000/auth")
verifier = Verifier(
    ISSUER,
    audience=os.environ.get("AUDIENCE", ISSUER),
    follow=open_log(os.environ.get("STORE", "sqlite:///notes.db")),
)

app = FastAPI(title="Export", lifespan=verifier.lifespan)
install(app)


@app.get("/export")
async def export(session: CurrentSession) -> dict[str, str]:
    """Says whose notes it would export; the same handler would work in the notes app itself."""
    return {"session": session.id, "principal": session.principal, "credential": session.credential}


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "8001"))
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, proxy_headers=False)
