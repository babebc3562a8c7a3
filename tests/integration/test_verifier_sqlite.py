"""A verifier that follows a SQLite log which another process writes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tallystick.core.ids import SessionId
from tallystick.core.policy import Staleness
from tallystick.core.revocation.entry import Position
from tallystick.core.session.decision import EndSession
from tallystick.errors import CredentialOutdated, LeaseLapsed, SessionEnded, Unavailable
from tallystick.ports import Committed
from tallystick.stores.open import open_log, open_stores
from tallystick.verifier import Verifier
from tests.integration.test_verifier_fork import in_child
from tests.unit.verifier.minting import AUDIENCE, ISSUER, Key, a_cookie, a_session, key_set

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")]

STALENESS = Staleness(lease_s=0.9, beat_s=0.3, tick_slack_s=0.1)
KEY = Key()


async def _end(url: str, session: SessionId, *, everywhere: bool = False) -> Committed:
    store = open_stores(url)
    await store.open(STALENESS)
    try:
        return await store.commit([EndSession(session, "test")], now=int(time.time()), everywhere=everywhere)
    finally:
        await store.close()


def end_in_another_process(url: str, session: SessionId) -> Position:
    """Ends a session from a process of its own."""
    words = [sys.executable, "-m", "tests.integration.test_verifier_sqlite", url, session]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True)
    position = Position.parse(done.stdout.strip())
    assert position is not None
    return position


async def _registry(url: str) -> Mapping[str, Position]:
    store = open_stores(url)
    await store.open(STALENESS)
    try:
        return await store.registry()
    finally:
        await store.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store that was opened once."""
    url = f"sqlite:///{tmp_path}/auth.db"

    async def begin() -> None:
        store = open_stores(url)
        await store.open(STALENESS)
        await store.close()

    asyncio.run(begin())
    return url


@pytest.fixture
def verifier(url: str) -> Iterator[Verifier]:
    """A verifier that holds a lease; the keys were handed over, since nobody signs here."""
    with Verifier(ISSUER, AUDIENCE, follow=open_log(url), shared_keys=json.loads(key_set(KEY))) as one:
        yield one


def test_an_ending_of_another_process_arrives_by_itself(url: str, verifier: Verifier) -> None:
    """What another process commits reaches the index without a call."""
    session = a_session()
    token = KEY.mint(session, tal=verifier.state().applied)
    assert verifier.verify(token).id == session
    position = end_in_another_process(url, session)
    assert verifier.applied_blocking(position, 2.0)
    with pytest.raises(SessionEnded):
        verifier.verify(token)


def test_an_ending_for_everywhere_is_acked_in_the_store(url: str, verifier: Verifier) -> None:
    """The registry that the revoker reads says that this verifier has it; after a clean end it is gone from it."""
    position = asyncio.run(_end(url, a_session(), everywhere=True)).position
    me = verifier.state().verifier
    until = time.monotonic() + 5
    while asyncio.run(_registry(url))[me] < position:
        assert time.monotonic() < until
        time.sleep(0.01)
    verifier.stop()
    assert me not in asyncio.run(_registry(url))


def test_who_starts_late_knows_what_ended(url: str) -> None:
    """A verifier that starts after an ending has it with its first lease."""
    session = a_session()
    asyncio.run(_end(url, session))
    with Verifier(ISSUER, AUDIENCE, follow=open_log(url), shared_keys=json.loads(key_set(KEY))) as verifier:
        with pytest.raises(SessionEnded):
            verifier.verify(KEY.mint(session))


def test_a_cookie_that_nobody_knows_stands_for_nothing(verifier: Verifier) -> None:
    """A cookie is looked up in the store, read-only, from this process."""
    value, _ = a_cookie()
    with pytest.raises(SessionEnded):
        asyncio.run(verifier.view_of_cookie(value))
    with pytest.raises(SessionEnded):
        verifier.view_of_cookie_blocking(value)
    assert verifier.state().counters["cookie_reads"] == 1


def test_the_child_of_a_fork_follows_the_file_itself(url: str, verifier: Verifier) -> None:
    """A child opens the file anew, under a new id, and both go on."""
    session = a_session()
    token = KEY.mint(session, tal=verifier.state().applied)
    verifier.verify(token)
    mine = verifier.state().verifier

    def story() -> object:
        verifier.verify(token)
        theirs = verifier.state().verifier
        asyncio.run(_end(url, session))
        until = time.monotonic() + 5
        while time.monotonic() < until:
            try:
                verifier.verify(token)
            except SessionEnded as error:
                verifier.stop()
                return [theirs != mine, error.code]
            time.sleep(0.01)
        return "never"

    assert in_child(None, story) == [True, "session.ended"]
    assert verifier.applied_blocking(verifier.state().applied._replace(seq=1), 2.0)
    with pytest.raises(SessionEnded):
        verifier.verify(token)


def test_a_file_that_was_put_back_is_found(tmp_path: Path, url: str, verifier: Verifier) -> None:
    """After an older copy is put in place of the database nothing of it is trusted; a new epoch asks everybody again."""
    session, other = a_session(), a_session()
    path, copy = tmp_path / "auth.db", tmp_path / "copy.db"
    copy.write_bytes(path.read_bytes())
    token = KEY.mint(other, tal=verifier.state().applied)
    assert verifier.applied_blocking(asyncio.run(_end(url, session)).position, 2.0)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    copy.replace(path)
    refused, until = set[str](), time.monotonic() + 10
    while time.monotonic() < until:
        try:
            verifier.verify(token)
        except (LeaseLapsed, Unavailable):
            refused.add("lapsed")
        except CredentialOutdated:
            refused.add("outdated")
            break
        time.sleep(0.01)
    assert refused == {"lapsed", "outdated"}
    with pytest.raises(SessionEnded):
        verifier.verify(KEY.mint(session, tal=verifier.state().applied))


if __name__ == "__main__":
    named = SessionId.parse(sys.argv[2])
    assert named is not None
    print(asyncio.run(_end(sys.argv[1], named)).position.text())
