"""Races between processes, and between a sign-in and a password change."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tallystick import Rejected, open_stores
from tallystick.core.session.decision import OpenSession
from tallystick.core.session.model import AppHolder
from tallystick.errors import AuthenticationFailed, RefreshReused
from tallystick.ports import Committed, Store, Write
from tests.architecture.source import ROOT
from tests.support.embedded import EMAIL, NETWORK, PASSWORD, embedded, store_url
from tests.support.processes import clean_environment

GRACE_S = 2
THREADS = 10
PROCESSES = 2
NEW_PASSWORD = "eight notches on an ashen stick"


def racers(folder: Path, token: str, client: str) -> list[dict[str, str]]:
    """Lets 20 threads of two processes present one refresh token at once and gives what they got."""
    orders = {"folder": str(folder), "token": token, "client": client, "grace": GRACE_S, "threads": THREADS}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.refreshing"],
            cwd=ROOT,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for one in started:
        assert one.stdin is not None
        one.stdin.write(json.dumps(orders) + "\n")
        one.stdin.flush()
    for one in started:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    outputs = [one.communicate(timeout=60)[0] for one in started]
    assert [one.returncode for one in started] == [0] * PROCESSES
    return [got for output in outputs for got in json.loads(output)]


@pytest.mark.process
def test_twenty_threads_refresh_one_token(tmp_path: Path) -> None:
    """Of 20 threads in two processes one rotates; all get the identical successor; late reuse ends the session."""

    async def story() -> None:
        async with embedded(tmp_path, grace=GRACE_S) as authority:
            account = await authority.sign_up(EMAIL, PASSWORD, network=NETWORK)
            client, _ = await authority.create_client("phone", kind="native", first_party=True)
            tokens = await authority.sign_in_app(EMAIL, PASSWORD, client_id=client.id, network=NETWORK)
            assert tokens.refresh_token is not None
            first = tokens.refresh_token.reveal()

            got = await asyncio.to_thread(racers, tmp_path, first, client.id)

            assert len(got) == THREADS * PROCESSES
            successors = {one.get("refresh", one.get("error", "")) for one in got}
            assert len(successors) == 1
            successor = successors.pop()
            assert successor != first
            (session,) = await authority.sessions_of(account.id)
            assert isinstance(session.holder, AppHolder)
            assert session.holder.generation == 1
            assert all(authority.verify(one["access"]).id == session.id for one in got)

            await asyncio.sleep(GRACE_S + 1.1)
            with pytest.raises(RefreshReused):
                await authority.refresh(first, client_id=client.id, network=NETWORK)
            with pytest.raises(Rejected):
                await authority.refresh(successor, client_id=client.id, network=NETWORK)
            with pytest.raises(Rejected):
                authority.verify(got[0]["access"])
            assert await authority.sessions_of(account.id) == []

    asyncio.run(story())


class Held:
    """A store whose next opening of a session waits before its commit until it is let go.

    Args:
        store: the store behind it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._armed = False
        self.reached = asyncio.Event()
        self.let_go = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def arm(self) -> None:
        """Holds the next opening."""
        self._armed = True

    async def commit(self, writes: Sequence[Write], *, now: int, everywhere: bool = False) -> Committed:
        """Commits; the first opening after `arm` waits."""
        if self._armed and any(isinstance(write, OpenSession) for write in writes):
            self._armed = False
            self.reached.set()
            await self.let_go.wait()
        return await self._store.commit(writes, now=now, everywhere=everywhere)


@pytest.mark.parametrize("url", ["memory:", "sqlite"])
@pytest.mark.parametrize("holder", ["browser", "app"])
def test_a_sign_in_that_checked_the_old_password_is_not_born(url: str, holder: str, tmp_path: Path) -> None:
    """A password changed between a sign-in's check and its commit leaves no session that was born before the change."""

    async def story() -> None:
        store = Held(open_stores(store_url(tmp_path) if url == "sqlite" else url))
        async with embedded(tmp_path, stores=store) as authority:  # type: ignore[arg-type]
            account = await authority.sign_up(EMAIL, PASSWORD, network=NETWORK)
            client, _ = await authority.create_client("phone", kind="native", first_party=True)
            owner = await authority.sign_in(EMAIL, PASSWORD, network=NETWORK)

            store.arm()
            if holder == "browser":
                thief: asyncio.Task[Any] = asyncio.create_task(authority.sign_in(EMAIL, PASSWORD, network=NETWORK))
            else:
                thief = asyncio.create_task(
                    authority.sign_in_app(EMAIL, PASSWORD, client_id=client.id, network=NETWORK)
                )
            await asyncio.wait_for(store.reached.wait(), 10)
            changed = await authority.change_password(owner.cookie.reveal(), PASSWORD, NEW_PASSWORD, network=NETWORK)
            store.let_go.set()

            with pytest.raises(AuthenticationFailed):
                await asyncio.wait_for(thief, 10)
            (left,) = await authority.sessions_of(account.id)
            assert left.id == owner.view.id
            assert left.born == await authority.head()
            assert (await authority.view_of_cookie(changed.cookie.reveal())).id == owner.view.id

    asyncio.run(story())
