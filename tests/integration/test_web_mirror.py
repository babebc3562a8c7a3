"""`/doctor`, which is there for the holder of the root key alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tallystick import Authority, open_stores
from tallystick.crypto.root_key import RootKey
from tallystick.crypto.sealer import RootSealer
from tallystick.web import standalone
from tallystick.web.endpoints.mirror import PROBE_HEADER, probe
from tests.support.embedded import PlainHasher

NOW = 1_800_000_000


class Clock:
    """A clock that stands still."""

    def now(self) -> int:
        """Gives the instant."""
        return NOW

    def boot(self) -> float:
        """Gives the same on the other clock."""
        return 1.0


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A client of an authority whose root key lies in `root.key` of the test's folder."""
    authority = Authority(
        "https://auth.example",
        open_stores("memory://"),
        root_key_file=tmp_path / "root.key",
        hasher=PlainHasher(),
        clock=Clock(),
    )
    with TestClient(standalone(authority), "https://auth.example") as found:
        yield found


def sealer(path: Path) -> RootSealer:
    """Gives the sealer of a root key."""
    return RootSealer(RootKey.load_or_create(path))


def ask(client: TestClient, value: str, **headers: str) -> Any:
    """Asks with a probe."""
    return client.get("/doctor", headers={PROBE_HEADER: value, **headers})


def test_the_holder_of_the_root_key_sees_the_request_as_it_arrived(client: TestClient, tmp_path: Path) -> None:
    """It tells address, headers and keys, sets a cookie as a session cookie is set, and is kept by nobody."""
    answer = ask(client, probe(sealer(tmp_path / "root.key"), NOW), Origin="https://auth.example")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["issuer"] == "https://auth.example"
    assert body["now"] == NOW
    assert body["seen"]["origin"] == "https://auth.example"
    assert PROBE_HEADER not in body["seen"]
    assert answer.headers["set-cookie"] == body["cookie"]
    assert body["cookie"] == "__Host-Http-ts-doctor=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
    served = client.get("/.well-known/jwks.json").json()["keys"]
    assert set(body["kids"]) == {one["kid"] for one in served}


@pytest.mark.parametrize("value", ["", "A", "A" * 5000, "not base64!", "AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "é"])
def test_nobody_else_finds_anything(client: TestClient, value: str) -> None:
    """Without a probe, or with something that is none, there is no such path, as for any path that is not there."""
    nothing = client.get("/nothing")
    for answer in (client.get("/doctor"), client.get("/doctor", headers=[(PROBE_HEADER.encode(), value.encode())])):
        assert (answer.status_code, answer.json()) == (nothing.status_code, nothing.json())
        assert "set-cookie" not in answer.headers


def test_another_root_key_and_another_purpose_open_nothing(client: TestClient, tmp_path: Path) -> None:
    """A probe of another set-up is refused, and so is what was sealed for something else."""
    assert ask(client, probe(sealer(tmp_path / "other.key"), NOW)).status_code == 404

    class Other:
        def seal(self, purpose: str, plain: bytes) -> bytes:
            return sealer(tmp_path / "root.key").seal("something else", plain)

    assert ask(client, probe(Other(), NOW)).status_code == 404  # type: ignore[arg-type]


def test_an_old_probe_opens_nothing(client: TestClient, tmp_path: Path) -> None:
    """A probe that was caught is worth nothing for long; a clock that is off by an hour can still be asked about."""
    ours = sealer(tmp_path / "root.key")
    assert ask(client, probe(ours, NOW - 3600)).status_code == 200
    assert ask(client, probe(ours, NOW - 3 * 86_400)).status_code == 404
    assert ask(client, probe(ours, NOW + 3 * 86_400)).status_code == 404


def test_two_probes_are_none(client: TestClient, tmp_path: Path) -> None:
    """A header that came twice is refused, so that no two readers can differ."""
    value = probe(sealer(tmp_path / "root.key"), NOW).encode()
    answer = client.get("/doctor", headers=[(PROBE_HEADER.encode(), value), (PROBE_HEADER.encode(), value)])
    assert answer.status_code == 400


def test_a_probe_is_never_the_same_twice(tmp_path: Path) -> None:
    """Two probes of one instant differ, so that none can be told from another."""
    ours = sealer(tmp_path / "root.key")
    assert probe(ours, NOW) != probe(ours, NOW)
