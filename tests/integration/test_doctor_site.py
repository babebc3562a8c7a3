"""The doctor before real servers and a real proxy: silent where all is well, and each planted mistake by its name."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from tallystick.server.doctor.examine import Examination
from tallystick.server.doctor.finding import Report
from tests.support.processes import PASSWORD, Server, tallystick
from tests.support.proxy import Habits, Pairs, Proxy
from tests.support.secure import Secure

pytestmark = pytest.mark.process
HOST = "localhost"


def names(report: Report) -> list[str]:
    """Gives the ids of what was found, without `doctor.`."""
    return sorted(one.id.removeprefix("doctor.") for one in report.findings)


@pytest.fixture(scope="module")
def authority_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """An authority for certificates, and the file by which it is trusted."""
    authority = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return authority, file


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Gives the context of a TLS server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, authority_file: tuple[trustme.CA, Path]
) -> Iterator[tuple[Path, Proxy, Server]]:
    """A set-up as `init` makes it, served behind a TLS proxy that does its work well."""
    folder = tmp_path_factory.mktemp("house")
    with Proxy(context_of(authority_file[0].issue_cert(HOST))) as proxy:
        made = tallystick(
            folder, "init", "--issuer", proxy.url, "--admin", "ada@example.com", "--password-stdin", stdin=PASSWORD
        )
        assert made.returncode == 0, made.stderr
        settings = (folder / "tallystick.toml").read_text()
        (folder / "tallystick.toml").write_text(f'trusted_proxies = ["127.0.0.1"]\n{settings}')
        with Server(folder) as server:
            proxy.to(server.port)
            yield folder, proxy, server


@pytest.fixture
def examine(
    house: tuple[Path, Proxy, Server], authority_file: tuple[trustme.CA, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Report]]:
    """Gives a function that examines the house while the proxy has some habits."""
    folder, proxy, _ = house
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority_file[1]))

    def look(habits: Habits | None = None, url: str = "", **flags: object) -> Report:
        proxy.habits = habits or Habits()
        return Examination(dict(flags), url=url).run()

    yield look
    proxy.habits = Habits()


def test_a_sound_set_up_behind_a_proxy_is_left_alone(examine: Callable[..., Report]) -> None:
    """A set-up as `init` makes it, behind TLS and a proxy that does its work, gives no finding and leaves nothing unseen."""
    report = examine()
    assert (names(report), report.unseen) == ([], ())
    assert names(examine(Habits(forwarded_for="append"))) == []


def test_a_sound_set_up_without_a_proxy_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set-up as `init` makes it, served on localhost, gives no finding."""
    made = tallystick(tmp_path, "init", "--admin", "ada@example.com", "--password-stdin", stdin=PASSWORD)
    assert made.returncode == 0, made.stderr
    with Server(tmp_path):
        monkeypatch.chdir(tmp_path)
        report = Examination({}).run()
    assert (names(report), report.unseen) == ([], ())


def test_a_sound_set_up_with_tls_of_its_own_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that ends TLS itself gives no finding to who trusts its certificate, and one to who does not."""
    server = Secure(tmp_path)
    for name, value in {"ISSUER": server.issuer, "TLS_CERT": "cert.pem", "TLS_KEY": "key.pem"}.items():
        server.environment[f"TALLYSTICK_{name}"] = value
        monkeypatch.setenv(f"TALLYSTICK_{name}", value)
    made = tallystick(
        tmp_path, "init", "--issuer", server.issuer, "--admin", "ada@example.com", "--password-stdin", stdin=PASSWORD
    )
    assert made.returncode == 0, made.stderr
    monkeypatch.chdir(tmp_path)
    with server:
        stranger = Examination({}).run()
        server.authority.cert_pem.write_to_path("ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", "ca.pem")
        sound = Examination({}).run()
    assert names(stranger) == ["tls_untrusted"]
    assert (names(sound), sound.unseen) == ([], ())


@pytest.mark.parametrize(
    ("habits", "found"),
    [
        (Habits(forwarded_for="none"), "forwarded_missing"),
        (Habits(forwarded_for="pass"), "forwarded_spoofable"),
        (Habits(proto="http"), "proto_wrong"),
        (Habits(host="backend:8000"), "host_not_passed"),
        (Habits(drops=frozenset({"cookie"})), "headers_lost"),
        (Habits(drops=frozenset({"origin", "sec-fetch-site"})), "headers_lost"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_proxy_that_misleads_the_server_is_found(examine: Callable[..., Report], habits: Habits, found: str) -> None:
    """A proxy that hides its visitors, lets them lie, calls https http, asks under another name or drops headers."""
    assert names(examine(habits)) == [found]


def without(*gone: str) -> Callable[[str, Pairs], Pairs]:
    """Makes the habit of taking headers out of answers."""
    return lambda path, pairs: [(name, value) for name, value in pairs if name.lower() not in gone]


def changing(header: str, change: Callable[[str], str], only: str = "") -> Callable[[str, Pairs], Pairs]:
    """Makes the habit of changing a header of answers, perhaps of one path only."""
    return lambda path, pairs: [
        (name, change(value) if name.lower() == header and only in path else value) for name, value in pairs
    ]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (without("strict-transport-security", "content-security-policy"), "headers_stripped"),
        (changing("cache-control", lambda _: "public, max-age=60", "/doctor"), "answers_cached"),
        (changing("cache-control", lambda _: "public, max-age=86400", "jwks"), "jwks_cached_longer"),
        (changing("set-cookie", lambda value: value.replace("Path=/", "Path=/auth")), "cookie_changed"),
        (changing("set-cookie", lambda value: value.replace("; Secure", "")), "cookie_changed"),
    ],
    ids=["stripped", "cached", "jwks", "path", "secure"],
)
def test_a_proxy_that_changes_answers_is_found(
    examine: Callable[..., Report], answer: Callable[[str, Pairs], Pairs], found: str
) -> None:
    """A proxy or CDN that strips headers, overrides how long things may be kept, or rewrites cookies."""
    assert names(examine(Habits(answer=answer))) == [found]


def test_another_url_than_the_issuer_is_found(
    examine: Callable[..., Report], house: tuple[Path, Proxy, Server]
) -> None:
    """Whoever visits the server past the proxy is told what the issuer is."""
    _, proxy, server = house
    report = examine(url=f"http://localhost:{server.port}")
    (found,) = [one for one in report.findings if one.id == "doctor.issuer_differs"]
    assert proxy.url in found.says


def test_an_issuer_of_http_behind_tls_is_found(
    tmp_path: Path, examine: Callable[..., Report], house: tuple[Path, Proxy, Server]
) -> None:
    """A server that was told no issuer, behind a proxy that ends TLS, is told to say https."""
    with Server(tmp_path) as server:
        _, proxy, sound = house
        proxy.to(server.port)
        try:
            report = examine(url=proxy.url)
        finally:
            proxy.to(sound.port)
    assert "http_behind_tls" in names(report)


def test_a_second_server_with_a_store_of_its_own_is_found(
    tmp_path: Path, examine: Callable[..., Report], house: tuple[Path, Proxy, Server]
) -> None:
    """Two servers behind one balancer that do not share a store are found, though each of them is sound."""
    _, proxy, sound = house
    environment = {"TALLYSTICK_ISSUER": proxy.url, "TALLYSTICK_TRUSTED_PROXIES": "127.0.0.1"}
    with Server(tmp_path, environment=environment) as other:
        proxy.to(sound.port, other.port)
        try:
            report = examine()
        finally:
            proxy.to(sound.port)
    assert "workers_without_log" in names(report)


def test_a_proxy_that_is_not_listed_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that says for whom it asks, and whose word the server does not take, is to be listed."""
    with Proxy() as proxy:
        made = tallystick(tmp_path, "init", "--issuer", proxy.url)
        assert made.returncode == 0, made.stderr
        with Server(tmp_path) as server:
            monkeypatch.chdir(tmp_path)
            proxy.habits = Habits(client="198.51.100.4")
            proxy.to(server.port)
            report = Examination({}).run()
    assert "forwarded_not_believed" in names(report)


def test_a_stale_key_set_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that keeps the key set for ever is found once a key was announced that it does not know."""
    with Proxy(habits=Habits(keeps=frozenset({"/.well-known/jwks.json"}))) as proxy:
        short = {"TALLYSTICK_POLICY__KEY_SET_MAX_AGE": "10"}
        environment = {"TALLYSTICK_ISSUER": proxy.url, "TALLYSTICK_TRUSTED_PROXIES": "127.0.0.1", **short}
        with Server(tmp_path, environment=environment) as server:
            proxy.to(server.port)
            monkeypatch.chdir(tmp_path)
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            assert "jwks_stale" not in names(Examination({}).run())
            assert tallystick(tmp_path, "keys", "rotate", environment=environment).returncode == 0
            time.sleep(11.5)
            report = Examination({}).run()
    assert "jwks_stale" in names(report)


@pytest.mark.parametrize(
    ("issued", "found"),
    [
        ({"names": ["other.example"]}, "tls_other_host"),
        ({"names": [HOST], "days": 3}, "tls_expiring"),
        ({"names": [HOST], "days": -1}, "tls_expiring"),
        ({"names": [HOST], "stranger": True}, "tls_untrusted"),
    ],
    ids=["host", "expiring", "expired", "untrusted"],
)
def test_a_bad_certificate_is_found(
    issued: dict[str, object],
    found: str,
    examine: Callable[..., Report],
    authority_file: tuple[trustme.CA, Path],
    house: tuple[Path, Proxy, Server],
) -> None:
    """A certificate for another host, one that ends soon or has ended, and one of a stranger, each shown by a real server."""
    authority = trustme.CA() if issued.get("stranger") else authority_file[0]
    days = issued.get("days", 90)
    assert isinstance(days, int)
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    certificate = authority.issue_cert(*issued["names"], not_after=until)  # type: ignore[misc]
    with Proxy(context_of(certificate)) as proxy:
        proxy.to(house[2].port)
        assert found in names(examine(url=proxy.url))


def test_metrics_that_are_open_to_the_world_are_found(
    examine: Callable[..., Report],
    authority_file: tuple[trustme.CA, Path],
    house: tuple[Path, Proxy, Server],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Metrics that are shown under a name of the world, to whoever asks, are found; the name is led to this host here."""
    real = socket.getaddrinfo

    def led_here(host: str, *more: object, **named: object) -> object:
        return real(HOST if host == "auth.example" else host, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", led_here)
    shown = Habits(status={"/metrics": 200})
    with Proxy(context_of(authority_file[0].issue_cert("auth.example")), shown) as proxy:
        proxy.to(house[2].port)
        assert "metrics_open" in names(examine(url=f"https://auth.example:{proxy.port}"))
        proxy.habits = Habits(status={"/metrics": 404})
        assert "metrics_open" not in names(examine(url=f"https://auth.example:{proxy.port}"))


def test_who_does_not_answer_is_not_called_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nobody answers at the issuer, the report says that it could not look."""
    made = tallystick(tmp_path, "init", "--admin", "ada@example.com", "--password-stdin", stdin=PASSWORD)
    assert made.returncode == 0, made.stderr
    monkeypatch.chdir(tmp_path)
    report = Examination({"port": 1}).run()
    assert (names(report), [what for what, _ in report.unseen]) == ([], ["http://localhost:1"])
    assert Examination({"port": 1}, offline=True).run().unseen == ()
