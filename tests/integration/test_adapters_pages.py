"""Pages in FastAPI and Starlette: who opens one and is not signed in goes to sign in, and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from tallystick import Authority, SessionView, open_stores
from tallystick import starlette as on_starlette
from tallystick.fastapi import PageSession, install, page
from tallystick.starlette import session_of
from tallystick.web import routes
from tests.support.embedded import EMAIL, PASSWORD, PlainHasher

ISSUER = "http://localhost:8000/auth"
BROWSER = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}


def on_fastapi(authority: Authority) -> FastAPI:
    """Gives an app with pages."""
    app = FastAPI(lifespan=authority.lifespan)
    app.mount("/auth", routes(authority))
    install(app)

    @app.get("/notes")
    @app.post("/notes")
    async def notes(session: PageSession) -> str:
        return session.principal

    @app.get("/secret")
    async def secret(session: Annotated[SessionView, page(fresh_minutes=0)]) -> str:
        return session.principal

    @app.get("/admin")
    async def admin(session: Annotated[SessionView, page("notes:admin")]) -> str:
        return session.principal

    return app


async def _tell(request: Request) -> Response:
    return PlainTextResponse((await session_of(request)).principal)


def in_starlette(authority: Authority) -> Starlette:
    """Gives the same app."""
    need = on_starlette.requires
    return Starlette(
        lifespan=authority.lifespan,
        routes=[
            Mount("/auth", routes(authority)),
            Route("/notes", need(page=True)(_tell), methods=["GET", "POST"]),
            Route("/secret", need(page=True, fresh_minutes=0)(_tell)),
            Route("/admin", need("notes:admin", page=True)(_tell)),
        ],
    )


@pytest.fixture(params=[on_fastapi, in_starlette], ids=["fastapi", "starlette"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TestClient]:
    """A client of an app with pages, whose authority is in it."""
    authority = Authority(ISSUER, open_stores("memory://"), root_key_file=tmp_path / "root.key", hasher=PlainHasher())
    with TestClient(request.param(authority), "http://localhost:8000", follow_redirects=False) as found:
        yield found


def sign_in(client: TestClient) -> None:
    """Signs a person up and in."""
    wish = {"email": EMAIL, "password": PASSWORD}
    assert client.post("/auth/sign-up", json=wish).status_code in (200, 201, 202)
    assert client.post("/auth/session", json=wish).status_code == 200


def test_a_browser_goes_to_sign_in_and_comes_back(client: TestClient) -> None:
    """Without a session a page is not shown: the browser goes to sign in, and the page is told as the way back."""
    sent = client.get("/notes?page=2&q=a%20b", headers=BROWSER)
    assert (sent.status_code, sent.headers["cache-control"]) == (303, "no-store")
    assert sent.headers["location"] == "/auth/sign-in?next=/notes%3Fpage%3D2%26q%3Da%2520b"
    sign_in(client)
    assert client.get("/notes?page=2", headers=BROWSER).status_code == 200


def test_a_browser_with_a_session_that_ended_goes_to_sign_in(client: TestClient) -> None:
    """A cookie that is over is as good as none."""
    sent = client.get("/notes", headers={**BROWSER, "Cookie": "ts=" + "A" * 43})
    assert (sent.status_code, sent.headers["location"]) == (303, "/auth/sign-in?next=/notes")


def test_programs_scripts_and_forms_are_refused(client: TestClient) -> None:
    """Nobody but a browser that opens a page is sent anywhere: the others can read a refusal."""
    assert client.get("/notes").status_code == 401
    assert client.get("/notes", headers={"Accept": "text/html", "Sec-Fetch-Mode": "cors"}).status_code == 401
    assert client.get("/notes", headers={**BROWSER, "Authorization": "Bearer x"}).status_code == 401
    assert client.post("/notes", headers=BROWSER).status_code == 401


def test_an_old_proof_leads_to_a_new_one(client: TestClient) -> None:
    """A page that wants a fresh proof sends the browser to give one; a missing permission sends nobody anywhere."""
    sign_in(client)
    sent = client.get("/secret", headers=BROWSER)
    assert (sent.status_code, sent.headers["location"]) == (303, "/auth/step-up?next=/secret")
    assert client.get("/secret").status_code == 401
    assert client.get("/admin", headers=BROWSER).status_code == 403
