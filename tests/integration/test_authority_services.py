"""A service is remembered for a moment, and never longer than the log allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.core.ids import PrincipalId
from tallystick.errors import LeaseLapsed
from tests.support.house import NETWORK, House, a_house, code_of, revealed

pytestmark = pytest.mark.anyio


async def _mint(house: House, client_id: str, secret: str) -> str:
    tokens = await house.authority.client_credentials(client_id=client_id, client_secret=secret, network=NETWORK)
    return revealed(tokens.access_token)


async def test_the_second_token_costs_no_read(house: House) -> None:
    """What was read for one token serves the next, which carries the position of that read."""
    client, secret = await house.service()
    await _mint(house, client.id, secret)
    first = house.authority.verify(await _mint(house, client.id, secret))
    await house.authority.revoke(PrincipalId.of(bytes(16)), because="somebody else")
    again = house.authority.verify(await _mint(house, client.id, secret))
    assert (again.id, again.tal) == (first.id, first.tal)


async def test_a_wrong_secret_is_wrong_also_for_a_service_that_is_remembered(house: House) -> None:
    """Remembering a service does not remember who it was."""
    client, secret = await house.service()
    await _mint(house, client.id, secret)
    await _mint(house, client.id, secret)
    assert await code_of(_mint(house, client.id, secret + "x")) == "oauth.invalid_client"


async def test_an_ended_session_is_not_minted_from_again(house: House) -> None:
    """After the service's session was ended, the next token belongs to a new one."""
    client, secret = await house.service()
    old = house.authority.verify(await _mint(house, client.id, secret))
    await house.authority.revoke(old.id, because="test")
    new = house.authority.verify(await _mint(house, client.id, secret))
    assert new.id != old.id


async def test_without_a_lease_nothing_that_is_remembered_is_used(house: House) -> None:
    """A process that has not heard from the log reads the store for every token."""
    client, secret = await house.service()
    await _mint(house, client.id, secret)
    await _mint(house, client.id, secret)
    world = house.authority.world
    asked: list[object] = []

    def lapsed(view: object) -> None:
        asked.append(view)
        raise LeaseLapsed("no lease")

    world.recheck = lapsed
    await _mint(house, client.id, secret)
    await _mint(house, client.id, secret)
    assert len(asked) == 2


async def test_a_client_that_another_process_disabled_gets_nothing(tmp_path: Path) -> None:
    """When `everywhere` has returned in one authority, the other one mints nothing, remembered or not."""
    async with a_house("sqlite", tmp_path) as one, a_house("sqlite", tmp_path) as other:
        client, secret = await one.service()
        await _mint(other, client.id, secret)
        await _mint(other, client.id, secret)
        await one.authority.disable_client(client.id, because="test", strength="everywhere")
        assert await code_of(_mint(other, client.id, secret)) == "oauth.invalid_client"
