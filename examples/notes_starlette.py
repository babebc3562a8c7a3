"""Notes, in Starlette: people sign in under `/auth`, and every route gets the session, whichever credential arrived.

    python examples/notes_starlette.py

Settings come from the environment, so that a second copy can run beside the first: ISSUER, STORE, ROOT_KEY, PORT.
"""

from __future__ import annotations

import os
from collections import defaultdict

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from tallystick import Authority, open_stores
from tallystick.starlette import requires, session_of
from tallystick.web import routes

PORT = int(os.environ.get("PORT", "8000"))
authority = Authority(
    os.environ.get("ISSUER", f"http://localhost:{PORT}/auth"),
    open_stores(os.environ.get("STORE", "sqlite:///notes.db")),
    root_key_file=os.environ.get("ROOT_KEY", "notes-root.key"),
)

notes_of: defaultdict[str, list[str]] = defaultdict(list)


@requires()
async def read(request: Request) -> Response:
    """Gives your notes."""
    session = await session_of(request)
    return JSONResponse(notes_of[session.principal])


@requires("notes:write")
async def write(request: Request) -> Response:
    """Adds a note; the account needs the permission `notes:write`."""
    session = await session_of(request)
    notes_of[session.principal].append((await request.body()).decode(errors="replace")[:1000])
    return JSONResponse(notes_of[session.principal], 201)


@requires(fresh_minutes=10)
async def burn(request: Request) -> Response:
    """Burns all of your notes; only shortly after you proved who you are."""
    session = await session_of(request)
    notes_of.pop(session.principal, None)
    return Response(status_code=204)


app = Starlette(
    lifespan=authority.lifespan,
    routes=[
        Mount("/auth", routes(authority)),
        Route("/notes", read, methods=["GET"]),
        Route("/notes", write, methods=["POST"]),
        Route("/notes", burn, methods=["DELETE"]),
    ],
)


if __name__ == "__main__":
    # Nobody is in front of it, so nobody may say where a request comes from.
    uvicorn.run(app, host="127.0.0.1", port=PORT, access_log=False, proxy_headers=False)
