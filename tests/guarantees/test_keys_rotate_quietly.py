"""KeysRotateQuietly: nobody notices a rotation, and nothing brings a lost key back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.authority.rotate_keys import load_keys
from tallystick.core.keys.lifecycle import KeyState, announce_lead, drain_time
from tallystick.core.policy import DEFAULT
from tests.support.house import EXPORT, House, Kind, a_house, until, verdict

pytestmark = pytest.mark.anyio
POLICY = replace(DEFAULT, key_set_max_age=60, signing_key_lifetime=3600)


@pytest.fixture
async def turning(kind: Kind, tmp_path: Path) -> AsyncIterator[House]:
    """A house whose keys live for an hour and whose key set may be cached for a minute."""
    async with a_house(kind, tmp_path, POLICY) as found:
        yield found


async def published(house: House) -> set[str]:
    """Gives the names in the key set that is served."""
    return {key["kid"] for key in json.loads(await house.authority.key_set())["keys"]}


async def states(house: House) -> dict[str, str]:
    """Gives the state of each key."""
    return {key.kid: key.state.value for key in await house.authority.keys()}


async def later(house: House, seconds: float) -> None:
    """Lets time pass, and the job that looks after the keys run."""
    await house.pass_time(seconds)
    await load_keys(house.authority.world)


class TestKeysRotateQuietly:
    """Announced long before it signs, published until its last token has expired."""

    async def test_a_new_key_is_published_two_cache_lifetimes_before_it_signs(self, turning: House) -> None:
        """Everybody who caches the key set as told has the new key before the first token of it arrives."""
        house = turning
        old = str(house.authority.world.signer.active)
        new = await house.authority.rotate_keys()
        assert await published(house) == {old, new.kid}
        lead = announce_lead(POLICY)
        assert lead == 2 * POLICY.key_set_max_age
        await later(house, lead - 2)
        assert house.authority.world.signer.active == old
        await later(house, 3)
        assert house.authority.world.signer.active == new.kid

    async def test_the_old_key_verifies_until_its_last_token_has_expired(self, turning: House) -> None:
        """A token that was signed at the last moment is good for its whole life; then the key is gone."""
        house = turning
        client = await house.app()
        await house.person()
        old = str(house.authority.world.signer.active)
        await house.authority.rotate_keys()
        await house.pass_time(announce_lead(POLICY) + 1)
        last = await house.sign_in_app(client)
        await load_keys(house.authority.world)
        assert house.authority.world.signer.active != old
        first = await house.sign_in_app(client)
        assert verdict(house.authority, last.access_token) == "good"
        assert verdict(house.authority, first.access_token) == "good"
        await later(house, POLICY.access_token_lifetime - 1)
        assert old in await published(house)
        assert verdict(house.authority, last.access_token) == "good"
        await later(house, drain_time(POLICY))
        assert old not in await published(house)
        assert (await states(house))[old] == KeyState.RETIRED

    async def test_keys_rotate_by_themselves(self, turning: House) -> None:
        """Over a day of hours nobody does anything, every token is good when it is fresh, and keys come and go."""
        house = turning
        client = await house.app()
        await house.person()
        signers = set()
        async with house.verifier() as other:
            for _ in range(12):
                await house.pass_time(1200, other)
                await load_keys(house.authority.world)
                tokens = await house.sign_in_app(client)
                assert verdict(house.authority, tokens.access_token) == "good"
                assert verdict(other, tokens.access_token) == "good"
                signers.add(house.authority.world.signer.active)
        assert len(signers) >= 3
        assert len(await published(house)) <= 3

    async def test_a_verifier_that_knew_the_key_set_before_takes_the_first_token_of_the_new_key(
        self, turning: House
    ) -> None:
        """A service that read the key set at the announcement needs no further read for the new key's tokens."""
        house = turning
        client = await house.app()
        await house.person()
        await house.authority.rotate_keys()
        log = house.log()
        async with house.verifier(follow=log) as other:
            read = len(log.key_sets)
            await later(house, announce_lead(POLICY) + 1)
            await house.caught_up(other)
            log.key_set_instead = log.key_sets[read - 1]
            tokens = await house.sign_in_app(client)
            assert verdict(other, tokens.access_token) == "good"

    async def test_a_rotation_by_hand_that_is_asked_for_twice_is_one(self, turning: House) -> None:
        """Asking again while a key is announced announces no other."""
        first, second = await turning.authority.rotate_keys(), await turning.authority.rotate_keys()
        assert first.kid == second.kid
        assert len(await published(turning)) == 2


class TestKeysRotateQuietlyInAnEmergency:
    """A lost key falls everywhere at once, and stays down."""

    async def test_everything_that_a_lost_key_signed_falls(self, turning: House) -> None:
        """After an emergency revocation no verifier takes a token of that key, and a new key signs at once."""
        house = turning
        client = await house.app()
        await house.person()
        lost = house.authority.world.signer.active
        assert lost is not None
        tokens = await house.sign_in_app(client)
        async with house.verifier() as other:
            revoked = await house.authority.revoke_key(lost, because="laptop stolen")
            assert revoked.missing == ()
            assert verdict(other, tokens.access_token) == "credential.key_unknown"
            assert verdict(house.authority, tokens.access_token) == "credential.key_unknown"
            assert lost not in await published(house)
            assert (await states(house))[str(lost)] == KeyState.REVOKED
            new = await house.refresh(tokens.refresh_token, client)
            assert verdict(house.authority, new.access_token) == "good"
            await until(lambda: verdict(other, new.access_token) == "good")

    async def test_no_refetch_brings_a_lost_key_back(self, turning: House) -> None:
        """A key set from a stale cache that still has the lost key does not make its tokens good again."""
        house = turning
        client = await house.app()
        await house.person()
        lost = house.authority.world.signer.active
        assert lost is not None
        tokens = await house.sign_in_app(client)
        log = house.log()
        async with house.verifier(follow=log) as other:
            assert verdict(other, tokens.access_token) == "good"
            log.key_set_instead = log.key_sets[-1]
            assert str(lost).encode() in log.key_set_instead
            await house.authority.revoke_key(lost, because="laptop stolen")
            read = len(log.key_sets)
            assert verdict(other, tokens.access_token) == "credential.key_unknown"
            for _ in range(2):
                await house.pass_time(30, other)
                await until(lambda: len(log.key_sets) > read)
                assert verdict(other, tokens.access_token) == "credential.key_unknown"
            assert str(lost).encode() not in other.published_keys()
        async with house.verifier(follow=log) as late:
            assert verdict(late, tokens.access_token) == "credential.key_unknown"

    async def test_a_key_that_was_announced_beside_the_lost_one_is_not_trusted_to_replace_it(
        self, turning: House
    ) -> None:
        """The key that signs after an emergency was made in the emergency."""
        house = turning
        announced = await house.authority.rotate_keys()
        lost = house.authority.world.signer.active
        assert lost is not None
        await house.authority.revoke_key(lost, because="laptop stolen")
        assert house.authority.world.signer.active not in (lost, announced.kid)

    async def test_a_revoked_key_stays_revoked_for_ever(self, turning: House) -> None:
        """Weeks later, after every retention, a token of the lost key is still refused by its key."""
        house = turning
        client, _ = await house.app(audiences=[EXPORT]), await house.person()
        lost = house.authority.world.signer.active
        assert lost is not None
        await house.authority.revoke_key(lost, because="laptop stolen")
        for _ in range(3):
            await later(house, 10 * 86400)
            await house.authority.sweep()
        tokens = await house.sign_in_app(client)
        assert verdict(house.authority, tokens.access_token) == "good"
        assert lost not in await published(house)
        async with house.verifier() as late:
            assert lost in late._memory.index.keys
