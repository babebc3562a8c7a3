"""NothingResurrects: no cache, grace window, request in flight, restart or clock brings an ended thing back."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.authority.revoke import EVERYTHING_TARGET
from tallystick.core.policy import DEFAULT, Staleness
from tallystick.core.revocation.entry import GENESIS, Ending, Kind, Position, place
from tallystick.core.revocation.feed import Answer, Beat, Snapshot
from tallystick.core.verification.follow import Follower
from tallystick.core.verification.steps import Opened, Registered, SendBeat, Tick, Waited
from tests.support.house import NETWORK, QUICK, House, Pause, Time, a_house, code_of, revealed, verdict
from tests.support.house import Kind as StoreKind

pytestmark = pytest.mark.anyio


class TestNothingResurrects:
    """What has ended stays ended."""

    async def test_a_cache_fill_that_was_read_before_the_ending_is_refused(self, house: House) -> None:
        """A cookie's view that is on its way from the store while its session ends is not accepted when it arrives."""
        await house.person()
        browser, pause = await house.sign_in(), Pause()

        async def after(name: str, _: int) -> None:
            if name == "resolve":
                await pause.here()

        async def meanwhile() -> None:
            await house.authority.sign_out(browser.view)

        with house.door.with_after(after):
            look = code_of(house.authority.view_of_cookie(revealed(browser.cookie)))
            assert await pause.run(look, meanwhile) == "session.ended"
        assert await code_of(house.authority.view_of_cookie(revealed(browser.cookie))) == "session.ended"

    async def test_a_cached_view_is_checked_at_every_use(self, house: House) -> None:
        """A cookie that was good a moment ago, and is in the near-cache, is refused once its session has ended."""
        await house.person()
        browser = await house.sign_in()
        for _ in range(3):
            assert await code_of(house.authority.view_of_cookie(revealed(browser.cookie))) == "good"
        await house.authority.revoke(browser.view.id, because="test")
        for _ in range(3):
            assert await code_of(house.authority.view_of_cookie(revealed(browser.cookie))) == "session.ended"

    async def test_the_grace_window_is_shut_by_the_ending(self, house: House) -> None:
        """A predecessor inside its grace gets nothing once the session has ended."""
        client = await house.app()
        await house.person()
        first = await house.sign_in_app(client)
        await house.refresh(first.refresh_token, client)
        await house.authority.revoke(first.session, because="test")
        assert await code_of(house.refresh(first.refresh_token, client)) == "session.ended"

    @pytest.mark.parametrize("repeat", [False, True], ids=["rotation", "repeat"])
    @pytest.mark.parametrize("way", ["itself", "opener", "principal"])
    async def test_a_refresh_in_flight_does_not_outlive_the_ending(
        self, house: House, way: str, *, repeat: bool
    ) -> None:
        """A refresh that has read a live session and is slow to commit brings nothing to life."""
        client = await house.app()
        account = await house.person()
        browser = await house.sign_in()
        first = await house.open_from(browser.cookie, client)
        second = await house.refresh(first.refresh_token, client)
        token = first.refresh_token if repeat else second.refresh_token
        pause = Pause()

        async def after(name: str, _: int) -> None:
            if name == "facts_of_session" and not pause.reached.is_set():
                await pause.here()

        async def meanwhile() -> None:
            house.door.after = None
            target = {"itself": first.session, "opener": browser.view.id, "principal": account.id}[way]
            await house.authority.revoke(target, because="test")

        handed_out = []

        async def refresh() -> None:
            handed_out.append(await house.refresh(token, client))

        with house.door.with_after(after):
            code = await pause.run(code_of(refresh()), meanwhile)
        # A rotation loses; a repeat writes nothing, so it may still answer, with what is worth nothing any more.
        assert code == "session.ended" or repeat
        await house.caught_up()
        for tokens in handed_out:
            assert verdict(house.authority, tokens.access_token) in ("session.ended", "credential.outdated")
            assert await code_of(house.refresh(tokens.refresh_token, client)) == "session.ended"
        assert await code_of(house.refresh(token, client)) == "session.ended"

    async def test_a_mint_in_flight_does_not_outlive_the_ending(self, house: House) -> None:
        """An access token minted from a row that was read before the ending is covered by it."""
        await house.person()
        browser, pause = await house.sign_in(), Pause()

        async def after(name: str, _: int) -> None:
            if name == "facts_of_session" and not pause.reached.is_set():
                await pause.here()

        with house.door.with_after(after):
            tokens = await pause.run(house.mint(browser.cookie), lambda: house.authority.sign_out(browser.view))
        assert verdict(house.authority, tokens.access_token) == "session.ended"

    async def test_a_clock_that_is_set_back_brings_nothing_back(self, house: House) -> None:
        """Neither an ended session nor an expired token becomes good when the wall clock is put back."""
        client = await house.app()
        await house.person()
        ended, expired = await house.sign_in_app(client), await house.sign_in_app(client)
        await house.authority.revoke(ended.session, because="test")
        await house.pass_time(DEFAULT.access_token_lifetime + 30)
        assert verdict(house.authority, expired.access_token) == "credential.expired"
        house.time.wall_only = -50.0
        await house.beaten()
        assert verdict(house.authority, expired.access_token) == "credential.expired"
        house.time.wall_only = -3600.0
        await house.beaten()
        assert verdict(house.authority, ended.access_token) != "good"
        assert verdict(house.authority, expired.access_token) != "good"
        assert await code_of(house.refresh(ended.refresh_token, client)) == "session.ended"

    async def test_what_is_forgotten_for_its_age_is_still_refused(self, kind: StoreKind, tmp_path: Path) -> None:
        """When an entry is as old as the retention and is forgotten, everything that it covered is refused anyway."""
        staleness = Staleness(beat_s=0.15, access_token_lifetime_max=60, near_cache_lifetime=60)
        policy = replace(DEFAULT, access_token_lifetime=60, staleness=staleness)
        async with a_house(kind, tmp_path, policy) as house:
            client = await house.app()
            await house.person()
            browser, app = await house.sign_in(), await house.sign_in_app(client)
            await house.authority.revoke(browser.view.id, because="test")
            await house.authority.revoke(app.session, because="test")
            for _ in range(4):
                await house.pass_time(staleness.retention_s)
                await house.authority.sweep()
                assert await code_of(house.authority.view_of_cookie(revealed(browser.cookie))) == "session.ended"
                assert await code_of(house.refresh(app.refresh_token, client)) == "session.ended"
                assert verdict(house.authority, app.access_token) != "good"
            async with house.verifier() as late:
                assert verdict(late, app.access_token) != "good"

    async def test_a_new_verifier_starts_with_everything_that_ended(self, house: House) -> None:
        """A verifier that starts after the ending refuses from its first request on."""
        client = await house.app()
        await house.person()
        tokens = await house.sign_in_app(client)
        await house.authority.revoke(tokens.session, because="test")
        async with house.verifier() as other:
            assert verdict(other, tokens.access_token) == "session.ended"


def test_an_entry_of_another_history_is_not_taken() -> None:
    """An entry with the next number that does not continue what was heard takes the lease away and bars the epoch."""
    ours = [place(GENESIS, Position(1, 1), Ending(Kind.SESSION, "ours"), 0)]
    theirs = place(GENESIS, Position(1, 1), Ending(Kind.SESSION, "theirs"), 0)
    second = place(theirs.chain, Position(1, 2), Ending(Kind.SESSION, "second"), 0)
    follower, steps = Follower("v"), iter(range(100))

    def tick() -> Tick:
        return Tick(float(next(steps)) / 100, 1000.0, bytes(17))

    def beat() -> Beat:
        action = follower.step(Waited(), tick())
        assert isinstance(action, SendBeat)
        return action.beat

    for heard in (Opened(Staleness()), Registered(), Snapshot(Position(1, 0), GENESIS, (), Position(1, 0))):
        follower.step(heard, tick())
    nonce = beat().nonce
    first = Answer(nonce, True, ours[0].position, ours[0].chain, tuple(ours), False, False, False, Position(0, 0))
    follower.step(first, tick())
    assert follower.deadline > 0
    nonce = beat().nonce
    forked = Answer(nonce, True, second.position, second.chain, (second,), False, False, False, Position(0, 0))
    follower.step(forked, tick())
    assert follower.deadline < 0
    assert follower.is_forked
    assert "ours" in follower.index.ended


def copy_of(folder: Path, into: Path) -> None:
    """Copies the database of a folder, with what lies beside it but for the lock."""
    into.mkdir(exist_ok=True)
    for path in folder.glob("tallystick.db*"):
        if not path.name.endswith("lock"):
            shutil.copy(path, into / path.name)


def put_back(copy: Path, folder: Path) -> None:
    """Puts a copy of a database in the place of what is there, as an operator would who knows no better."""
    for path in folder.glob("tallystick.db-*"):
        path.unlink()
    for path in copy.iterdir():
        path.replace(folder / path.name)


class TestNothingResurrectsOnDisk:
    """The same across the life of a process, on SQLite."""

    @pytest.mark.parametrize("way", ["session", "client", "everything"])
    async def test_what_one_process_remembers_of_a_service_ends_with_what_another_ends(
        self, tmp_path: Path, way: str
    ) -> None:
        """A service that asks a second server for tokens gets none of its old session once the first has ended it."""
        async with a_house("sqlite", tmp_path) as one, a_house("sqlite", tmp_path, at=one.time) as two:
            service, secret = await one.service()
            ask = {"client_id": service.id, "client_secret": secret, "network": NETWORK}
            old = [await two.authority.client_credentials(**ask) for _ in range(2)][-1]
            target = {"session": old.session, "client": service.id, "everything": EVERYTHING_TARGET}[way]
            await one.authority.revoke(target, because="test", strength="everywhere")
            new = await two.authority.client_credentials(**ask)
            assert new.session != old.session
            for house in (one, two):
                await house.caught_up()
                assert verdict(house.authority, old.access_token) in ("session.ended", "credential.outdated")
                assert verdict(house.authority, new.access_token) == "good"
            await one.authority.disable_client(service.id, because="test", strength="everywhere")
            assert await code_of(two.authority.client_credentials(**ask)) == "oauth.invalid_client"

    @pytest.mark.parametrize("clean", [True, False], ids=["closed", "killed"])
    async def test_what_ended_before_a_restart_is_ended_after_it(self, tmp_path: Path, *, clean: bool) -> None:
        """Closed or killed, an authority that comes up again on the same files refuses what had ended."""
        clock, home = Time(), tmp_path
        async with a_house("sqlite", tmp_path, at=clock) as house:
            client = await house.app()
            await house.person()
            browser, app = await house.sign_in(), await house.sign_in_app(client)
            live = await house.sign_in_app(client)
            await house.authority.revoke(browser.view.id, because="test")
            await house.authority.revoke(app.session, because="test")
            if not clean:
                # What a machine that lost power has on its disk: the files as they are, without an orderly close.
                home = tmp_path / "killed"
                copy_of(tmp_path, home)
                shutil.copy(tmp_path / "root.key", home / "root.key")
        async with a_house("sqlite", home, at=clock) as house:
            assert await code_of(house.authority.view_of_cookie(revealed(browser.cookie))) == "session.ended"
            assert verdict(house.authority, app.access_token) == "session.ended"
            assert await code_of(house.refresh(app.refresh_token, client)) == "session.ended"
            assert verdict(house.authority, live.access_token) == "good"

    async def test_a_copy_that_is_put_back_under_a_verifier_is_found_by_the_chain(self, tmp_path: Path) -> None:
        """A database that is replaced by an older copy of itself cannot make a verifier forget what has ended."""
        clock = Time()
        async with a_house("sqlite", tmp_path, replace(DEFAULT, staleness=QUICK), at=clock) as house:
            client = await house.app()
            await house.person()
            ended, alive = await house.sign_in_app(client), await house.sign_in_app(client)
            copy_of(tmp_path, tmp_path / "backup")
            await house.authority.revoke(ended.session, because="test", strength="everywhere")
            assert verdict(house.authority, ended.access_token) == "session.ended"
            put_back(tmp_path / "backup", tmp_path)
            said: set[str] = set()
            await until_settled(lambda: said.add(verdict(house.authority, ended.access_token)), 1.5)
            assert "good" not in said
            assert await code_of(house.refresh(ended.refresh_token, client)) != "good"
            assert await code_of(house.refresh(alive.refresh_token, client)) != "good"

    async def test_a_copy_that_is_put_back_while_nothing_runs_signs_everybody_out(self, tmp_path: Path) -> None:
        """An older database under a newer mark is answered by a new epoch: nothing of before is good, new things are."""
        clock = Time()
        async with a_house("sqlite", tmp_path, replace(DEFAULT, staleness=QUICK), at=clock) as house:
            client = await house.app()
            await house.person()
            ended, alive = await house.sign_in_app(client), await house.sign_in_app(client)
            copy_of(tmp_path, tmp_path / "backup")
            (tmp_path / "backup" / "tallystick.db.head").unlink()
            await house.authority.revoke(ended.session, because="test")
        put_back(tmp_path / "backup", tmp_path)
        async with a_house("sqlite", tmp_path, replace(DEFAULT, staleness=QUICK), at=clock) as house:
            assert verdict(house.authority, ended.access_token) != "good"
            assert verdict(house.authority, alive.access_token) == "credential.outdated"
            assert await code_of(house.refresh(ended.refresh_token, client)) == "session.ended"
            assert await code_of(house.refresh(alive.refresh_token, client)) == "session.ended"
            new = await house.sign_in_app(client)
            assert verdict(house.authority, new.access_token) == "good"
            assert (await house.authority.head()).epoch > 1


async def until_settled(ask: Callable[[], object], seconds: float) -> None:
    """Asks again and again for a while."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        ask()
        await asyncio.sleep(0.01)
