"""Trouble in the middle of other things: a store that reads but does not write, keys lost one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from tallystick import Authority
from tallystick.authority import rotate_keys
from tallystick.authority.world import World
from tallystick.core.ids import KeyId, SessionId
from tallystick.core.keys.lifecycle import SigningKey
from tallystick.errors import Unavailable
from tests.support.embedded import EMAIL, NETWORK, PASSWORD, embedded


async def two_cookies(authority: Authority) -> tuple[str, str]:
    """Signs in twice; the first cookie was used since, so that a last use waits to be written."""
    await authority.create_account(EMAIL, PASSWORD)
    used = (await authority.sign_in(EMAIL, PASSWORD, network=NETWORK)).cookie.reveal()
    other = (await authority.sign_in(EMAIL, PASSWORD, network=NETWORK)).cookie.reveal()
    await authority.view_of_cookie(used)
    assert authority.world.uses
    return used, other


def refuse_to_write(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the store write no last use any more, as a full disk does."""

    async def touch(uses: Mapping[SessionId, int]) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(authority.world.store, "touch", touch)


def test_cookies_are_checked_while_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nothing can be written, whoever is signed in stays signed in, also at the first sight of a cookie."""

    async def story() -> None:
        async with embedded(tmp_path) as authority:
            _, other = await two_cookies(authority)
            refuse_to_write(authority, monkeypatch)
            view = await authority.view_of_cookie(other)
            assert view.credential == "cookie"
            assert authority.world.uses, "what could not be written is kept"
            monkeypatch.undo()

    asyncio.run(story())


def test_two_lost_keys_in_a_row_both_stop_signing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second key that is revoked while another process still reads the keys is not signed with there either."""

    async def story() -> None:
        async with embedded(tmp_path) as here, embedded(tmp_path) as there:
            held, reading = asyncio.Event(), asyncio.Event()
            load = rotate_keys.load_keys

            async def slow(world: World) -> list[SigningKey]:
                keys = list(await load(world))
                if world is there.world and not held.is_set():
                    world.signer.load(keys)
                    reading.set()
                    await held.wait()
                return keys

            monkeypatch.setattr(rotate_keys, "load_keys", slow)
            lost = []
            for _ in range(2):
                lost.append(KeyId(here.world.signer.active or ""))
                revoked = await here.revoke_key(lost[-1], because="lost", strength="logged")
                await asyncio.wait_for(reading.wait(), 5)
                await there.verifier.applied(revoked.position)
            held.set()
            for _ in range(200):
                if there.world.signer.active == here.world.signer.active:
                    break
                await asyncio.sleep(0.01)
            assert there.world.signer.active not in lost

    asyncio.run(story())
