"""What surrounds every endpoint: headers, mounting, probes, faults of ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from tallystick import Authority, open_stores
from tallystick.errors import LeaseLapsed, Unavailable
from tallystick.web import routes, standalone
from tests.integration.asgi import HTTPS, LOCAL, House, a_house

METADATA = "/.well-known/oauth-authorization-server"
SECRET = "tsr_" + "a" * 43


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An authority on https, behind a path."""
    with a_house(tmp_path, HTTPS) as house:
        yield house


def test_every_answer_carries_the_security_headers(house: House) -> None:
    """Good or bad, every answer says what a browser may do with it, and has a request id of its own."""
    replies = [house.ask(method, path) for method, path in (("GET", "/livez"), ("GET", "/session"), ("PUT", "/x"))]
    for reply in replies:
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert reply.headers["strict-transport-security"] == "max-age=31536000"
        assert "access-control-allow-origin" not in reply.headers
        names = [name for name, _ in reply.fields]
        assert len(names) == len(set(names))
    assert len({reply.headers["x-request-id"] for reply in replies}) == 3


def test_on_http_nothing_promises_https(tmp_path: Path) -> None:
    """Strict-Transport-Security is for https only."""
    with a_house(tmp_path, LOCAL) as house:
        assert "strict-transport-security" not in house.ask("GET", "/livez").headers


def test_on_https_only_the_issuers_host_is_served(house: House) -> None:
    """In production not even localhost is a good Host; a port does not matter."""
    assert house.ask("GET", "/livez", host="notes.example:8443").status == 200
    assert house.ask("GET", "/livez", host="localhost").status == 421


def test_an_address_may_be_the_host(tmp_path: Path) -> None:
    """An issuer may be an IPv6 address."""
    with a_house(tmp_path, "https://[2001:db8::1]:8443") as house:
        assert house.ask("GET", "/livez", host="[2001:db8::1]:8443").status == 200
        assert house.ask("GET", "/livez", host="[2001:db8::2]:8443").status == 421


def test_only_a_few_spellings_of_the_host_are_remembered(house: House) -> None:
    """A client that varies case and port makes nothing grow."""
    for port in range(100):
        assert house.ask("GET", "/livez", host=f"Notes.example:{port}").status == 200
    assert len(house.app._hosts) <= 32  # type: ignore[attr-defined]


def test_mounted_in_an_app_everything_is_under_its_path(house: House) -> None:
    """Mounted under the issuer's path, the routes answer there, and the app's own beside them."""

    async def hello(request: Request) -> Response:
        return JSONResponse({"hello": True})

    house.app = Starlette(routes=[Mount("/auth", routes(house.authority)), Route("/hello", hello)])
    assert house.ask("GET", "/auth/livez").status == 200
    assert house.ask("GET", "/auth" + METADATA).body["issuer"] == HTTPS
    assert house.ask("GET", "/hello").status == 200
    assert house.ask("GET", "/auth/nowhere").error == "not_found"
    assert house.ask("POST", "/auth/livez").headers["allow"] == "GET, HEAD"


def test_alone_it_serves_the_path_of_its_issuer(house: House) -> None:
    """Alone, it answers under the issuer's path, has the metadata where RFC 8414 says, and probes at the root too."""
    house.app = standalone(house.authority)
    assert house.ask("GET", "/auth/session").status == 401
    assert house.ask("GET", METADATA + "/auth").body["issuer"] == HTTPS
    assert house.ask("GET", "/auth" + METADATA).body["issuer"] == HTTPS
    assert house.ask("GET", "/readyz").status == house.ask("GET", "/auth/readyz").status == 200
    assert house.ask("GET", "/session").status == 404
    assert house.ask("GET", METADATA).status == 404
    names = [name for name, _ in house.ask("GET", "/auth/livez").fields]
    assert len(names) == len(set(names))


def test_alone_without_a_path_it_is_the_routes(tmp_path: Path) -> None:
    """An issuer without a path is served at the root."""
    with a_house(tmp_path, LOCAL) as house:
        house.app = standalone(house.authority)
        assert house.ask("GET", METADATA).body["issuer"] == LOCAL


def test_it_runs_the_authority_when_it_is_served_alone(tmp_path: Path) -> None:
    """Without an app around it, its lifespan opens and closes the authority."""
    authority = Authority(LOCAL, open_stores("memory://"), root_key_file=tmp_path / "root.key")
    with TestClient(routes(authority), base_url=LOCAL) as client:
        assert client.get("/readyz").status_code == 200
    assert not authority.ready()


def test_a_websocket_is_refused(house: House) -> None:
    """There is no websocket here."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    house.do(house.app({"type": "websocket", "path": "/session", "headers": []}, _never, send))
    assert sent == [{"type": "websocket.close", "code": 1000}]


async def _never() -> Any:
    return await asyncio.Event().wait()


def test_the_probes_tell_life_from_readiness(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it drains, or its store does not answer, it is alive and not ready."""
    assert house.ask("GET", "/readyz").body == {"ready": True}

    async def broken() -> None:
        raise Unavailable("no disk")

    with monkeypatch.context() as patched:
        patched.setattr(house.authority, "head", broken)
        assert house.ask("GET", "/readyz").status == 503
    house.authority.drain()
    reply = house.ask("GET", "/readyz")
    assert (reply.status, reply.error) == (503, "unavailable")
    assert "retry-after" in reply.headers
    assert house.ask("GET", "/livez").body == {"alive": True}


def test_without_a_lease_a_credential_is_answered_with_503(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verifier that may not trust its memory never says 401 for it, and no cookie is taken away."""
    signed = house.sign_in()

    async def lapsed(connection: object) -> None:
        raise LeaseLapsed("no beat")

    monkeypatch.setattr(house.authority, "session_of", lapsed)
    for method in ("GET", "DELETE"):
        reply = house.ask(method, "/session", cookie=signed.cookie, csrf=signed.body["csrf"])
        assert (reply.status, reply.error) == (503, "lease.lapsed")
        assert "retry-after" in reply.headers
        assert "set-cookie" not in reply.headers


def test_a_fault_of_ours_says_nothing_and_is_logged_without_secrets(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unknown exception is 500 without words; the log has the request's id, the type and the frames, not the text."""

    async def broken(*_: object, **__: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr(house.authority, "refresh", broken)
    form = {"grant_type": "refresh_token", "refresh_token": SECRET, "client_id": "a"}
    with caplog.at_level(logging.WARNING, "tallystick.web"):
        reply = house.ask("POST", "/oauth/token", form=form)
    assert (reply.status, reply.body) == (500, {"error": "internal"})
    assert reply.headers["x-request-id"] in caplog.text
    assert "ValueError" in caplog.text
    assert SECRET not in caplog.text


def test_our_own_trouble_is_logged_with_its_detail(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A 503 is in the log with what the client is not told; a 401 is not in the log at all."""

    async def broken() -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(house.authority, "head", broken)
    with caplog.at_level(logging.WARNING, "tallystick.web"):
        house.ask("GET", "/readyz")
        house.ask("GET", "/session")
    assert "the disk is full" in caplog.text
    assert len(caplog.records) == 1


def test_a_client_that_goes_away_is_no_fault(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """A request whose body never arrives whole ends without an answer and without a line in the log."""
    sent: list[Any] = []

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/session", "root_path": "", "query_string": b"",
        "headers": [(b"host", b"notes.example")], "http_version": "1.1", "scheme": "https",
    }  # fmt: skip
    house.do(house.app(scope, gone, send))
    assert sent == []
    assert caplog.records == []
