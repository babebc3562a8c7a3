"""OneWinner: two refreshes of one token are one rotation."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.core.policy import DEFAULT
from tallystick.core.session.decision import UpdateSession
from tests.support.house import House, Kind, Pause, a_house, code_of, revealed, verdict

pytestmark = pytest.mark.anyio


def rotations(house: House) -> int:
    """Counts the rotations that were committed."""
    return sum(isinstance(change, UpdateSession) for commit in house.door.commits for change in commit)


class TestOneWinner:
    """A refresh token is traded once."""

    async def test_ten_at_once_are_one_rotation(self, house: House) -> None:
        """Ten tabs that refresh at the same moment all get the identical successor."""
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        house.door.commits.clear()
        answers = await asyncio.gather(*(house.refresh(tokens.refresh_token, client) for _ in range(10)))
        assert len({revealed(one.refresh_token) for one in answers}) == 1
        assert {verdict(house.authority, one.access_token) for one in answers} == {"good"}
        row = (await house.door.store.facts_of_session(tokens.session)).session
        assert row.holder.generation == 1
        following = await house.refresh(answers[0].refresh_token, client)
        assert following.session == tokens.session

    async def test_the_slower_of_two_loses_and_gets_what_the_faster_got(self, house: House) -> None:
        """A refresh that has read the row before another rotated it does not rotate it again."""
        client = await house.app()
        await house.person()
        tokens, pause = await house.sign_in_app(client), Pause()

        async def before(name: str, _: int) -> None:
            if name == "commit" and not pause.reached.is_set():
                await pause.here()

        faster = []

        async def meanwhile() -> None:
            house.door.before = None
            faster.append(await house.refresh(tokens.refresh_token, client))

        with house.door.with_before(before):
            slower = await pause.run(house.refresh(tokens.refresh_token, client), meanwhile)
        assert revealed(slower.refresh_token) == revealed(faster[0].refresh_token)
        row = (await house.door.store.facts_of_session(tokens.session)).session
        assert row.version == 2
        names = [event.name for event in house.events if event.name.startswith("refresh.")]
        assert sorted(names) == ["refresh.repeated", "refresh.rotated"]

    async def test_the_identical_successor_inside_the_grace(self, house: House) -> None:
        """Whoever lost the answer asks again and gets the same refresh token; nothing is written, the window stays."""
        client = await house.app()
        await house.person()
        first = await house.sign_in_app(client)
        second = await house.refresh(first.refresh_token, client)
        before = rotations(house)
        for _ in range(2):
            await house.pass_time(4)
            again = await house.refresh(first.refresh_token, client)
            assert revealed(again.refresh_token) == revealed(second.refresh_token)
            assert revealed(again.access_token) != revealed(second.access_token)
        assert rotations(house) == before
        await house.pass_time(4)
        assert await code_of(house.refresh(first.refresh_token, client)) == "refresh.reused"

    @pytest.mark.parametrize("grace", [0, 3])
    async def test_later_reuse_ends_that_session_and_no_other(self, kind: Kind, tmp_path: Path, grace: int) -> None:
        """After the grace the predecessor ends the app's session; the browser's it was opened from lives on."""
        async with a_house(kind, tmp_path, replace(DEFAULT, refresh_grace=grace)) as house:
            client = await house.app()
            await house.person()
            browser = await house.sign_in()
            first = await house.open_from(browser.cookie, client)
            second = await house.refresh(first.refresh_token, client)
            await house.pass_time(grace + 1)
            assert await code_of(house.refresh(first.refresh_token, client)) == "refresh.reused"
            assert await code_of(house.refresh(second.refresh_token, client)) == "session.ended"
            await house.caught_up()
            assert verdict(house.authority, second.access_token) == "session.ended"
            assert await code_of(house.authority.view_of_cookie(revealed(browser.cookie))) == "good"

    async def test_a_grandparent_is_reuse_also_inside_the_grace(self, house: House) -> None:
        """Only the immediate predecessor is repeated."""
        client = await house.app()
        await house.person()
        first = await house.sign_in_app(client)
        second = await house.refresh(first.refresh_token, client)
        await house.refresh(second.refresh_token, client)
        assert await code_of(house.refresh(first.refresh_token, client)) == "refresh.reused"

    async def test_a_wrong_client_ends_nothing(self, house: House) -> None:
        """Another client, or the right one with a wrong secret, gets nothing and harms nobody, with any generation."""
        client, other = await house.app(), await house.app("maps")
        web, secret = await house.authority.create_client("web", kind="web", scopes=["notes:read"])
        await house.person()
        browser = await house.sign_in()
        first = await house.sign_in_app(client)
        second = await house.refresh(first.refresh_token, client)
        confidential = await house.open_from(browser.cookie, web.id, scope=frozenset({"notes:read"}))
        await house.pass_time(30)
        for token in (first.refresh_token, second.refresh_token):
            assert await code_of(house.refresh(token, other)) == "refresh.wrong_client"
        for wrong in (None, "tss_wrong"):
            code = await code_of(house.refresh(confidential.refresh_token, web.id, client_secret=wrong))
            assert code == "oauth.invalid_client"
        third = await house.refresh(second.refresh_token, client)
        assert third.session == first.session
        await house.refresh(confidential.refresh_token, web.id, client_secret=revealed(secret))

    async def test_two_authorities_on_one_store_are_one_winner(self, tmp_path: Path) -> None:
        """Two servers on one database that get the same token at once rotate it once."""
        async with a_house("sqlite", tmp_path) as one, a_house("sqlite", tmp_path, at=one.time) as two:
            client = await one.app()
            await one.person()
            tokens = await one.sign_in_app(client)
            for _ in range(5):
                answers = await asyncio.gather(
                    *(house.refresh(tokens.refresh_token, client) for house in (one, two, one, two))
                )
                assert len({revealed(answer.refresh_token) for answer in answers}) == 1
                tokens = answers[0]
            row = (await one.door.store.facts_of_session(tokens.session)).session
            assert row is not None
            assert row.holder.generation == 5
