"""The demo's notes API: FastAPI with a Verifier. It takes a cookie or an access token; the handler gets the session."""

from __future__ import annotations

import argparse

import uvicorn
from fastapi import FastAPI

from tallystick.cli.demo.wire import ADDRESS
from tallystick.fastapi import CurrentSession, install
from tallystick.stores.open import open_log
from tallystick.verifier import Verifier


def notes_api(verifier: Verifier) -> FastAPI:
    """Gives the app: two of its lines are about authentication."""
    app = FastAPI(lifespan=verifier.lifespan)
    install(app)

    @app.get("/notes")
    async def notes(session: CurrentSession) -> dict[str, object]:
        return {"session": session.id, "credential": session.credential, "notes": ["seven notches"]}

    @app.get("/readyz")
    async def ready() -> dict[str, bool]:
        return {"ready": True}

    return app


def main() -> None:
    """Serves until it is told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--store", required=True)
    parser.add_argument("--port", type=int, required=True)
    wanted = parser.parse_args()
    verifier = Verifier(wanted.issuer, audience=wanted.issuer, follow=open_log(wanted.store), name="notes")
    uvicorn.run(notes_api(verifier), host=ADDRESS, port=wanted.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
