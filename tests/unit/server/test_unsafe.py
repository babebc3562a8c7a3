"""Combinations that no server starts with: each is found by its id, says its fix, and a sound set-up has none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tallystick.core.keys.encoding import encode
from tallystick.crypto.root_key import RootKey
from tallystick.errors import Misconfigured
from tallystick.server.facts import Facts, FileFact, look_at
from tallystick.server.settings import Settings
from tallystick.server.unsafe import CHECKS, SAMPLES, findings, refuse

HTTPS, LOCAL = "https://auth.example.org", "http://localhost:8000"
ROOT_KEY = FileFact(Path("root.key"), exists=True, mode=0o600)
SOUND = Facts(
    HTTPS,
    ROOT_KEY,
    FileFact(Path("key.pem"), exists=True, mode=0o640),
    FileFact(Path("data/auth.db"), exists=True, mode=0o600),
    FileFact(Path("data"), exists=True, mode=0o700),
)
TLS: dict[str, Any] = {"tls_cert": Path("cert.pem"), "tls_key": Path("key.pem")}
PEPPER = "b1946ac92492d2347c6235b4d2611184aa0e9f1ddbd3a30f9d0d4bd6fc0aeb17"


def ids(facts: Facts = SOUND, **given: Any) -> list[str]:
    """Gives the ids of what is found with these settings."""
    return [one.id for one in findings(Settings.model_construct(**given), facts)]


@pytest.mark.parametrize(
    ("facts", "given"),
    [
        (SOUND, {"host": "0.0.0.0", **TLS}),
        (SOUND, {"host": "::", **TLS, "workers": 4, "pepper": SecretStr(PEPPER)}),
        (SOUND, {"host": "10.0.0.2", "trusted_proxies": ("10.0.0.7", "10.1.0.0/16", "fd00::/8")}),
        (SOUND, {}),
        (replace(SOUND, issuer=LOCAL), {}),
        (replace(SOUND, issuer=LOCAL), {"host": "::1", "trusted_origins": ("http://localhost:3000",)}),
        (replace(SOUND, issuer="https://localhost:8443"), TLS),
        (replace(SOUND, issuer="https://127.0.0.1:8443"), TLS),
        (replace(SOUND, issuer="https://example.org/auth/v2"), {"trusted_origins": ("https://app.example.org:8443",)}),
        (replace(SOUND, issuer="https://me.github.io"), {}),
        (replace(SOUND, listens=False), {"host": "0.0.0.0"}),
        (Facts(LOCAL, FileFact(Path("root.key"))), {"store": "memory://"}),
    ],
)
def test_sound_settings_have_no_finding(facts: Facts, given: dict[str, Any]) -> None:
    """What is safe starts."""
    assert ids(facts, **given) == []


@pytest.mark.parametrize(
    ("expected", "issuer", "given"),
    [
        ("http.public", LOCAL, {"host": "0.0.0.0"}),
        ("http.public", LOCAL, {"host": "192.168.1.4", "trusted_proxies": ("10.0.0.7",)}),
        ("http.public", HTTPS, {"host": "::"}),
        ("http.public", HTTPS, {"host": "auth.example.org"}),
        ("tls.half", HTTPS, {"tls_cert": Path("cert.pem")}),
        ("tls.half", HTTPS, {"tls_key": Path("key.pem")}),
        ("tls.http_issuer", LOCAL, TLS),
        ("proxies.wide", HTTPS, {"trusted_proxies": ("*",)}),
        ("proxies.wide", HTTPS, {"trusted_proxies": ("10.0.0.7", "0.0.0.0/0")}),
        ("proxies.wide", HTTPS, {"trusted_proxies": ("::/0",)}),
        ("proxies.wide", HTTPS, {"trusted_proxies": ("my-proxy",)}),
        ("issuer.shared_host", "https://github.io", {}),
        ("issuer.shared_host", "https://co.uk/auth", {}),
        ("issuer.shared_host", "https://auth", {}),
        ("issuer.address", "https://192.0.2.1", {}),
        ("issuer.address", "https://[2001:db8::1]:8443", {}),
        ("issuer.address", "https://127.1.2130706433", {}),
        ("issuer.spelling", "https://Auth.example.org", {}),
        ("issuer.spelling", "https://auth.example.org.", {}),
        ("issuer.spelling", "https://auth.example.org:443", {}),
        ("issuer.path", "https://auth.example.org/a//b", {}),
        ("issuer.path", "https://auth.example.org/a/../b", {}),
        ("issuer.path", "https://auth.example.org/a%2Fb", {}),
        ("issuer.path", "https://auth.example.org/a;b", {}),
        ("origins.unsafe", HTTPS, {"trusted_origins": ("*",)}),
        ("origins.unsafe", HTTPS, {"trusted_origins": ("https://*.example.org",)}),
        ("origins.unsafe", HTTPS, {"trusted_origins": ("null",)}),
        ("origins.unsafe", HTTPS, {"trusted_origins": ("http://app.example.org",)}),
        ("origins.unsafe", HTTPS, {"trusted_origins": ("http://localhost:3000",)}),
        ("origins.unsafe", LOCAL, {"trusted_origins": ("http://app.example.org",)}),
        ("origins.unsafe", HTTPS, {"trusted_origins": ("https://app.example.org/",)}),
        ("origins.unsafe", HTTPS, {"trusted_origins": ("app.example.org",)}),
        ("pepper.sample", HTTPS, {"pepper": SecretStr("ab" * 32)}),
        ("pepper.sample", HTTPS, {"pepper": SecretStr(bytes(range(32)).hex())}),
        (
            "pepper.sample",
            HTTPS,
            {"pepper": SecretStr("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")},
        ),
        ("workers.memory", HTTPS, {"workers": 2, "store": "memory://"}),
    ],
)
def test_each_unsafe_setting_is_found(expected: str, issuer: str, given: dict[str, Any]) -> None:
    """A setting that must not serve is found, alone, by its id."""
    facts = replace(SOUND, issuer=issuer)
    assert ids(facts, **given) == [expected]
    (found,) = findings(Settings.model_construct(**given), facts)
    assert found.sentence
    assert found.fix


@pytest.mark.parametrize(
    ("expected", "facts"),
    [
        ("root_key.open", replace(SOUND, root_key=replace(ROOT_KEY, mode=0o644))),
        ("root_key.open", replace(SOUND, root_key=replace(ROOT_KEY, mode=0o620))),
        ("tls_key.open", replace(SOUND, tls_key=FileFact(Path("key.pem"), exists=True, mode=0o644))),
        ("database.open", replace(SOUND, database=FileFact(Path("a.db"), exists=True, mode=0o644))),
        ("database.open", replace(SOUND, database=FileFact(Path("a.db"), exists=True, mode=0o602))),
        ("database.folder", replace(SOUND, folder=FileFact(Path("/tmp"), exists=True, mode=0o1777))),
    ],
)
def test_each_open_file_is_found(expected: str, facts: Facts) -> None:
    """A secret that others may read, or a database that others may replace, is found by its id."""
    assert ids(facts) == [expected]
    assert "chmod" in findings(Settings.model_construct(), facts)[0].fix


def test_example_root_keys_are_found_in_their_file(tmp_path: Path) -> None:
    """A root key that was taken from an example is recognised by the digest of its line."""
    sample = next(key for key in sorted(SAMPLES) if len(set(key)) == 32 and not key.isascii())
    path = tmp_path / "root.key"
    path.write_text(f"# made by hand\nv1:{encode(sample)}\n")
    path.chmod(0o600)
    RootKey.load(path)
    assert ids(replace(SOUND, root_key=look_at(path, secret=True))) == ["root_key.sample"]
    path.unlink()
    RootKey.load_or_create(path)
    assert ids(replace(SOUND, root_key=look_at(path, secret=True))) == []


def test_the_refusal_names_every_fix_and_no_secret() -> None:
    """All findings are said at once, each with its fix and its id; the pepper is not repeated."""
    given = {"host": "0.0.0.0", "pepper": SecretStr("ab" * 32), "trusted_proxies": ("*",)}
    with pytest.raises(Misconfigured) as caught:
        refuse(Settings.model_construct(**given), replace(SOUND, issuer=LOCAL))
    said = caught.value.detail
    assert [said.count(f"[{name}]") for name in ("http.public", "proxies.wide", "pepper.sample")] == [1, 1, 1]
    assert "--tls-cert" in said
    assert "abab" not in said
    refuse(Settings.model_construct(), SOUND)


def test_ids_are_stable_words() -> None:
    """An id is a room and a word, so that documentation can refer to it."""
    assert all(name.count(".") == 1 and name == name.lower() for name in CHECKS)
