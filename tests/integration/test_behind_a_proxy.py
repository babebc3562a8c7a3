"""Behind a proxy, and pretending to be behind one: a real server, asked over its socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import EMAIL, Server, create_account, tallystick
from tests.support.raw import exchange, statuses

pytestmark = pytest.mark.process

ISSUER = "https://auth.example.org"
HOST = b"auth.example.org"


class Behind(Server):
    """A server of a public issuer on the loopback, behind listed proxies or not.

    Args:
        folder: its working directory.
        proxies: what is listed.
        family: which headers they write.
    """

    def __init__(self, folder: Path, proxies: str, family: str = "x-forwarded") -> None:
        environment = {
            "TALLYSTICK_ISSUER": ISSUER,
            "TALLYSTICK_TRUSTED_PROXIES": proxies,
            "TALLYSTICK_PROXY_HEADERS": family,
        }
        super().__init__(folder, environment=environment)
        self.probe_host = HOST.decode()

    def ask(self, method: bytes, path: bytes, *fields: bytes, body: bytes = b"") -> bytes:
        """Sends a request with further header lines, and gives the whole answer."""
        lines = [b"%b %b HTTP/1.1" % (method, path), b"Host: " + HOST, b"Connection: close", *fields]
        if body:
            lines += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
        return exchange(self.port, b"\r\n".join(lines) + b"\r\n\r\n" + body)

    def guess(self, *fields: bytes) -> int:
        """Guesses a password and gives the status."""
        body = json.dumps({"email": EMAIL, "password": "wrong wrong wrong"}).encode()
        return statuses(self.ask(b"POST", b"/session", *fields, body=body))[0]


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """A server behind a proxy on the same host."""
    folder = tmp_path_factory.mktemp("behind")
    with Behind(folder, "127.0.0.1, 10.1.0.0/16") as server:
        create_account(folder)
        yield server


def test_each_client_behind_the_proxy_has_limits_of_its_own(behind: Behind) -> None:
    """One guesser behind the proxy is slowed down; what it writes left of its own address does not help it."""
    told = []
    for number in range(12):
        told.append(behind.guess(b"X-Forwarded-For: 198.%d.100.1, 203.0.113.7, 10.1.2.3" % number))
        if told[-1] == 429:
            break
    assert told[0] == 401
    assert told[-1] == 429
    assert behind.guess(b"X-Forwarded-For: 203.0.113.7, 192.0.2.9") == 401


def test_the_scheme_that_the_proxy_tells_is_demanded(behind: Behind) -> None:
    """What came to the proxy over http is refused to programs and redirected for people's pages; https is served."""
    https, http = b"X-Forwarded-Proto: https", b"X-Forwarded-Proto: http"
    assert statuses(behind.ask(b"GET", b"/readyz", https)) == [200]
    answer = behind.ask(b"POST", b"/session", http, body=b'{"email":"a","password":"b"}')
    assert statuses(answer) == [400]
    assert b"request.plain_http" in answer
    assert b"location" not in answer
    page = behind.ask(b"GET", b"/session?a=b", http, b"Accept: text/html,*/*")
    assert statuses(page) == [308]
    assert b"location: https://auth.example.org/session?a=b\r\n" in page
    twice = behind.ask(b"GET", b"/readyz", https, http)
    assert statuses(twice) == [400]


def test_the_host_that_the_proxy_tells_is_compared_and_never_believed(behind: Behind) -> None:
    """Another X-Forwarded-Host is refused, and the issuer stays what the settings say."""
    assert statuses(behind.ask(b"GET", b"/readyz", b"X-Forwarded-Host: auth.example.org:443")) == [200]
    assert statuses(behind.ask(b"GET", b"/readyz", b"X-Forwarded-Host: evil.example")) == [421]
    assert statuses(behind.ask(b"GET", b"/readyz", b"X-Forwarded-Host: <script>")) == [421]
    document = behind.ask(b"GET", b"/.well-known/oauth-authorization-server", b"X-Forwarded-Prefix: /evil")
    assert json.loads(document.partition(b"\r\n\r\n")[2])["issuer"] == ISSUER


def test_of_a_stranger_nothing_is_believed(tmp_path: Path) -> None:
    """With another proxy listed, spoofed headers change neither limits nor issuer nor what is served."""
    with Behind(tmp_path, "10.1.0.0/16") as server:
        create_account(tmp_path)
        spoofed = (b"X-Forwarded-Proto: http", b"X-Forwarded-Host: evil.example", b"X-Real-IP: 1.2.3.4")
        told = []
        for number in range(12):
            lines = (b"X-Forwarded-For: 198.%d.100.1" % number, b"Forwarded: for=198.%d.100.1" % number)
            told.append(server.guess(*lines, b"X_Forwarded_For: 10.1.0.%d" % number, *spoofed))
        assert told[0] == 401
        assert told[-1] == 429
        document = server.ask(b"GET", b"/.well-known/oauth-authorization-server", *spoofed)
        assert json.loads(document.partition(b"\r\n\r\n")[2])["issuer"] == ISSUER
        assert b"evil" not in document


@pytest.mark.parametrize(
    ("arguments", "setting", "name"),
    [
        (("--host", "0.0.0.0"), {}, "http.public"),
        (("--host", "0.0.0.0", "--issuer", ISSUER), {}, "http.public"),
        (("--issuer", ISSUER), {"TALLYSTICK_TRUSTED_PROXIES": "*"}, "proxies.wide"),
        (("--issuer", ISSUER), {"TALLYSTICK_TRUSTED_PROXIES": "10.0.0.7,0.0.0.0/0"}, "proxies.wide"),
        (("--issuer", ISSUER), {"TALLYSTICK_TRUSTED_ORIGINS": "http://app.example.org"}, "origins.unsafe"),
        (("--issuer", "https://github.io"), {}, "issuer.shared_host"),
        (("--workers", "2", "--store", "memory://"), {}, "workers.memory"),
        ((), {"TALLYSTICK_PEPPER": "00" * 32}, "pepper.sample"),
    ],
)
def test_unsafe_settings_end_the_start(
    tmp_path: Path, arguments: tuple[str, ...], setting: dict[str, str], name: str
) -> None:
    """`serve` says what is unsafe with its id and its fix, in one line, and ends with exit code 2."""
    done = tallystick(tmp_path, "serve", "--port", "0", *arguments, environment=setting)
    assert done.returncode == 2, done.stderr
    assert f"[{name}]" in done.stderr
    assert "Traceback" not in done.stderr
    assert "0000" not in done.stderr.replace("0.0.0.0", "")
