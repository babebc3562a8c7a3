"""What an operator may do in any order, and slips of the pen that must not look like success."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import enumerate as threads

import pytest

from tallystick.core.ids import KeyId
from tallystick.errors import Misconfigured, NotFound
from tests.support.embedded import embedded
from tests.support.processes import create_account, tallystick


def issuer_in(folder: Path) -> str:
    """Gives the issuer that `config`-less commands would serve under, as the store records it."""

    async def read() -> str | None:
        store = embedded(folder).world.store
        authority = embedded(folder, stores=store)
        await store.open(authority.policy.staleness)
        try:
            return await store.setting("issuer")
        finally:
            await store.close()

    return asyncio.run(read()) or ""


def test_a_command_before_the_first_serve_does_not_choose_the_port(tmp_path: Path) -> None:
    """An account may be created before the server was ever started; the server then starts on any port."""
    create_account(tmp_path)
    data = tmp_path / ".tallystick"
    assert issuer_in(data) == ""


def test_revoking_a_key_that_does_not_exist_says_so(tmp_path: Path) -> None:
    """Whoever mistypes the name of a lost key is told, instead of believing that it is gone."""

    async def story() -> None:
        async with embedded(tmp_path) as authority:
            before = await authority.head()
            with pytest.raises(NotFound):
                await authority.revoke_key(KeyId("mistyped"), because="lost", strength="logged")
            assert await authority.head() == before

    asyncio.run(story())


def test_the_command_that_revokes_an_unknown_key_fails(tmp_path: Path) -> None:
    """`keys revoke` of a name that is no key ends with 1."""
    create_account(tmp_path)
    done = tallystick(tmp_path, "keys", "revoke", "mistyped")
    assert done.returncode == 1
    assert "not_found" in done.stderr


def test_entering_a_running_authority_is_refused_and_disturbs_nothing(tmp_path: Path) -> None:
    """Two lifespans of one authority, one inside the other, are an error at start-up; the outer one goes on."""

    async def story() -> None:
        authority = embedded(tmp_path)
        async with authority:
            with pytest.raises(Misconfigured):
                await authority.__aenter__()
            assert authority.ready()
            await authority.head()
        async with authority:
            assert authority.ready()
        left = [one.name for one in threads() if one.name.startswith("tallystick-authority")]
        assert left == []

    asyncio.run(story())
