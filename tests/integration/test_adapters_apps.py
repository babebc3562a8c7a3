"""The adapters for FastAPI and Starlette: one handler, whoever is behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from tallystick import Authority, SessionView, Verifier, open_log, open_stores
from tallystick import starlette as on_starlette
from tallystick.errors import LeaseLapsed, SessionEnded, TallystickError
from tallystick.fastapi import CurrentSession, current, fresh, install, requires
from tallystick.starlette import SessionMiddleware, session_of
from tallystick.web import routes
from tests.support.embedded import EMAIL, PASSWORD, PlainHasher

ISSUER = "http://localhost:8000/auth"
Credential = dict[str, str]
Build = Callable[[Any], Any]


def facts(session: SessionView) -> dict[str, Any]:
    """Gives what a handler saw."""
    return {"session": session.id, "principal": session.principal, "credential": session.credential}


def a_fastapi_app(lifespan: Any) -> FastAPI:
    """Gives an app with a route of each kind."""
    app = FastAPI(lifespan=lifespan)
    install(app)

    @app.get("/who")
    @app.post("/who")
    async def who(session: CurrentSession) -> dict[str, Any]:
        return facts(session)

    @app.get("/read", dependencies=[requires("notes:read")])
    async def read(session: CurrentSession) -> dict[str, Any]:
        return facts(session)

    @app.get("/write")
    async def write(session: Annotated[SessionView, requires("notes:write", "notes:read")]) -> dict[str, Any]:
        return facts(session)

    @app.get("/fresh")
    async def recent(session: Annotated[SessionView, fresh(minutes=10)]) -> dict[str, Any]:
        return facts(session)

    @app.get("/old", dependencies=[fresh(minutes=0)])
    async def old() -> dict[str, Any]:
        return {}

    @app.post("/hook", dependencies=[requires("notes:read", csrf=False), fresh(csrf=False)])
    async def hook(session: Annotated[SessionView, Depends(current(csrf=False))]) -> dict[str, Any]:
        return facts(session)

    @app.get("/fault")
    async def fault() -> None:
        raise SessionEnded("a detail")

    @app.websocket("/socket")
    async def socket(websocket: WebSocket, session: CurrentSession) -> None:
        await websocket.accept()
        await websocket.send_json(facts(session))
        await websocket.close()

    return app


async def _who(request: Request) -> Response:
    return JSONResponse(facts(await session_of(request)))


def a_starlette_app(lifespan: Any) -> Starlette:
    """Gives an app with a route of each kind."""
    need = on_starlette.requires

    class Who(HTTPEndpoint):
        @need()
        async def get(self, request: Request) -> Response:
            return await _who(request)

        @need()
        async def post(self, request: Request) -> Response:
            return await _who(request)

    @need("notes:read")
    def read(request: Request) -> Response:
        return JSONResponse(facts(request.scope["tallystick.session"]))

    @need(csrf=False)
    async def hook(request: Request) -> Response:
        return await _who(request)

    async def fault(request: Request) -> Response:
        return on_starlette.refusal(SessionEnded("a detail"))

    async def socket(websocket: WebSocket) -> None:
        try:
            session = await session_of(websocket)
        except TallystickError:
            await websocket.close()
            return
        await websocket.accept()
        await websocket.send_json(facts(session))
        await websocket.close()

    table = [
        Route("/who", Who),
        Route("/read", read),
        Route("/write", need("notes:write", "notes:read")(_who)),
        Route("/fresh", need(fresh_minutes=10)(_who)),
        Route("/old", need(fresh_minutes=0)(_who)),
        Route("/hook", hook, methods=["POST"]),
        Route("/fault", fault),
        WebSocketRoute("/socket", socket),
    ]
    return Starlette(lifespan=lifespan, routes=table)


@dataclass(frozen=True, slots=True)
class Stage:
    """A client of the app under test, and what its browser and its app present.

    Args:
        client: sends requests; keeps no cookies.
        cookie: headers with the session cookie.
        token: headers with an access token of the same session.
        csrf: headers with the token that goes with the cookie.
        session: the session's id.
        authority: the one behind it all.
        runner: its loop.
    """

    client: TestClient
    cookie: Credential
    token: Credential
    csrf: Credential
    session: str
    authority: Authority
    runner: asyncio.Runner


@contextmanager
def a_stage(folder: Path, build: Build, *, with_verifier: bool) -> Iterator[Stage]:
    """Signs somebody in and runs an app on an authority's or on a verifier's lifespan."""
    store = f"sqlite:///{folder / 'auth.db'}"

    def an_authority() -> Authority:
        return Authority(ISSUER, open_stores(store), root_key_file=folder / "root.key", hasher=PlainHasher())

    with asyncio.Runner() as runner:
        authority = an_authority()
        runner.run(authority.__aenter__())
        try:
            runner.run(authority.create_account(EMAIL, PASSWORD, permissions=frozenset({"notes:read"})))
            signed = runner.run(authority.sign_in(EMAIL, PASSWORD, network="127.0.0.1"))
            minted = runner.run(authority.issue_access_token(signed.cookie.reveal()))
            behind: Any = Verifier(ISSUER, audience=ISSUER, follow=open_log(store)) if with_verifier else an_authority()
            with TestClient(build(behind.lifespan), base_url="http://localhost:8000") as client:
                yield Stage(
                    client,
                    {"Cookie": f"ts={signed.cookie.reveal()}"},
                    {"Authorization": f"Bearer {minted.access_token.reveal()}"},
                    {"X-CSRF-Token": signed.csrf.reveal()},
                    signed.view.id,
                    authority,
                    runner,
                )
        finally:
            runner.run(authority.__aexit__(None, None, None))


@pytest.fixture(
    scope="module",
    params=[(build, behind) for build in (a_fastapi_app, a_starlette_app) for behind in ("authority", "verifier")],
    ids=lambda param: f"{param[0].__name__.removeprefix('a_').removesuffix('_app')}-{param[1]}",
)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The same routes on either framework, with an authority or a verifier behind them."""
    build, behind = request.param
    with a_stage(tmp_path_factory.mktemp("stage"), build, with_verifier=behind == "verifier") as stage:
        yield stage


def test_a_handler_gets_the_session_by_either_credential(stage: Stage) -> None:
    """Cookie or access token: the handler gets the same session."""
    by_cookie = stage.client.get("/who", headers=stage.cookie)
    by_token = stage.client.get("/who", headers=stage.token)
    assert by_cookie.status_code == by_token.status_code == 200
    assert by_cookie.json()["session"] == by_token.json()["session"] == stage.session
    assert (by_cookie.json()["credential"], by_token.json()["credential"]) == ("cookie", "access_token")


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, "credential.missing"),
        ({"Authorization": "Bearer a b"}, "credential.malformed"),
        ({"Authorization": "Bearer a.b.c"}, "credential.malformed"),
        ({"Cookie": "ts=x"}, "credential.malformed"),
        ({"Cookie": "ts=tsc_" + "A" * 43}, "session.ended"),
        ({"Cookie": "__Host-Http-ts=tsc_" + "A" * 43}, "credential.missing"),
    ],
)
def test_without_a_good_credential_it_is_401(stage: Stage, headers: Credential, error: str) -> None:
    """A missing or bad credential is 401 with its code and a challenge."""
    refused = stage.client.get("/who", headers=headers)
    assert (refused.status_code, refused.json()["error"]) == (401, error)
    assert refused.headers["www-authenticate"].startswith("Bearer ")
    assert refused.headers["cache-control"] == "no-store"


def test_a_route_may_demand_scopes(stage: Stage) -> None:
    """With the scope it is 200, without it 403, whichever credential arrived; the challenge names the scopes."""
    for headers in (stage.cookie, stage.token):
        assert stage.client.get("/read", headers=headers).json()["session"] == stage.session
        refused = stage.client.get("/write", headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (403, "scope.insufficient")
        assert 'scope="notes:read notes:write"' in refused.headers["www-authenticate"]


def test_a_route_may_demand_a_fresh_authentication(stage: Stage) -> None:
    """Shortly after the sign-in it is 200; when nothing is fresh enough it is 401 as RFC 9470 says."""
    assert stage.client.get("/fresh", headers=stage.cookie).status_code == 200
    refused = stage.client.get("/old", headers=stage.token)
    assert (refused.status_code, refused.json()["error"]) == (401, "authentication.too_old")
    assert "insufficient_user_authentication" in refused.headers["www-authenticate"]


def test_a_change_by_cookie_needs_a_proof(stage: Stage) -> None:
    """A POST with a cookie comes from our own page or carries the session's token; with a bearer it needs neither."""
    refused = stage.client.post("/who", headers=stage.cookie)
    assert (refused.status_code, refused.json()["error"]) == (403, "request.cross_site")
    evil = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert stage.client.post("/who", headers={**stage.cookie, **evil, **stage.csrf}).status_code == 403
    assert stage.client.post("/who", headers={**stage.cookie, **stage.csrf}).status_code == 200
    assert stage.client.post("/who", headers={**stage.cookie, "Origin": "http://localhost:8000"}).status_code == 200
    assert stage.client.post("/who", headers={**stage.token, **evil}).status_code == 200


def test_a_route_may_do_without_by_name(stage: Stage) -> None:
    """`csrf=False` lets another site's page act; the credential is still needed."""
    evil = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert stage.client.post("/hook", headers={**stage.cookie, **evil}).status_code == 200
    assert stage.client.post("/hook", headers=evil).status_code == 401


def test_an_error_of_ours_in_a_handler_is_told_right(stage: Stage) -> None:
    """What a handler raises or refuses has the right status and code."""
    refused = stage.client.get("/fault")
    assert (refused.status_code, refused.json()["error"]) == (401, "session.ended")


def test_a_websocket_gets_the_session_from_our_own_page_only(stage: Stage) -> None:
    """The handshake of a websocket carries cookies from any site, so it is checked like a change."""
    own = {**stage.cookie, "Origin": "http://localhost:8000"}
    with stage.client.websocket_connect("/socket", headers=own) as socket:
        assert socket.receive_json()["session"] == stage.session
    for headers in ({**stage.cookie, "Origin": "https://evil.example"}, stage.cookie, {}):
        with pytest.raises(WebSocketDisconnect):
            with stage.client.websocket_connect("/socket", headers=headers):
                pass


@pytest.mark.parametrize("build", [a_fastapi_app, a_starlette_app])
@pytest.mark.parametrize("with_verifier", [False, True])
def test_an_ending_reaches_the_handler(tmp_path: Path, build: Build, with_verifier: bool) -> None:
    """After `revoke(…, strength="everywhere")` has returned, the app refuses both credentials."""
    with a_stage(tmp_path, build, with_verifier=with_verifier) as stage:
        for headers in (stage.cookie, stage.token):
            assert stage.client.get("/who", headers=headers).status_code == 200
        [session] = stage.runner.run(stage.authority.sessions_of(_principal(stage)))
        stage.runner.run(stage.authority.revoke(session.id, because="lost", strength="everywhere"))
        for headers in (stage.cookie, stage.token):
            refused = stage.client.get("/who", headers=headers)
            assert (refused.status_code, refused.json()["error"]) == (401, "session.ended")


def _principal(stage: Stage) -> Any:
    account = stage.runner.run(stage.authority.find_account(EMAIL))
    assert account is not None
    return account.id


class Source:
    """A SessionSource that raises."""

    issuer = ISSUER

    def __init__(self, error: TallystickError) -> None:
        self.error = error

    @asynccontextmanager
    async def lifespan(self, app: Any) -> Any:
        """Is an ASGI lifespan."""
        yield {"tallystick": self}

    def glance(self, connection: Any) -> SessionView | None:
        """Knows nothing."""
        return None

    async def session_of(self, connection: Any) -> SessionView:
        """Raises."""
        raise self.error


@pytest.mark.parametrize("build", [a_fastapi_app, a_starlette_app])
def test_a_lapsed_lease_is_503(build: Build) -> None:
    """Our own trouble is 503 with Retry-After, never 401."""
    with TestClient(build(Source(LeaseLapsed("no beat")).lifespan)) as client:
        refused = client.get("/who")
    assert (refused.status_code, refused.json()["error"]) == (503, "lease.lapsed")
    assert refused.headers["retry-after"] == "1"


@pytest.mark.parametrize("build", [a_fastapi_app, a_starlette_app])
def test_without_a_lifespan_of_ours_nothing_is_served(build: Build) -> None:
    """An app whose lifespan is neither an authority's nor a verifier's answers 500 and says so in no word."""
    with TestClient(build(None)) as client:
        refused = client.get("/who")
    assert (refused.status_code, refused.json()) == (500, {"error": "internal"})


def test_without_install_errors_have_the_right_status_too(tmp_path: Path) -> None:
    """A FastAPI app that registers nothing answers with the right status and headers; the body is under `detail`."""
    app = FastAPI(lifespan=Source(SessionEnded()).lifespan)

    @app.get("/who")
    async def who(session: CurrentSession) -> dict[str, Any]:
        return facts(session)

    with TestClient(app) as client:
        refused = client.get("/who")
    assert (refused.status_code, refused.json()["detail"]["error"]) == (401, "session.ended")
    assert "invalid_token" in refused.headers["www-authenticate"]


def test_the_openapi_document_names_both_credentials() -> None:
    """A route that wants a session says in OpenAPI that a cookie or an access token will do."""
    document = a_fastapi_app(None).openapi()
    assert document["components"]["securitySchemes"] == {
        "session cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-Http-ts"},
        "access token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token (RFC 9068).",
        },
    }
    for path in ("/who", "/read", "/write", "/fresh", "/old"):
        security = document["paths"][path]["get"]["security"]
        assert sorted(name for one in security for name in one) == ["access token", "session cookie"]
    assert "security" not in document["paths"]["/fault"]["get"]


def test_the_routes_mount_into_fastapi(tmp_path: Path) -> None:
    """With the routes mounted, a browser signs in under `/auth` and its cookie is good at the app's own routes."""
    authority = Authority(
        ISSUER, open_stores(f"sqlite:///{tmp_path / 'a.db'}"), root_key_file=tmp_path / "k", hasher=PlainHasher()
    )
    app = a_fastapi_app(authority.lifespan)
    app.mount("/auth", routes(authority))
    wish = {"email": "bob@example.com", "password": PASSWORD}
    with TestClient(app, base_url="http://localhost:8000") as client:
        assert client.post("/auth/sign-up", json=wish).status_code == 201
        signed = client.post("/auth/session", json=wish)
        assert client.get("/who").json()["session"] == signed.json()["session"]["id"]
        assert client.delete("/auth/session", headers={"X-CSRF-Token": signed.json()["csrf"]}).status_code == 204
        assert client.get("/who").json()["error"] == "credential.missing"


@contextmanager
def a_middleware_app(source: Any, **options: Any) -> Iterator[TestClient]:
    """Runs an app behind SessionMiddleware, with an open route, a closed one and one that fails late."""

    async def front(request: Request) -> Response:
        return JSONResponse({"signed in": isinstance(request.scope["tallystick.session"], SessionView)})

    async def late(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise SessionEnded

    app = Starlette(
        lifespan=source.lifespan,
        routes=[
            Route("/", front, methods=["GET", "POST"]),
            Route("/who", _who),
            Route("/closed", on_starlette.requires()(_who)),
            Mount("/late", late),
        ],
        middleware=[Middleware(SessionMiddleware, **options)],
    )
    with TestClient(app, base_url="http://localhost:8000") as client:
        yield client


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority that was not opened yet."""
    return Authority(ISSUER, open_stores("memory://"), root_key_file=tmp_path / "k", hasher=PlainHasher())


def test_the_middleware_looks_for_everybody_and_refuses_nobody_by_itself(authority: Authority) -> None:
    """An open page is shown with and without a session, even with a dead cookie; a closed one is refused where it asks."""
    with a_middleware_app(authority) as client:
        assert client.portal is not None
        client.portal.call(authority.create_account, EMAIL, PASSWORD)
        signed = client.portal.call(lambda: authority.sign_in(EMAIL, PASSWORD, network="127.0.0.1"))
        good = {"Cookie": f"ts={signed.cookie.reveal()}"}
        dead = {"Cookie": "ts=tsc_" + "A" * 43}
        assert client.get("/", headers=good).json() == {"signed in": True}
        assert client.get("/").json() == client.get("/", headers=dead).json() == {"signed in": False}
        for path in ("/who", "/closed"):
            assert client.get(path, headers=good).json()["session"] == signed.view.id
            assert client.get(path).json()["error"] == "credential.missing"
            assert client.get(path, headers=dead).json()["error"] == "session.ended"
        assert client.post("/", headers=good).json()["error"] == "request.cross_site"
        assert client.post("/", headers={**good, "Origin": "http://localhost:8000"}).status_code == 200


def test_the_middleware_may_trust_others_or_everybody(authority: Authority) -> None:
    """A trusted origin may act, and with `csrf=False` anybody may; both are said by name."""
    dead = {"Cookie": "ts=tsc_" + "A" * 43, "Origin": "https://app.example"}
    with a_middleware_app(authority) as client:
        assert client.post("/", headers=dead).status_code == 403
    with a_middleware_app(authority, trusted_origins=["https://app.example"]) as client:
        assert client.post("/", headers=dead).status_code == 200
    with a_middleware_app(authority, csrf=False) as client:
        assert client.post("/", headers=dead).status_code == 200


def test_the_middleware_does_not_answer_twice(authority: Authority) -> None:
    """An error of ours after the answer has begun is the server's to handle."""
    with a_middleware_app(authority) as client, pytest.raises(SessionEnded):
        client.get("/late")


def test_the_middleware_says_503_for_our_trouble() -> None:
    """A lapsed lease is told where the session is asked for, and an open page stays open."""
    with a_middleware_app(Source(LeaseLapsed("no beat"))) as client:
        assert client.get("/").status_code == 200
        assert client.get("/who").status_code == 503
