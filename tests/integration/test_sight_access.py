"""Who may read the metrics: this host, and whoever knows the token. To outsiders they do not exist."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from tallystick.core.secret import Secret
from tallystick.errors import CredentialMissing, NotFound
from tallystick.web.call import Call
from tallystick.web.endpoints.metrics import FORWARDED, Metrics
from tests.support.processes import Browser, Server, create_account, create_client
from tests.support.scraping import fetch, parsed, total

TOKEN = "a token of more than twenty characters"


async def page() -> str:
    """Gives a page."""
    return "page\n"


def asked(peer: str | None, fields: dict[bytes, bytes], token: str | None = None, *repeated: bytes) -> int:
    """Asks the endpoint; gives the status."""
    scope = {"type": "http", "method": "GET", "path": "/metrics", "client": (peer, 1) if peer else None, "headers": []}
    call = Call(scope, {b"host": b"localhost:8000"} | fields, set(repeated), b"")
    try:
        return asyncio.run(Metrics(page, Secret(token) if token is not None else None).show(call)).status
    except NotFound:
        return 404
    except CredentialMissing:
        return 401


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", [b"localhost", b"LOCALHOST:8000", b"127.0.0.1:9", b"[::1]:8000", b"[::1]"])
def test_this_host_reads_them(peer: str, host: bytes) -> None:
    """A process of this host that names it by a loopback name may read, with nothing set."""
    assert asked(peer, {b"host": host}) == 200


@pytest.mark.parametrize(
    "peer", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.7", "local", "127.0.0.1.example", None]
)
@pytest.mark.parametrize(("token", "status"), [(None, 404), (TOKEN, 401)])
def test_outsiders_do_not(peer: str | None, token: str | None, status: int) -> None:
    """Without a token nobody else finds them; with one, it is asked for."""
    assert asked(peer, {}, token) == status


@pytest.mark.parametrize("name", FORWARDED)
def test_what_a_proxy_passed_on_is_not_of_this_host(name: bytes) -> None:
    """A proxy on this host does not open them to the world."""
    assert asked("127.0.0.1", {name: b"192.0.2.7"}) == 404


@pytest.mark.parametrize(
    "host", [b"auth.example", b"localhost.evil.example", b"127.0.0.1.evil.example", b"", b"[::1].evil", b"[::2]"]
)
def test_another_name_is_not_this_host(host: bytes) -> None:
    """Neither a silent proxy that passes on the public name nor a name that was rebound to loopback gets them."""
    assert asked("127.0.0.1", {b"host": host}) == 404


@pytest.mark.parametrize(("site", "status"), [(b"cross-site", 404), (b"same-site", 404), (b"none", 200)])
def test_a_page_of_another_site_does_not_read_them(site: bytes, status: int) -> None:
    """A browser on this host that says who asks is believed."""
    assert asked("127.0.0.1", {b"sec-fetch-site": site}) == status


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN} ", 200),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("", 401),
    ],
)
def test_the_token_opens_them_to_whoever_presents_it(authorization: str, status: int) -> None:
    """Exactly the token does, from anywhere and under any name."""
    fields = {b"authorization": authorization.encode(), b"host": b"auth.example", b"x-forwarded-for": b"192.0.2.7"}
    assert asked("192.0.2.7", fields, TOKEN) == status


def test_a_header_that_came_twice_opens_nothing() -> None:
    """Two Authorization headers are one too many, whatever the last one says."""
    fields = {b"authorization": f"Bearer {TOKEN}".encode()}
    assert asked("192.0.2.7", fields, TOKEN, b"authorization") == 401


@pytest.mark.process
def test_a_server_reads_the_token_from_a_file_and_logs_no_secret(tmp_path: Path) -> None:
    """With a token in a file a scrape under another name works; the log is JSON with request ids and holds no live secret."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    environment = {
        "TALLYSTICK_METRICS_TOKEN_FILE": str(tmp_path / "token"),
        "TALLYSTICK_LOG_FORMAT": "json",
        "TALLYSTICK_ACCESS_LOG": "true",
        "TALLYSTICK_LOG_LEVEL": "debug",
    }
    with Server(tmp_path, environment=environment) as server:
        bearer = {"Authorization": f"Bearer {TOKEN}", "Host": "auth.example"}
        assert fetch(server.port, bearer)[0] == 200
        assert fetch(server.port, {"Host": "auth.example"})[0] == 401
        assert fetch(server.port)[0] == 200
        create_account(tmp_path)
        app = create_client(tmp_path, "phone", "--kind", "native", "--first-party")["client_id"]
        service = create_client(tmp_path, "sync", "--kind", "service")
        browser = Browser(server.port)
        signed = browser.sign_in()
        tokens = browser.sign_in_app(app).body
        form = {
            "grant_type": "client_credentials",
            "client_id": service["client_id"],
            "client_secret": service["client_secret"],
        }
        minted = browser.ask("POST", "/oauth/token", form=form).body
        wrong = browser.sign_in(password="a wrong password that is no secret of ours")
        browser.ask("GET", "/session?password=in-the-query", bearer=str(tokens["access_token"]))
        secrets = [
            *browser.cookies.values(),
            str(signed.body["csrf"]),
            str(tokens["access_token"]),
            str(tokens["refresh_token"]),
            str(minted["access_token"]),
            service["client_secret"],
            TOKEN,
            "seven notches",
            "a wrong password",
            "in-the-query",
        ]
        lines = [json.loads(line) for line in server.log.splitlines()]
        assert [secret for secret in secrets if secret in server.log] == []
        assert all({"at", "level", "logger"} <= line.keys() for line in lines)
        failed = next(line for line in lines if line.get("event") == "authentication.failed")
        assert failed["request"] == wrong.headers["x-request-id"]
        told = [line["message"] for line in lines if line["logger"] == "tallystick.access"]
        assert any(line.startswith("GET /session 200 ") for line in told), told
        assert total(parsed(fetch(server.port)[1]), "tallystick_responses_total", status="4xx") >= 2


@pytest.mark.process
def test_an_id_that_a_client_sends_is_not_used(tmp_path: Path) -> None:
    """Request ids come from the server alone, so nobody can write another's id into the log."""
    with Server(tmp_path) as server:
        done = subprocess.run(
            ["curl", "-si", "-H", "X-Request-Id: forged\x1b[2J", f"http://localhost:{server.port}/livez"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        assert "forged" not in done.stdout
        assert "forged" not in server.log


def test_a_short_token_is_refused_at_start(tmp_path: Path) -> None:
    """A token that could be guessed ends the command, and the message does not repeat it."""
    from tests.support.processes import tallystick

    done = tallystick(tmp_path, "serve", environment={"TALLYSTICK_METRICS_TOKEN": "tooshort"})
    assert done.returncode == 2
    assert "metrics_token" in done.stderr
    assert "tooshort" not in done.stderr
